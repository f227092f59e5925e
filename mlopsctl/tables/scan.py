"""A scan: rows that were found but not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import identifier

_INTS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
_WIDE_INTS = frozenset({"HUGEINT", "UHUGEINT", "BIGNUM"})
_TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"})
_TEXTS = frozenset({"VARCHAR", "UUID", "JSON", "TIME", "TIME WITH TIME ZONE", "TIME_NS", "INTERVAL", '"NULL"', "NULL"})


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows of a source as a SELECT, with the columns it gives, in the source's order.

    Attributes:
        remarks: what a reader should know of the values: a column that is text although most of it are numbers.
        unordered: the rows come in any order, so they are sorted before they are written.
    """

    query: str
    columns: tuple[Column, ...]
    remarks: tuple[str, ...] = ()
    unordered: bool = False


def column_type(engine_type: str) -> ColumnType:
    """The type of a column from the type that DuckDB gives it."""
    name = engine_type.upper()
    if name in _INTS or name in _WIDE_INTS:
        return ColumnType.INT
    if name in ("DOUBLE", "FLOAT") or (name.startswith("DECIMAL") and not name.endswith("]")):
        return ColumnType.FLOAT
    if name == "BOOLEAN":
        return ColumnType.BOOL
    if name in _TIMES:
        return ColumnType.TIMESTAMP
    if name in _TEXTS or (name.startswith("ENUM") and not name.endswith("]")):
        return ColumnType.STRING
    return ColumnType.OTHER


def missing(column: Column) -> str:
    """The SQL condition that a row has no value in the column; NaN is none."""
    name = identifier(column.name)
    return f"({name} IS NULL OR isnan({name}))" if column.type is ColumnType.FLOAT else f"({name} IS NULL)"


def normalized(relation: str, described: Sequence[tuple[str, str]]) -> Scan:
    """A scan of a relation whose columns have any of DuckDB's types.

    Args:
        relation: a table expression.
        described: each column's name and type, as DuckDB says them.
    """
    columns = tuple(Column(name, column_type(found)) for name, found in described)
    selected = [_normal(column, found) for column, (_, found) in zip(columns, described, strict=True)]
    return Scan(f"SELECT {', '.join(selected)} FROM {relation}", columns)


def _normal(column: Column, found: str) -> str:
    """The column in the one engine type of its kind."""
    name = identifier(column.name)
    cast = {
        ColumnType.INT: f"{name}::BIGINT",
        ColumnType.FLOAT: f"{name}::DOUBLE",
        ColumnType.STRING: f"{name}::VARCHAR",
        ColumnType.BOOL: name,
        ColumnType.TIMESTAMP: f"make_timestamp(epoch_us({name}))",
        ColumnType.OTHER: name,
    }[column.type]
    return f"{cast} AS {name}"
