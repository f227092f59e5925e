"""Rows against a schema: what is found, how often, and with which examples."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlopsctl.checks.conformance import anomalies
from mlopsctl.checks.data_schema import DataSchema, inferred, reviewed
from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.evidence import Anomaly
from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import opened
from mlopsctl.tables.measure import measure
from mlopsctl.tables.scan import column_type

NAN, INF = float("nan"), float("inf")


def _write(folder: Path, values: dict[str, list[Any]]) -> tuple[Path, list[Column]]:
    file = folder / "rows.parquet"
    pq.write_table(pa.table(values), file)
    with opened(reads=[file]) as connection:
        described = connection.execute("DESCRIBE FROM read_parquet($1)", [str(file)]).fetchall()
    return file, [Column(row[0], column_type(row[1])) for row in described]


def _compare(folder: Path, values: dict[str, list[Any]], schema: DataSchema) -> tuple[Anomaly, ...]:
    file, columns = _write(folder, values)
    with opened(reads=[file]) as connection:
        return anomalies(connection, file, columns, schema, list(values))


def _schema(**rules: dict[str, Any]) -> DataSchema:
    return reviewed("d", SchemaFile.model_validate({"columns": rules}))


@pytest.mark.parametrize(
    ("values", "rule", "reason", "rows", "examples"),
    [
        ([1, 2, 30], {"type": "int", "max": 9}, "more than 9", 1, ("30",)),
        ([1, -2, None], {"type": "int", "min": 0}, "less than 0", 1, ("-2",)),
        ([1.5, INF, -INF], {"type": "float", "max": 9}, "more than 9", 1, ("inf",)),
        ([1.0, 2.5, 4.0], {"type": "int"}, "not of type int", 1, ("2.5",)),
        (["1", "x", "3"], {"type": "int"}, "not of type int", 1, ("x",)),
        (["1.5", "1e3", "one"], {"type": "float"}, "not of type float", 1, ("one",)),
        (["true", "maybe", None], {"type": "bool"}, "not of type bool", 1, ("maybe",)),
        ([1, 2, 3], {"type": "string"}, "the type is int, not string", 3, ("1", "2", "3")),
        ([True, False, True], {"type": "int"}, "the type is bool, not int", 3, ("true", "false")),
        (["a", "b", "c"], {"type": "string", "domain": ["a", "b"]}, "not in the domain", 1, ("c",)),
        ([0, 1, 7], {"type": "int", "domain": [0, 1]}, "not in the domain", 1, ("7",)),
        (
            ["'; DROP TABLE x; --", "a", "a"],
            {"type": "string", "domain": ["a"]},
            "not in the domain",
            1,
            ("'; DROP TABLE x; --",),
        ),
        ([1, None, 3], {"type": "int", "presence": 1.0}, "a value is missing", 1, ()),
        ([1.0, NAN, None], {"type": "float", "presence": 0.5}, "a value in fewer than 0.5 of rows", 2, ("nan",)),
    ],
)
def test_a_violation_is_counted_with_examples(
    tmp_path: Path, values: list[Any], rule: dict[str, Any], reason: str, rows: int, examples: tuple[str, ...]
) -> None:
    (found,) = _compare(tmp_path, {"x": values}, _schema(x=rule))
    assert (found.column, found.reason, found.rows, found.of) == ("x", reason, rows, 3)
    assert found.examples == examples


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([1, 5, 9], {"type": "int", "min": 1, "max": 9}),
        ([1, 2], {"type": "float", "min": 0}),
        ([1.0, 2.0, None], {"type": "int"}),
        ([1.0, NAN], {"type": "float", "min": 0, "max": 2}),
        (["a", None], {"type": "string", "domain": ["a"]}),
        ([1, None, 3, 4], {"type": "int", "presence": 0.75}),
        ([1] * 9 + [None], {"type": "int", "presence": 0.9}),
    ],
)
def test_rows_as_the_schema_says_have_no_anomaly(tmp_path: Path, values: list[Any], rule: dict[str, Any]) -> None:
    assert _compare(tmp_path, {"x": values}, _schema(x=rule)) == ()


def test_missing_and_unknown_columns_are_anomalies(tmp_path: Path) -> None:
    schema = _schema(a={"type": "int"}, gone={"type": "int"}, served={"type": "int", "environments": ["SERVING"]})
    found = _compare(tmp_path, {"a": [1, 2], "new": [1, 2]}, schema)
    assert [(one.column, one.rows) for one in found] == [("gone", 2), ("new", 2)]


@pytest.mark.parametrize("name", ['a"b', "a'b", "x; DROP TABLE y", "naïve 🐧", "a.b", "select"])
def test_any_name_may_name_a_column(tmp_path: Path, name: str) -> None:
    (found,) = _compare(tmp_path, {name: [1, 20]}, _schema(**{name: {"type": "int", "max": 9}}))
    assert (found.column, found.rows) == (name, 1)


def test_a_learned_schema_knows_types_domains_and_presence_and_does_not_judge_ranges(tmp_path: Path) -> None:
    file, columns = _write(tmp_path, {"n": [1, 2, 3], "t": ["a", "b", "a"], "m": ["x", None, "y"]})
    with opened(reads=[file]) as connection:
        schema = inferred("d", measure(connection, file, columns))
    n, t, m = schema.columns
    assert (n.type, n.min, n.max, n.presence, n.domain) == (ColumnType.INT, 1, 3, 1.0, None)
    assert (t.domain, t.presence) == (("a", "b"), 1.0)
    assert (m.domain, m.presence) == (("x", "y"), None)
    found = _compare(tmp_path, {"n": [99, None], "t": ["a", "c"], "m": ["x", None]}, schema)
    assert [(one.column, one.reason) for one in found] == [("n", "a value is missing"), ("t", "not in the domain")]


def test_text_of_many_values_has_no_domain(tmp_path: Path) -> None:
    file, columns = _write(tmp_path, {"t": [f"value {n}" for n in range(101)]})
    with opened(reads=[file]) as connection:
        schema = inferred("d", measure(connection, file, columns))
    assert schema.columns[0].domain is None


def test_a_column_of_training_may_be_absent_when_serving(tmp_path: Path) -> None:
    schema = _schema(n={"type": "int"}, y={"type": "int", "environments": ["TRAINING"]})
    file, columns = _write(tmp_path, {"n": [1, 2]})
    with opened(reads=[file]) as connection:
        training = anomalies(connection, file, columns, schema, ["n"], "TRAINING")
        serving = anomalies(connection, file, columns, schema, ["n"], "SERVING")
    assert [one.column for one in training] == ["y"]
    assert serving == ()


@pytest.mark.parametrize(
    ("values", "rows"),
    [([datetime(2020, 1, 1), None], 0), (["2020-01-01", "2020-01-01 10:00:00", "soon"], 1), ([5], 1)],
)
def test_times_are_told_from_what_is_none(tmp_path: Path, values: list[Any], rows: int) -> None:
    found = _compare(tmp_path, {"x": values}, _schema(x={"type": "timestamp"}))
    assert sum(one.rows for one in found) == rows
