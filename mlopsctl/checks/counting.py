"""Asking the rows, in DuckDB and out of core, what each check needs to know. No judgement happens here."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.checks import Check
from mlopsctl.checks.comparing import Comparing
from mlopsctl.checks.conformance import anomalies
from mlopsctl.checks.distributions import compare
from mlopsctl.checks.facts import Conformity, Fact, Keys, Missing, Newest, Spread, Unknown
from mlopsctl.checks.freshness import Freshness
from mlopsctl.checks.null_fraction import NullFraction
from mlopsctl.checks.range import RangeCheck
from mlopsctl.checks.rows import HELD, Rows
from mlopsctl.checks.schema import SchemaCheck
from mlopsctl.checks.unique import Unique
from mlopsctl.ground.text import printable
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import identifier
from mlopsctl.tables.scan import missing
from mlopsctl.tables.statistics import ColumnStatistics

_EXAMPLES = 3
_LONGEST = 100
_MILLISECONDS = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
# A time with a zone at its end; without one it is one of UTC, whatever zone this machine is in.
_ZONED = r"\d:\d\d.*(Z|z|UTC|GMT|[+-]\d\d(:?\d\d)?)\s*$"


def count(check: Check, rows: Rows) -> Fact | None:
    """The answer to a check's question; ``None`` for a check that asks no more than the number of rows."""
    if isinstance(check, Comparing):
        return compare(check, rows)
    if isinstance(check, SchemaCheck):
        return _conformity(check, rows)
    if isinstance(check, Unique):
        return _keys(check, rows)
    if not isinstance(check, NullFraction | RangeCheck | Freshness):
        return None
    column = rows.known(check.column)
    if isinstance(column, Unknown):
        return column
    if isinstance(check, NullFraction):
        return Missing(rows=column.rows, missing=column.missing, nan=column.nan)
    return _spread(check, column, rows) if isinstance(check, RangeCheck) else _newest(check, column, rows)


def _conformity(check: SchemaCheck, rows: Rows) -> Conformity:
    found = anomalies(
        rows.connection,
        rows.folder / files.SOURCE_FILE,
        rows.examples.source_columns,
        rows.schema,
        [column.name for column in rows.examples.columns],
        check.environment,
    )
    return Conformity(found)


def _spread(check: RangeCheck, column: ColumnStatistics, rows: Rows) -> Spread | Unknown:
    if not column.type.numeric:
        return Unknown(f"{check.column} holds {_held(column)}, not numbers")
    numbers = column.numbers
    name = f"{identifier(column.name)}::DOUBLE"
    conditions = [
        f"(NOT isnan({name}) AND {name} {sign} {bound!r}::DOUBLE)" if bound is not None else "false"
        for sign, bound in (("<", check.min), (">", check.max))
    ]
    counts = [f"count(*) FILTER (WHERE {condition})" for condition in conditions]
    below, above = _numbers(rows, f"SELECT {', '.join(counts)} FROM {rows.source}")
    return Spread(
        low=None if numbers is None else numbers.min,
        high=None if numbers is None else numbers.max,
        below=below,
        above=above,
        nan=column.nan,
        infinite=column.infinite,
        examples=_examples(rows, column.name, " OR ".join(conditions)) if below or above else (),
    )


def _keys(check: Unique, rows: Rows) -> Keys | Unknown:
    unknown = [found for name in check.columns if isinstance(found := rows.known(name), Unknown)]
    if unknown:
        return unknown[0]
    types = {column.name: column.type for column in rows.examples.source_columns}
    names = [identifier(name) for name in check.columns]
    lacks = " OR ".join(missing(Column(name, types[name])) for name in check.columns)
    key = ", ".join(names)
    text = " || ', ' || ".join(f"{name}::VARCHAR" for name in names)
    # How often a key stands in the rows; ordered by the key too, so that examples are the same each time.
    keyed = f"SELECT {key}, count(*) AS rows_of_key FROM {rows.source} WHERE NOT ({lacks}) GROUP BY {key}"
    repeated = f"SELECT {text}, rows_of_key FROM ({keyed} HAVING count(*) > 1) ORDER BY rows_of_key DESC, {key}"
    incomplete, all_rows = _numbers(rows, f"SELECT count(*) FILTER (WHERE {lacks}), count(*) FROM {rows.source}")
    (different,) = _numbers(rows, f"SELECT count(*) FROM ({keyed})")
    again = all_rows - incomplete - different
    shown_keys = rows.connection.execute(f"{repeated} LIMIT {_EXAMPLES}").fetchall() if again else []
    return Keys(again, incomplete, tuple(_short(str(found[0])) for found in shown_keys))


def _newest(check: Freshness, column: ColumnStatistics, rows: Rows) -> Newest | Unknown:
    name = identifier(column.name)
    there = f"{name} IS NOT NULL"
    if column.type.numeric:
        if check.unit is None:
            return Unknown(f"{check.column} holds numbers, and the check does not say what they count: add `unit`")
        moment = f"CASE WHEN isfinite({name}::DOUBLE) THEN {name}::DOUBLE * {_MILLISECONDS[check.unit]!r} END"
    elif column.type is ColumnType.TIMESTAMP:
        moment = f"CASE WHEN isfinite({name}) THEN epoch_ms({name}) END"
    elif column.type is ColumnType.STRING:
        moment = _of_text(name)
    else:
        return Unknown(f"{check.column} holds {_held(column)}, not times")
    strange = f"({there} AND ({moment}) IS NULL)"
    found = rows.connection.execute(
        f"SELECT max({moment}), count(*) FILTER (WHERE {strange}) FROM {rows.source}"
    ).fetchone() or (None, 0)
    newest = None if found[0] is None else int(found[0])
    examples = _examples(rows, column.name, strange) if found[1] else ()
    return Newest(newest=newest, clock=rows.clock, strange=int(found[1]), examples=examples)


def _of_text(name: str) -> str:
    """Milliseconds since 1970 of a date or a time in ISO format; null for every other text."""
    zoned, plain = f"TRY_CAST({name} AS TIMESTAMPTZ)", f"TRY_CAST({name} AS TIMESTAMP)"
    either = f"CASE WHEN regexp_matches({name}, '{_ZONED}') THEN {{}} ELSE {{}} END"
    milliseconds = either.format(f"epoch_ms({zoned})", f"epoch_ms({plain})")
    real = either.format(f"isfinite({zoned})", f"isfinite({plain})")
    return f"CASE WHEN {real} THEN {milliseconds} END"


def _examples(rows: Rows, column: str, condition: str) -> tuple[str, ...]:
    """The most frequent values of the rows that meet a condition."""
    name = identifier(column)
    found = rows.connection.execute(
        f"SELECT {name}::VARCHAR FROM {rows.source} WHERE {condition} GROUP BY {name} "
        f"ORDER BY count(*) DESC, {name} LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple(_short(str(row[0])) for row in found)


def _numbers(rows: Rows, query: str) -> Sequence[int]:
    return [int(number) for number in rows.connection.execute(query).fetchone() or ()]


def _short(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _held(column: ColumnStatistics) -> str:
    """What a column holds, in words."""
    return HELD[column.type]
