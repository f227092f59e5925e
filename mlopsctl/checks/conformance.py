"""Comparing rows with a schema in DuckDB: one pass counts every violation, a second look finds examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.checks.data_schema import ColumnSchema, DataSchema
from mlopsctl.evidence import Anomaly
from mlopsctl.ground.numbers import exact
from mlopsctl.ground.text import printable
from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import identifier, literal, parquet
from mlopsctl.tables.scan import missing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

_EXAMPLES = 3
_SQL_TYPES = {
    ColumnType.INT: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOL: "BOOLEAN",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """One thing that rows may violate: an SQL condition that is true for a row that does."""

    column: str
    reason: str
    violated: str
    # The share of rows that may violate it.
    allowed: float = 0.0


def anomalies(
    connection: Connection,
    file: Path,
    columns: Sequence[Column],
    schema: DataSchema,
    projected: Sequence[str],
    environment: str = "TRAINING",
) -> tuple[Anomaly, ...]:
    """Where the rows of a Parquet file are not as the schema says.

    Args:
        columns: those of the file.
        projected: the columns that the project uses; one that a reviewed schema does not know is an anomaly.
        environment: what the rows are for, ``TRAINING`` or ``SERVING``; columns expected elsewhere only may be absent.
    """
    table = parquet(file)
    rules = list(_rules(columns, schema))
    asked = ["count(*)", *(f"count(*) FILTER (WHERE {rule.violated})" for rule in rules)]
    counts = connection.execute(f"SELECT {', '.join(asked)} FROM {table}").fetchone() or (0,)
    rows = int(counts[0])
    found = [*_missing_columns(columns, schema, environment, rows), *_unknown_columns(schema, projected, rows)]
    for rule, count in zip(rules, counts[1:], strict=False):
        if count > rule.allowed * rows:
            found.append(
                Anomaly(
                    column=rule.column,
                    reason=rule.reason,
                    rows=int(count),
                    of=rows,
                    examples=_examples(connection, table, rule),
                )
            )
    return tuple(found)


def _missing_columns(columns: Sequence[Column], schema: DataSchema, environment: str, rows: int) -> Iterator[Anomaly]:
    there = {column.name for column in columns}
    for expected in schema.columns:
        if expected.expected_in(environment) and expected.name not in there:
            yield Anomaly(expected.name, "the column is missing", rows=rows, of=rows)


def _unknown_columns(schema: DataSchema, projected: Sequence[str], rows: int) -> Iterator[Anomaly]:
    known = {column.name for column in schema.columns}
    for name in projected:
        if name not in known:
            yield Anomaly(name, "the schema does not know the column", rows=rows, of=rows)


def _rules(columns: Sequence[Column], schema: DataSchema) -> Iterator[_Rule]:
    there = {column.name: column for column in columns}
    for expected in schema.columns:
        column = there.get(expected.name)
        if column is not None:
            yield from _column_rules(column, expected, ranges=schema.origin == "reviewed")


def _column_rules(column: Column, expected: ColumnSchema, *, ranges: bool) -> Iterator[_Rule]:
    """Type, presence, range and domain of one column. A missing value violates presence only; so does NaN."""
    name = identifier(column.name)
    lacks = missing(column)
    value = _typed(column, expected.type)
    if value is None:
        reason = f"the type is {column.type}, not {expected.type}"
        yield _Rule(column.name, reason, f"NOT {lacks}")
        return
    if value != name:
        yield _Rule(column.name, f"not of type {expected.type}", f"NOT {lacks} AND {value} IS NULL")
    if expected.presence is not None:
        reason = (
            "a value is missing"
            if expected.presence == 1
            else f"a value in fewer than {exact(expected.presence)} of rows"
        )
        yield _Rule(column.name, reason, lacks, allowed=_rounded(1 - expected.presence))
    if ranges and expected.min is not None:
        yield _Rule(
            column.name, f"less than {exact(expected.min)}", f"NOT {lacks} AND {value} < {expected.min!r}::DOUBLE"
        )
    if ranges and expected.max is not None:
        yield _Rule(
            column.name, f"more than {exact(expected.max)}", f"NOT {lacks} AND {value} > {expected.max!r}::DOUBLE"
        )
    if expected.domain is not None:
        known = ", ".join(_constant(entry) for entry in expected.domain)
        yield _Rule(column.name, "not in the domain", f"NOT {lacks} AND {value} NOT IN ({known})")


def _typed(column: Column, expected: ColumnType) -> str | None:
    """The column as SQL of the expected type, null where a value is not of it; ``None`` where no value can be."""
    name = identifier(column.name)
    found = column.type
    if found is expected or (found is ColumnType.INT and expected is ColumnType.FLOAT):
        return name
    if found is ColumnType.FLOAT and expected is ColumnType.INT:
        return f"(CASE WHEN isfinite({name}) AND {name} = trunc({name}) THEN TRY_CAST({name} AS BIGINT) END)"
    if found is ColumnType.STRING and expected is ColumnType.INT:
        return f"(CASE WHEN regexp_full_match(trim({name}), '-?[0-9]+') THEN TRY_CAST(trim({name}) AS BIGINT) END)"
    if found is ColumnType.STRING and expected in _SQL_TYPES:
        return f"TRY_CAST(trim({name}) AS {_SQL_TYPES[expected]})"
    return None


def _constant(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        literal(value) if isinstance(value, str) else f"{value!r}::DOUBLE" if isinstance(value, float) else str(value)
    )


def _rounded(share: float) -> float:
    """1 - 0.9 allows a tenth of the rows, not a rounding error less."""
    return round(share, 12)


def _examples(connection: Connection, table: str, rule: _Rule) -> tuple[str, ...]:
    """The most frequent values of rows that violate a rule."""
    name = identifier(rule.column)
    found = connection.execute(
        f"SELECT {name}::VARCHAR FROM {table} WHERE {rule.violated} AND {name} IS NOT NULL "
        f"GROUP BY {name} ORDER BY count(*) DESC, {name} LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple(printable(str(row[0]))[:100] for row in found)
