"""The row's bytes: vectors that must never change, and the engine against the Python reference."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsctl.splits.hash import HashSplit
from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.rows import Value, position, position_sql, row_bytes

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rows.json").read_text(encoding="utf-8"))

_ARROW = {
    ColumnType.INT: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOL: pa.bool_(),
    ColumnType.STRING: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
}
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_VALUES: dict[ColumnType, st.SearchStrategy[Value]] = {
    ColumnType.INT: st.integers(-(2**63), 2**63 - 1),
    ColumnType.FLOAT: st.floats(),
    ColumnType.BOOL: st.booleans(),
    ColumnType.STRING: _TEXT,
    ColumnType.TIMESTAMP: st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
}


def _value(written: object, type: str) -> Value:
    if type == "float" and isinstance(written, str):
        return float(written)
    if type == "timestamp" and isinstance(written, str):
        return datetime.fromisoformat(written)
    assert written is None or isinstance(written, bool | int | float | str)
    return written


def _in_engine(columns: list[Column], rows: list[dict[str, Value]]) -> list[int]:
    table = pa.table({c.name: pa.array([row[c.name] for row in rows], type=_ARROW[c.type]) for c in columns})
    connection = _engine()
    connection.register("rows", table)
    return [found[0] for found in connection.execute(f"SELECT {position_sql(columns)} FROM rows").fetchall()]


@cache
def _engine() -> Any:
    # One for all examples: opening takes longer than hashing.
    return duckdb.connect(config={"threads": 1})


@pytest.mark.parametrize("vector", VECTORS["rows"], ids=lambda vector: vector["name"])
def test_a_row_has_the_bytes_and_the_position_of_its_vector(vector: dict[str, object]) -> None:
    cells = vector["row"]
    assert isinstance(cells, dict)
    row = {name: _value(value, type) for name, (type, value) in cells.items()}
    assert row_bytes(row).decode("utf-8") == vector["bytes"]
    assert str(position(row)) == vector["position"]
    columns = [Column(name, ColumnType(type)) for name, (type, _) in cells.items()]
    assert _in_engine(columns, [row]) == [position(row)]
    assert HashSplit().place(position(row)) == vector["split"]


@settings(max_examples=30)
@given(st.data())
def test_the_engine_places_any_row_where_the_reference_does(data: st.DataObject) -> None:
    names = data.draw(
        st.lists(_TEXT.filter(lambda name: name.strip() != ""), min_size=1, max_size=4, unique_by=str.casefold)
    )
    columns = [Column(name, data.draw(st.sampled_from(sorted(_ARROW)))) for name in names]
    row_strategy = st.fixed_dictionaries({c.name: st.none() | _VALUES[c.type] for c in columns})
    rows = data.draw(st.lists(row_strategy, min_size=1, max_size=5))
    assert _in_engine(columns, rows) == [position(row) for row in rows]


def test_one_and_one_point_zero_are_the_same_value() -> None:
    assert row_bytes({"a": 1, "b": -0.0}) == row_bytes({"a": 1.0, "b": 0})


def test_missing_empty_and_the_text_of_a_number_are_different_values() -> None:
    assert len({row_bytes({"a": value}) for value in (None, "", "1", 1, True, "true", "z")}) == 7


def test_values_do_not_run_into_each_other() -> None:
    assert row_bytes({"a": "x", "b": "yz"}) != row_bytes({"a": "xy", "b": "z"})


def test_the_order_of_columns_does_not_matter() -> None:
    assert row_bytes({"b": 1, "a": "x"}) == row_bytes({"a": "x", "b": 1})
