"""Computing statistics in DuckDB, out of core: a pass for all columns, one for the shape of numbers, one a category.

No query holds more than the values of 20 million rows: what must be sorted is asked a few columns at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import identifier, parquet
from mlopsctl.tables.scan import missing
from mlopsctl.tables.statistics import (
    BUCKETS,
    DECILES,
    QUANTILES,
    TOP,
    Bins,
    ColumnStatistics,
    Numbers,
    TableStatistics,
    ValueCount,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

# So many values may be held at once to be sorted, 8 bytes each.
_SORTED = 20_000_000


def measure(connection: Connection, file: Path, columns: Sequence[Column]) -> TableStatistics:
    """The statistics of the rows of one Parquet file."""
    table = parquet(file)
    asked = [expression for column in columns for expression in _overview(column)]
    answers: Iterator[Any] = iter(_row(connection, f"SELECT {', '.join(['count(*)', *asked])} FROM {table}"))
    rows = int(next(answers))
    overviews = {column.name: [next(answers) for _ in _overview(column)] for column in columns}
    found = [_counted(connection, table, column, rows, overviews[column.name]) for column in columns]
    bounds = {column: overviews[column.name][-4:] for column in columns if column.type.numeric}
    shapes = _shapes(connection, table, rows, bounds)
    return TableStatistics(rows=rows, columns=tuple(replace(each, numbers=shapes.get(each.name)) for each in found))


def finite(column: Column) -> str:
    """The column's finite values as SQL of type DOUBLE, null for every other."""
    name = identifier(column.name)
    return f"CASE WHEN isfinite({name}) THEN {name} END" if column.type is ColumnType.FLOAT else f"{name}::DOUBLE"


def _overview(column: Column) -> list[str]:
    """What the first pass asks of a column; :func:`_counted` reads the answers, of numbers the last four are bounds."""
    name = identifier(column.name)
    bounds = ("min", "max", "avg", "stddev_samp")
    if column.type is ColumnType.FLOAT:
        return [
            f"count({name})",
            f"approx_count_distinct(CASE WHEN NOT isnan({name}) THEN {name} END)",
            f"count(*) FILTER (WHERE isnan({name}))",
            f"count(*) FILTER (WHERE isinf({name}))",
            *(f"{aggregate}({finite(column)})" for aggregate in bounds),
        ]
    if column.type is ColumnType.OTHER:
        return [f"count({name})"]
    basic = [f"count({name})", f"approx_count_distinct({name})"]
    if column.type is ColumnType.INT:
        return basic + [f"{aggregate}({name})" for aggregate in bounds]
    if column.type is ColumnType.TIMESTAMP:
        return [*basic, f"min({name})::VARCHAR", f"max({name})::VARCHAR"]
    return basic


def _counted(
    connection: Connection, table: str, column: Column, rows: int, overview: Sequence[Any]
) -> ColumnStatistics:
    """What the first pass found, and the values of a column that has few of them."""
    present, *rest = overview
    basic = ColumnStatistics(name=column.name, type=column.type, rows=rows, missing=rows - int(present))
    if column.type is ColumnType.OTHER:
        return replace(basic, distinct_exact=False)
    estimate = int(rest[0])
    if column.type is ColumnType.FLOAT:
        basic = replace(basic, nan=int(rest[1]), infinite=int(rest[2]))
    if column.type is ColumnType.TIMESTAMP:
        return replace(basic, distinct=estimate, distinct_exact=False, first=rest[1], last=rest[2])
    # The estimate may miss by some percent.
    if estimate > TOP * 1.1 and column.type is not ColumnType.STRING:
        return replace(basic, distinct=estimate, distinct_exact=False)
    return _listed(connection, table, column, estimate, basic)


