"""Values and rows as text, as BigQuery writes them: ``CAST(value AS STRING)`` and ``TO_JSON_STRING(row)``.

What ``farm_fingerprint`` digests. A row is one JSON object without white space, its columns in the source's order.

* a missing value: ``null`` in a row; no text at all alone;
* a whole number: its digits; in a row within quotes beyond ±2**53, as JSON's readers would round it;
* a float: 15 digits where they read back the same, else 17, without trailing zeros (``1``, ``0.1``, ``1e+22``); zero
  has no sign; NaN and infinities are ``"NaN"``, ``"Infinity"``, ``"-Infinity"`` in a row, ``nan``, ``inf``, ``-inf``
  alone;
* ``true`` and ``false``;
* text: in a row within quotes; ``"`` and ``\\`` with a backslash before them; line feed, carriage return, tab,
  backspace and form feed as ``\\n \\r \\t \\b \\f``; other characters below U+0020 and U+2028, U+2029 as ``\\u`` and
  four digits;
* a timestamp: ``"2020-01-31T12:00:00Z"`` in a row, ``2020-01-31 12:00:00+00`` alone, with 3 or 6 digits of fraction
  where they are not all zero (a DATE or DATETIME of BigQuery has another form, and so another fingerprint).

Lists, structures and bytes have no text here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import Column, ColumnType, listed
from mlopsctl.tables.engine import identifier, literal

_EXACT = 2**53
_SHORT = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    **{chr(code): f"\\{_SHORT.get(chr(code), f'u{code:04x}')}" for code in range(0x20)},
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
# What the engine's own writer of JSON escapes in another way; the rest of its escapes are the same.
_RARE = "[\x0b\x0e-\x1f\u2028\u2029]"


@dataclass(frozen=True, slots=True)
class Fingerprinted:
    """Which rows a split by fingerprint uses, so that BigQuery need not give the others.

    Attributes:
        column: the column whose text is digested; ``None`` for the whole row.
        ranges: the first and the last of the buckets that are used, in order, no two of them side by side.
    """

    column: str | None
    buckets: int
    ranges: tuple[tuple[int, int], ...]

    @property
    def whole(self) -> bool:
        """Whether every bucket is used."""
        return self.ranges == ((0, self.buckets - 1),)


def row_sql(columns: Sequence[Column]) -> str:
    """An SQL expression: the row at hand as BigQuery's ``TO_JSON_STRING`` writes it.

    Raises:
        StepProblem: for columns that have no text.
    """
    strange = [column.name for column in columns if column.type is ColumnType.OTHER]
    if strange:
        message = f"the fingerprint of a whole row needs plain values; these columns have others: {listed(strange)}"
        raise StepProblem.because("wrong-type", message, hint="name one `column` to take the fingerprint of")
    parts = [
        f"{literal(('{' if place == 0 else ',') + json_text(column.name) + ':')}, {_json(column)}"
        for place, column in enumerate(columns)
    ]
    return f"concat({', '.join(parts)}, '}}')"


def text_sql(column: Column) -> str:
    """An SQL expression: the value at hand as BigQuery's ``CAST(… AS STRING)`` writes it; null for a missing one.

    Raises:
        StepProblem: for a column that has no text.
    """
    name = identifier(column.name)
    match column.type:
        case ColumnType.OTHER:
            message = f"column {listed([column.name])} holds lists, structures or bytes, which have no fingerprint"
            raise StepProblem.because("wrong-type", message, hint="name another column")
        case ColumnType.FLOAT:
            return f"CASE WHEN isfinite({name}) THEN {_finite(name)} ELSE {name}::VARCHAR END"
        case ColumnType.TIMESTAMP:
            return f"strftime({name}, '%Y-%m-%d %H:%M:%S') || {_fraction(name)} || '+00'"
        case _:
            return f"{name}::VARCHAR"


def json_text(text: str) -> str:
    """Text as a JSON string of BigQuery."""
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


def _json(column: Column) -> str:
    name = identifier(column.name)
    match column.type:
        case ColumnType.INT:
            exact = f"{name} BETWEEN -{_EXACT} AND {_EXACT}"
            value = f"CASE WHEN {exact} THEN {name}::VARCHAR ELSE '\"' || {name}::VARCHAR || '\"' END"
        case ColumnType.FLOAT:
            words = (
                f"CASE WHEN isnan({name}) THEN '\"NaN\"' WHEN {name} > 0 THEN '\"Infinity\"' ELSE '\"-Infinity\"' END"
            )
            value = f"CASE WHEN isfinite({name}) THEN {_finite(name)} WHEN {name} IS NOT NULL THEN {words} END"
        case ColumnType.TIMESTAMP:
            value = f"'\"' || strftime({name}, '%Y-%m-%dT%H:%M:%S') || {_fraction(name)} || 'Z\"'"
        case ColumnType.STRING:
            value = _quoted(name)
        case _:
            value = f"{name}::VARCHAR"
    return f"coalesce({value}, 'null')"


def _finite(name: str) -> str:
    short, whole = f"printf('%.15g', {name})", f"{name} = trunc({name}) AND abs({name}) < 1e15"
    exact = f"CASE WHEN {short}::DOUBLE = {name} THEN {short} ELSE printf('%.17g', {name}) END"
    # Most floats of real tables are whole numbers, and those need no such care; this also takes the sign from zero.
    return f"CASE WHEN {whole} THEN {name}::BIGINT::VARCHAR ELSE {exact} END"


def _fraction(name: str) -> str:
    micros = f"(epoch_us({name}) % 1000000 + 1000000) % 1000000"
    thousandths = f"'.' || lpad(({micros} // 1000)::VARCHAR, 3, '0')"
    return (
        f"CASE WHEN {micros} = 0 THEN '' WHEN {micros} % 1000 = 0 THEN {thousandths} "
        f"ELSE '.' || lpad(({micros})::VARCHAR, 6, '0') END"
    )


def _quoted(name: str) -> str:
    plain = f"to_json({name})::VARCHAR"
    own = name
    for char, written in _ESCAPES.items():
        own = f"replace({own}, chr({ord(char)}), {literal(written)})"
    rare = literal(_RARE)
    return f"CASE WHEN regexp_matches({name}, {rare}) THEN '\"' || {own} || '\"' ELSE {plain} END"
