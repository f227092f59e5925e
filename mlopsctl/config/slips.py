"""The usual slips of people who write YAML by hand, and what to do about each."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER_AND_MORE = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)) ?(%|[A-Za-z]+)")


def type_hint(wanted: str, value: object, known: Sequence[str]) -> str:
    """What helps where a value is of another type than the ``wanted`` one; ``known`` are the keys that fit there."""
    if value is None:
        return "write a value, or take the key out"
    if isinstance(value, str):
        return _text_hint(wanted, value, known)
    if wanted == "text" and isinstance(value, bool | int | float):
        return f"put it in quotes: '{str(value).lower() if isinstance(value, bool) else value}'"
    if wanted == "a whole number" and isinstance(value, float):
        return f"write {int(value)}" if value.is_integer() else f"write {int(value)} or {int(value) + 1}"
    if wanted == "a list" and isinstance(value, bool | int | float):
        return f"put it in brackets: [{value}]"
    if wanted == "a list" and isinstance(value, dict):
        return "start every item with '- '"
    if wanted == "a mapping" and isinstance(value, Sequence):
        return "write 'key: value', without '- '"
    return ""


def _text_hint(wanted: str, value: str, known: Sequence[str]) -> str:
    if "number" in wanted:
        if _reads_as_number(value):
            return f"take the quotes off: {value}"
        if (found := _NUMBER_AND_MORE.fullmatch(value)) is not None:
            number, unit = found.groups()
            return f"write a fraction: {float(number) / 100:g}" if unit == "%" else f"write the number alone: {number}"
        return f"write {wanted}, such as {'10' if 'whole' in wanted else '0.5'}"
    if "true or false" in wanted and value.lower() in {"true", "false", "yes", "no", "on", "off"}:
        return f"write {'true' if value.lower() in {'true', 'yes', 'on'} else 'false'}, without quotes"
    if wanted == "a list":
        return "put it in brackets: [" + (value if len(value) <= 40 else "…") + "]"
    if wanted == "a mapping" and "kind" in known and value.isidentifier():
        return f"write {{kind: {value}}}"
    return ""


def without_space(keys: Sequence[str], wanted: str = "") -> str:
    """The key, such as ``kind:csv``, in which a space is missing after the colon; empty text where there is none."""
    return next((key for key in keys if re.match(rf"{re.escape(wanted) or '[a-z_0-9]+'}:\S", key)), "")


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip() and "_" not in text
