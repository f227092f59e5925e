"""Values and rows as BigQuery writes them: vectors, and the engine against plain Python."""

from __future__ import annotations

import json
import math
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.bigquery import row_sql, text_sql
from mlopsctl.tables.columns import Column, ColumnType
from tests.unit.tables.farm import fingerprint

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "farm_fingerprint.json").read_text(encoding="utf-8"))
ARROW = {
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us"),
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1]),
    "float": st.floats() | st.integers(-1000, 1000).map(float),
    "bool": st.booleans(),
    "string": TEXT | st.sampled_from(['"', "\\", "\x1f\u2028", "\x0b\x00"]),
    "timestamp": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
}


@cache
def _engine() -> Any:
    return duckdb.connect(config={"threads": 1})


def _value(type: str, written: Any) -> Any:
    if type == "float" and isinstance(written, str):
        return float(written)
    return datetime.fromisoformat(written) if type == "timestamp" and isinstance(written, str) else written


def _in_engine(cells: list[tuple[str, str, Any]], expression: str) -> str | None:
    table = pa.table([pa.array([value], type=ARROW[type]) for _, type, value in cells], names=[c[0] for c in cells])
    _engine().register("rows", table)
    found: str | None = _engine().execute(f"SELECT {expression} FROM rows").fetchall()[0][0]
    return found


def _json(type: str, value: Any) -> str:
    """A value in a row, in plain Python."""
    if value is None:
        return "null"
    if type == "int":
        return str(value) if abs(value) <= 2**53 else f'"{value}"'
    if type == "float":
        if not math.isfinite(value):
            return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
        short = f"{value:.15g}"
        return "0" if value == 0 else short if float(short) == value else f"{value:.17g}"
    if type == "timestamp":
        fraction = f".{value.microsecond:06d}" if value.microsecond else ""
        fraction = fraction.removesuffix("000") if value.microsecond % 1000 == 0 else fraction
        return f'"{value.year:04d}-{value:%m-%dT%H:%M:%S}{fraction}Z"'
    if type == "bool":
        return "true" if value else "false"
    written = json.dumps(value, ensure_ascii=False)
    return written.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _columns(cells: list[tuple[str, str, Any]]) -> list[Column]:
    return [Column(name, ColumnType(type)) for name, type, _ in cells]


@pytest.mark.parametrize("vector", VECTORS["rows"], ids=lambda vector: vector["name"])
def test_a_row_is_written_as_its_vector(vector: dict[str, Any]) -> None:
    cells = [(name, type, _value(type, value)) for name, type, value in vector["row"]]
    assert _in_engine(cells, row_sql(_columns(cells))) == vector["json"]
    assert str(fingerprint(vector["json"].encode())) == vector["fingerprint"]


@pytest.mark.parametrize("vector", VECTORS["values"], ids=lambda vector: f"{vector['type']} {vector['value']}")
def test_a_value_alone_is_written_as_its_vector(vector: dict[str, Any]) -> None:
    cells = [("x", vector["type"], _value(vector["type"], vector["value"]))]
    assert _in_engine(cells, text_sql(_columns(cells)[0])) == vector["text"]
    assert str(fingerprint(vector["text"].encode())) == vector["fingerprint"]


@pytest.mark.parametrize("type", sorted(ARROW))
def test_a_missing_value_alone_has_no_text(type: str) -> None:
    assert _in_engine([("x", type, None)], text_sql(Column("x", ColumnType(type)))) is None


@settings(max_examples=60)
@given(st.data())
def test_any_row_is_written_as_plain_python_writes_it(data: st.DataObject) -> None:
    named = TEXT.filter(lambda name: name.strip("\x00 ") != "" and "\x00" not in name)
    names = data.draw(st.lists(named, min_size=1, max_size=4, unique_by=str.casefold))
    types = [data.draw(st.sampled_from(sorted(ARROW))) for _ in names]
    cells = [(name, type, data.draw(st.none() | VALUES[type])) for name, type in zip(names, types, strict=True)]
    written = ",".join(f"{_json('string', name)}:{_json(type, value)}" for name, type, value in cells)
    assert _in_engine(cells, row_sql(_columns(cells))) == "{" + written + "}"


def test_lists_and_bytes_have_no_fingerprint() -> None:
    other = Column("tags", ColumnType.OTHER)
    with pytest.raises(StepProblem, match="'tags'"):
        row_sql([Column("n", ColumnType.INT), other])
    with pytest.raises(StepProblem, match="'tags'"):
        text_sql(other)
