"""Schedules in cron's language: five fields checked one by one, or one of the five nicknames."""

from __future__ import annotations

from typing import NamedTuple

_FIVE = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
NICKNAMES = tuple(_FIVE)

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class _Field(NamedTuple):
    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)


def cron_problem(text: str) -> str:
    """Why a text is no schedule, naming the field; empty text when it is one."""
    if len(text) > 200:
        return "a schedule is five short fields"
    if text.startswith("@"):
        return "" if text in NICKNAMES else f"{text!r} is no schedule; the nicknames are {', '.join(NICKNAMES)}"
    parts = text.split(" ")
    if not all(parts) or not text.isascii():
        return "a schedule is five fields with one space between them"
    if len(parts) != 5:
        return f"a schedule has five fields (minute hour day month weekday), this one has {len(parts)}"
    values: list[frozenset[int]] = []
    for field, part in zip(_FIELDS, parts, strict=True):
        try:
            values.append(_values(field, part))
        except ValueError as problem:
            return f"{field.title} {part!r}: {problem}"
    _, _, days, months, _ = values
    if parts[4] == "*" and min(days) > max(_LONGEST[month - 1] for month in months):
        return f"no such day: day {min(days)} does not come in month {parts[3]}"
    return ""


def field_values(text: str) -> tuple[frozenset[int], ...]:
    """The values of the five fields of a schedule that :func:`cron_problem` finds nothing wrong with."""
    return tuple(_values(field, part) for field, part in zip(_FIELDS, five_fields(text).split(" "), strict=True))


def five_fields(text: str) -> str:
    """A schedule as five fields, for those who know no nicknames."""
    return _FIVE.get(text, text)


def _values(field: _Field, text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(","):
        span, slash, step = item.partition("/")
        if slash and not (_is_number(step) and 1 <= int(step) <= field.high):
            raise ValueError(f"the step after '/' must be a number from 1 to {field.high}")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = field.low, field.high
        elif dash:
            low, high = _value(field, first), _value(field, last)
            if low > high:
                raise ValueError(f"the range {span} runs backwards")
        else:
            low = _value(field, span)
            high = field.high if slash else low
        found.update(range(low, high + 1, int(step) if slash else 1))
    return frozenset(found)


def _value(field: _Field, text: str) -> int:
    if text.upper() in field.names:
        return field.names.index(text.upper()) + field.low
    if _is_number(text) and field.low <= int(text) <= field.high:
        return int(text)
    named = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    raise ValueError(f"{text!r} is not a number from {field.low} to {field.high}{named}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
