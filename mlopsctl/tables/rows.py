"""A row as bytes: what the ``hash`` split digests, the same on every machine, engine and version.

The bytes of a row are ``mlopsctl/hash-split/v1`` and a line feed, then each column's value in the order of the columns'
names (by code points). A missing value is ``z``. Any other value is a tag, the length of its text in UTF-8 bytes
as decimal digits, a colon, and the text:

* ``n`` a number: a whole number below 2**53 without a decimal point (so 1 and 1.0 are one value), any other in its
  shortest form that reads back the same (``0.1``, ``1e+22``), or ``nan``, ``inf``, ``-inf``;
* ``b`` ``true`` or ``false``;
* ``t`` text;
* ``d`` a timestamp: microseconds since 1970 in UTC;
* ``o`` anything else, in DuckDB's text form.

A group's bytes (the ``group`` split) are ``mlopsctl/group-split/v1`` and a line feed, then the one value.

A row's position is the first 8 bytes of the sha256 of these bytes, as an unsigned big-endian number: 0 to 2**64 - 1.
Test vectors: ``tests/vectors/rows.json``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import identifier, literal

Value: TypeAlias = bool | int | float | str | datetime | None

_DOMAIN = "mlopsctl/hash-split/v1\n"
_GROUP_DOMAIN = "mlopsctl/group-split/v1\n"
_WHOLE = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row_bytes(row: Mapping[str, Value]) -> bytes:
    """The row's bytes, computed in Python: the reference that the SQL below is tested against."""
    return _DOMAIN.encode() + b"".join(_value_bytes(row[name]) for name in sorted(row))


def position(row: Mapping[str, Value]) -> int:
    """Where the row lies between 0 and 2**64 - 1."""
    return int.from_bytes(hashlib.sha256(row_bytes(row)).digest()[:8], "big")


def group_position(value: Value) -> int:
    """Where the group of this value lies between 0 and 2**64 - 1."""
    return int.from_bytes(hashlib.sha256(_GROUP_DOMAIN.encode() + _value_bytes(value)).digest()[:8], "big")


def position_sql(columns: Sequence[Column]) -> str:
    """An SQL expression of type UBIGINT: :func:`position` of the row at hand."""
    return _number_sql(digest_sql(columns))


def digest_sql(columns: Sequence[Column]) -> str:
    """An SQL expression: the sha256 of the row's bytes, in 64 hexadecimal digits."""
    parts = ", ".join(_value_sql(column) for column in sorted(columns, key=lambda column: column.name))
    return f"sha256(concat({literal(_DOMAIN)}, {parts}))"


def group_position_sql(column: Column) -> str:
    """An SQL expression of type UBIGINT: :func:`group_position` of the column's value in the row at hand."""
    return _number_sql(f"sha256(concat({literal(_GROUP_DOMAIN)}, {_value_sql(column)}))")


def _number_sql(digest: str) -> str:
    return f"('0x' || substr({digest}, 1, 16))::UBIGINT"


def _value_bytes(value: Value) -> bytes:
    if value is None:
        return b"z"
    tag, text = _tagged(value)
    encoded = text.encode("utf-8")
    return f"{tag}{len(encoded)}:".encode() + encoded


def _tagged(value: bool | int | float | str | datetime) -> tuple[str, str]:
    if isinstance(value, bool):
        return "b", "true" if value else "false"
    if isinstance(value, int):
        return "n", str(value)
    if isinstance(value, float):
        whole = abs(value) < _WHOLE and value == int(value)
        return "n", str(int(value)) if whole else repr(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return "d", str((moment - _EPOCH) // timedelta(microseconds=1))
    return "t", value


_TAGS = {
    ColumnType.INT: "n",
    ColumnType.FLOAT: "n",
    ColumnType.BOOL: "b",
    ColumnType.STRING: "t",
    ColumnType.TIMESTAMP: "d",
    ColumnType.OTHER: "o",
}


def _value_sql(column: Column) -> str:
    text = text_sql(column)
    return f"coalesce('{_TAGS[column.type]}' || strlen({text}) || ':' || {text}, 'z')"


def text_sql(column: Column) -> str:
    """An SQL expression: the text of a value within the row's bytes; null for a missing value."""
    name = identifier(column.name)
    if column.type is ColumnType.FLOAT:
        whole = f"isfinite({name}) AND abs({name}) < {_WHOLE} AND {name} = trunc({name})"
        return f"CASE WHEN {whole} THEN {name}::BIGINT::VARCHAR ELSE {name}::VARCHAR END"
    if column.type is ColumnType.TIMESTAMP:
        return f"epoch_us({name})::VARCHAR"
    return name if column.type is ColumnType.STRING else f"{name}::VARCHAR"
