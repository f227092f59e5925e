"""Values in the words of messages: never a secret, never longer than a line, never a control character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlopsctl.config.secrets import looks_secret
from mlopsctl.ground.text import printable

_LONGEST = 60


def shown(value: object) -> str:
    """A value as the user wrote it: text in quotes, what looks like a secret masked, containers by their sort."""
    if isinstance(value, str):
        if looks_secret(value):
            return "'***'"
        return repr(printable(value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"))
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int | float):
        text = repr(value)
        return text if len(text) <= _LONGEST else "this number"
    return sort(value)


def article(value: object) -> str:
    """A value with its sort before it: ``text 'x'``, ``the number 3``, ``a list``."""
    if isinstance(value, str):
        return f"text {shown(value)}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"the number {shown(value)}"
    return shown(value)


def sort(value: object) -> str:
    """What sort of value it is."""
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, Sequence) else "a value"


def join(words: Sequence[str], last: str) -> str:
    """``a, b or c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