def _listed(
    connection: Connection, table: str, column: Column, estimate: int, basic: ColumnStatistics
) -> ColumnStatistics:
    """Different values and the most frequent ones; floats are counted and not listed."""
    name = identifier(column.name)
    kept = f"NOT {missing(column)}"
    found = connection.execute(
        f"SELECT {name}, count(*) FROM {table} WHERE {kept} GROUP BY {name} ORDER BY count(*) DESC, {name} "
        f"LIMIT {TOP + 1}"
    ).fetchall()
    all_of_them = len(found) <= TOP
    listed = column.type in (ColumnType.STRING, ColumnType.BOOL) or (column.type is ColumnType.INT and all_of_them)
    return replace(
        basic,
        distinct=len(found) if all_of_them else max(estimate, len(found)),
        distinct_exact=all_of_them,
        top=tuple(ValueCount(value=value, rows=int(count)) for value, count in found[:TOP]) if listed else (),
    )


def _shapes(
    connection: Connection, table: str, rows: int, bounds: Mapping[Column, Sequence[Any]]
) -> dict[str, Numbers]:
    """The numbers of every column that has a finite value, by name."""
    asked = [column for column, (low, *_) in bounds.items() if low is not None]
    size = max(1, _SORTED // max(rows, 1))
    quantile = "quantile_cont" if rows <= _SORTED else "approx_quantile"
    points = sorted({*QUANTILES, *DECILES})
    found: dict[str, Numbers] = {}
    for start in range(0, len(asked), size):
        batch = asked[start : start + size]
        cuts = _each(connection, table, [f"{quantile}({finite(column)}, {points})" for column in batch])
        at = [dict(zip(points, map(float, cut), strict=True)) for cut in cuts]
        edges = [_edges(bounds[column], cut) for column, cut in zip(batch, at, strict=True)]
        histograms = [f"histogram({finite(c)}, {e}::DOUBLE[])" for c, e in zip(batch, edges, strict=True)]
        for column, cut, counts in zip(batch, at, _each(connection, table, histograms), strict=True):
            found[column.name] = _numbers(bounds[column], cut, counts)
    return found


def _each(connection: Connection, table: str, expressions: Sequence[str]) -> tuple[Any, ...]:
    return _row(connection, f"SELECT {', '.join(expressions)} FROM {table}")


def _edges(bounds: Sequence[Any], cut: Mapping[float, float]) -> list[float]:
    """The upper edges of buckets and bins together, growing; the last is the largest value."""
    low, high, *_ = bounds
    return sorted({*_widths(float(low), float(high)), *_cuts(float(high), cut)})


def _widths(low: float, high: float) -> list[float]:
    """The upper edges of the buckets of equal width."""
    shares = [step / BUCKETS for step in range(1, BUCKETS)]
    edges = [low * (1 - share) + high * share for share in shares]
    return [*(min(max(edge, low), high) for edge in edges), high]


def _cuts(high: float, cut: Mapping[float, float]) -> list[float]:
    """The upper edges of the bins: the deciles that differ, and the largest value."""
    return sorted({*(min(cut[point], high) for point in DECILES), high})


def _numbers(bounds: Sequence[Any], cut: Mapping[float, float], counts: Mapping[float, int]) -> Numbers:
    low, high, mean, std = bounds
    cuts = tuple(_cuts(float(high), cut))
    return Numbers(
        min=low,
        max=high,
        mean=_finite(mean),
        std=0.0 if std is None else _finite(std),
        quantiles=tuple(cut[point] for point in QUANTILES),
        histogram=_between(_widths(float(low), float(high)), counts),
        bins=Bins(edges=cuts, rows=_between(cuts, counts)),
    )


def _between(edges: Sequence[float], counts: Mapping[float, int]) -> tuple[int, ...]:
    """Rows up to each edge and above the one before; where edges coincide, the first of them has the rows."""
    rows: list[int] = []
    for edge in edges:
        rows.append(sum(int(count) for upper, count in counts.items() if upper <= edge) - sum(rows))
    return tuple(rows)


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _row(connection: Connection, query: str) -> tuple[Any, ...]:
    found = connection.execute(query).fetchone()
    return () if found is None else tuple(found)
