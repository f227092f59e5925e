"""What a YAML scalar means: the core schema of YAML 1.2, without the spellings that readers disagree about."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlopsctl.ground.digest import Json

_MAX_INT = 2**63 - 1
_INT_DIGITS = 19

_WORDS: dict[str, Json] = {"": None, "~": None, "null": None, "true": True, "false": False}
_MISSPELLED = {"Null": "null", "NULL": "null", "True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
_STARTS = frozenset("+-.0123456789")

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"([-+]?)0+([0-9][0-9]*(\.[0-9]*)?([eE][-+]?[0-9]+)?)")
_OTHER_BASE = re.compile(r"[-+]?0(o[0-7]+|x[0-9a-fA-F_]+|b[01_]+)")
_GROUPED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Refusal(Exception):
    """Why a scalar is not read: the diagnostic's id, the message, the hint."""

    id: str
    message: str
    hint: str


def plain_value(text: str) -> Json:
    """The value of a scalar without quotes.

    Raises:
        Refusal: for what other YAML readers would read differently, and for numbers out of bounds.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text in _MISSPELLED:
        right = _MISSPELLED[text]
        raise Refusal("misspelled-word", f"{text} is not read as {right}", f'write {right}, or quote it: "{text}"')
    if text[0] not in _STARTS:
        return text
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _number(text)
    if refusal := _ambiguous(text):
        raise refusal
    return text


def _integer(text: str) -> int:
    if len(text.lstrip("+-")) <= _INT_DIGITS and -_MAX_INT - 1 <= (value := int(text)) <= _MAX_INT:
        return value
    raise Refusal(
        "number-out-of-bounds",
        f"the number {_short(text)} does not fit in 64 bits",
        f"write a number from {-_MAX_INT - 1} to {_MAX_INT}, or quote it to keep it as text",
    )


def _number(text: str) -> float:
    value = float(text)
    lost = value == 0 and re.search(r"[1-9]", re.split(r"[eE]", text)[0])
    if value in {float("inf"), float("-inf")} or lost:
        size = "small" if lost else "large"
        raise Refusal(
            "number-out-of-bounds", f"the number {_short(text)} is too {size}", "write a number within ±1.7e308"
        )
    return value


def _ambiguous(text: str) -> Refusal | None:
    """The refusal of a text that some YAML reader takes for a number."""
    shown = _short(text)
    if zero := _LEADING_ZERO.fullmatch(text):
        plain = _short(zero[1] + zero[2])
        hint = f'quote it to keep it as text ("{shown}"), or drop the zero ({plain})'
        return Refusal(
            "ambiguous-number", f"{shown} starts with a zero: octal for some readers, decimal for others", hint
        )
    if _OTHER_BASE.fullmatch(text):
        hint = f'quote it to keep it as text ("{shown}"), or write the number in decimal'
        return Refusal("ambiguous-number", f"{shown} is a number in another base for some readers", hint)
    if _GROUPED.fullmatch(text):
        hint = f'quote it to keep it as text ("{shown}"), or drop the underscores ({_short(text.replace("_", ""))})'
        return Refusal("ambiguous-number", f"{shown} is a number for some readers and text for others", hint)
    if _NOT_FINITE.fullmatch(text):
        return Refusal("not-finite", f"{text} is not a finite number", "write a number, or leave the key out")
    return None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:20]}...{text[-8:]} ({len(text)} characters)"
