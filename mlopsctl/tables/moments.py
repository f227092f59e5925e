"""Text in the form of a date as a moment: ``2020-01-31``, ``2020-01-31 12:00``, ``2020-01-31T12:00:00.5+02:00``."""

from __future__ import annotations

from mlopsctl.tables.engine import literal

_ZONE = r"(Z|[+-]\d{2}(:\d{2})?)"
_FORM = rf"\d{{4}}-\d{{2}}-\d{{2}}([T ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?{_ZONE}?)?"


def text_moment(name: str) -> str:
    """SQL: microseconds since 1970 of a text, in UTC where it names no zone; null where it is no date."""
    text = f"trim({name}, ' \t')"
    zoned = f"regexp_matches({text}, {literal(f'[0-9:.]{{5}}{_ZONE}$')})"
    # The engine's plain TIMESTAMP ignores a time zone.
    with_zone, without = (f"epoch_us(TRY_CAST({text} AS {kind}))" for kind in ("TIMESTAMPTZ", "TIMESTAMP"))
    micros = f"CASE WHEN {zoned} THEN {with_zone} ELSE {without} END"
    return f"CASE WHEN regexp_full_match({text}, {literal(_FORM)}) THEN {micros} END"
