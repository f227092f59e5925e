"""Computing statistics in DuckDB: one pass for all columns, then one over each column that has more to tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import identifier, parquet
from mlopsctl.tables.statistics import BUCKETS, QUANTILES, TOP, ColumnStatistics, Numbers, TableStatistics, ValueCount

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

# Up to so many different values, by estimate, they are counted one by one.
_FEW = 1000


def measure(connection: Connection, file: Path, columns: Sequence[Column]) -> TableStatistics:
    """The statistics of the rows of one Parquet file."""
    table = parquet(file)
    asked = [expression for column in columns for expression in _overview(column)]
    answers: Iterator[Any] = iter(_row(connection, f"SELECT count(*), {', '.join(asked)} FROM {table}"))
    rows = int(next(answers))
    found = []
    for column in columns:
        overview = [next(answers) for _ in _overview(column)]
        found.append(_finished(connection, table, column, rows, overview))
    return TableStatistics(rows=rows, columns=tuple(found))


def _overview(column: Column) -> list[str]:
    """What the first pass asks of a column; :func:`_finished` reads the answers in this order."""
    name = identifier(column.name)
    if column.type is ColumnType.FLOAT:
        finite = f"CASE WHEN isfinite({name}) THEN {name} END"
        return [
            f"count({name})",
            f"approx_count_distinct(CASE WHEN NOT isnan({name}) THEN {name} END)",
            f"count(*) FILTER (WHERE isnan({name}))",
            f"count(*) FILTER (WHERE isinf({name}))",
            *(f"{aggregate}({finite})" for aggregate in ("min", "max", "avg", "stddev_samp")),
        ]
    if column.type is ColumnType.OTHER:
        return [f"count({name})"]
    basic = [f"count({name})", f"approx_count_distinct({name})"]
    if column.type is ColumnType.INT:
        return basic + [f"{aggregate}({name})" for aggregate in ("min", "max", "avg", "stddev_samp")]
    if column.type is ColumnType.TIMESTAMP:
        return [*basic, f"min({name})::VARCHAR", f"max({name})::VARCHAR"]
    return basic


def _finished(
    connection: Connection, table: str, column: Column, rows: int, overview: Sequence[Any]
) -> ColumnStatistics:
    """The column's statistics: what the first pass found, and what its own pass adds."""
    present, *rest = overview
    basic = ColumnStatistics(name=column.name, type=column.type, rows=rows, missing=rows - int(present))
    if column.type is ColumnType.OTHER:
        return replace(basic, distinct_exact=False)
    estimate, *rest = rest
    if column.type is ColumnType.FLOAT:
        nan, infinite, *rest = rest
        basic = replace(basic, nan=int(nan), infinite=int(infinite))
    if column.type is ColumnType.TIMESTAMP:
        return replace(basic, distinct=int(estimate), distinct_exact=False, first=rest[0], last=rest[1])
    basic = _counted(connection, table, column, int(estimate), basic)
    return replace(basic, numbers=_numbers(connection, table, column, rest)) if column.type.numeric else basic


def _counted(
    connection: Connection, table: str, column: Column, estimate: int, basic: ColumnStatistics
) -> ColumnStatistics:
    """Different values and the most frequent ones; all are counted where there are few."""
    few = estimate <= _FEW
    if not few and column.type is not ColumnType.STRING:
        return replace(basic, distinct=estimate, distinct_exact=False)
    name = identifier(column.name)
    kept = f"{name} IS NOT NULL" + (f" AND NOT isnan({name})" if column.type is ColumnType.FLOAT else "")
    limit = "" if few else f"LIMIT {TOP}"
    found = connection.execute(
        f"SELECT {name}, count(*) FROM {table} WHERE {kept} GROUP BY {name} ORDER BY count(*) DESC, {name} {limit}"
    ).fetchall()
    listed = column.type in (ColumnType.STRING, ColumnType.BOOL) or (
        column.type is ColumnType.INT and len(found) <= TOP
    )
    return replace(
        basic,
        distinct=len(found) if few else estimate,
        distinct_exact=few,
        top=tuple(ValueCount(value=value, rows=int(count)) for value, count in found[:TOP]) if listed else (),
    )


def _numbers(connection: Connection, table: str, column: Column, bounds: Sequence[Any]) -> Numbers | None:
    low, high, mean, std = bounds
    if low is None:
        return None
    name = identifier(column.name)
    value = f"CASE WHEN isfinite({name}) THEN {name} END" if column.type is ColumnType.FLOAT else name
    edges = _edges(float(low), float(high))
    quantiles, counts = _row(
        connection,
        f"SELECT quantile_cont({value}, {list(QUANTILES)}), histogram({value}::DOUBLE, {edges}::DOUBLE[]) FROM {table}",
    )
    return Numbers(
        min=low,
        max=high,
        mean=_finite(mean),
        std=0.0 if std is None else _finite(std),
        quantiles=tuple(float(quantile) for quantile in quantiles),
        histogram=_buckets(edges, counts),
    )


def _edges(low: float, high: float) -> list[float]:
    """The upper edges of the buckets; they grow, and the last is the largest value."""
    shares = [step / BUCKETS for step in range(1, BUCKETS)]
    edges = [low * (1 - share) + high * share for share in shares]
    return [*(min(max(edge, low), high) for edge in edges), high]


def _buckets(edges: Sequence[float], counts: Mapping[float, int]) -> tuple[int, ...]:
    """Counts by upper edge as a list; where edges coincide, the first of them has the rows."""
    left = dict(counts)
    return tuple(int(left.pop(edge, 0)) for edge in edges)


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _row(connection: Connection, query: str) -> tuple[Any, ...]:
    found = connection.execute(query).fetchone()
    return () if found is None else tuple(found)
