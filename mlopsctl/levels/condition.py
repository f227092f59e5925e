"""The ``if`` of a workflow, as far as it can be decided before anything runs: true, false, or nobody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.*-]*(?:\[[^\]]*\][A-Za-z0-9_.*-]*)*)|(?P<sign>&&|\|\||[=!<>]=|[!<>(),]))"
)
_LITERALS: Mapping[str, bool | str] = {"true": True, "false": False, "null": ""}
_STATUS: Mapping[str, bool] = {"always": True, "success": True, "cancelled": False, "failure": False}
_DEEPEST = 50

_Value: TypeAlias = bool | str | float | None
"""What a term comes to; ``None`` where nobody knows."""

REF: Final = "refs/pull/0/merge"


class _Malformed(ValueError):
    pass


def holds(text: str, known: Mapping[str, str]) -> bool | None:
    """Whether a condition holds; ``None`` where that is only known in the run.

    Args:
        known: what the contexts hold, such as ``github.event_name``.
    """
    inner = text.strip()
    if inner.startswith("${{") and inner.endswith("}}") and inner.count("${{") == 1:
        inner = inner[3:-2]
    elif "${{" in inner:
        return None
    try:
        reader = _Reader(_tokens(inner), known)
        value = reader.either()
        return _true(value) if reader.at == len(reader.given) else None
    except _Malformed:
        return None


def known_of(event: str) -> Mapping[str, str]:
    """What is known in every run that an event starts."""
    if event == "pull_request":
        return {"github.event_name": event, "github.ref": REF}
    return {"github.event_name": event, "github.head_ref": "", "github.base_ref": ""}


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        one = _TOKEN.match(text, at)
        if one is None or one.lastgroup is None:
            raise _Malformed
        found.append((one.lastgroup, one[one.lastgroup]))
        at = one.end()
    return found


@dataclass(slots=True)
class _Reader:
    given: list[tuple[str, str]]
    known: Mapping[str, str]
    at: int = 0
    depth: int = 0

    def either(self) -> _Value:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _Malformed
        value = self._both()
        while self._sign("||"):
            other = self._both()
            first = _true(value)
            value = value if first else other if first is False else (True if _true(other) else None)
        self.depth -= 1
        return value

    def _both(self) -> _Value:
        value = self._compared()
        while self._sign("&&"):
            other = self._compared()
            first = _true(value)
            value = other if first else value if first is False else (False if _true(other) is False else None)
        return value

    def _compared(self) -> _Value:
        value = self._term()
        for sign in ("==", "!="):
            if self._sign(sign):
                equal = _same(value, self._term())
                return equal if equal is None or sign == "==" else not equal
        for sign in ("<=", ">=", "<", ">"):
            if self._sign(sign):
                self._term()
                return None
        return value

    def _term(self) -> _Value:
        if self._sign("!"):
            held = _true(self._term())
            return None if held is None else not held
        if self._sign("("):
            value = self.either()
            self._require(")")
            return value
        kind, text = self._take()
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        if kind != "name":
            raise _Malformed
        if self._sign("("):
            return self._function(text.lower())
        return _LITERALS.get(text.lower(), self.known.get(text.lower()))

    def _function(self, name: str) -> _Value:
        given: list[_Value] = []
        while not self._sign(")"):
            given.append(self.either())
            if not self._sign(","):
                self._require(")")
                break
        if name in _STATUS and not given:
            return _STATUS[name]
        texts = [value.lower() for value in given if isinstance(value, str)]
        if len(texts) != 2 or len(given) != 2:
            return None
        match name:
            case "startswith":
                return texts[0].startswith(texts[1])
            case "endswith":
                return texts[0].endswith(texts[1])
            case "contains":
                return texts[1] in texts[0]
        return None

    def _sign(self, text: str) -> bool:
        if self.at < len(self.given) and self.given[self.at] == ("sign", text):
            self.at += 1
            return True
        return False

    def _require(self, text: str) -> None:
        if not self._sign(text):
            raise _Malformed

    def _take(self) -> tuple[str, str]:
        if self.at >= len(self.given):
            raise _Malformed
        self.at += 1
        return self.given[self.at - 1]


def _true(value: _Value) -> bool | None:
    return None if value is None else bool(value)


def _same(one: _Value, other: _Value) -> bool | None:
    if one is None or other is None:
        return None
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return one == other if type(one) is type(other) else None
