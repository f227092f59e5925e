"""Pieces of YAML as a person would write them: plain words without quotes, comments in one column, wrapped lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_WIDTH = 42
_LONGEST = 118


def said(line: str, comment: str) -> str:
    """A line with a comment, in its own column where there is room."""
    return f"{line}  # {comment}" if len(line) >= _WIDTH - 1 else f"{line.ljust(_WIDTH)}# {comment}"


def scalar(text: str) -> str:
    """Text as YAML; in quotes unless it is one plain word."""
    plain = _PLAIN.fullmatch(text) and text.casefold() not in _WORDS
    # Two dollars are one: a name is no interpolation.
    return text if plain else json.dumps(text.replace("$", "$$"), ensure_ascii=not text.isprintable())


def value(of: bool | int | float | str) -> str:
    """A value of the data as YAML."""
    if isinstance(of, str):
        return scalar(of)
    if isinstance(of, bool):
        return "true" if of else "false"
    return repr(int(of)) if float(of).is_integer() else repr(of)


def listed(start: str, names: Sequence[str], end: str) -> Iterator[str]:
    """A list of names over as many lines as it takes."""
    line = start
    for number, name in enumerate(names, start=1):
        part = scalar(name) + (", " if number < len(names) else end)
        if len(line) + len(part) > _LONGEST and line != start:
            yield line.rstrip()
            line = " " * 6
        line += part
    yield line
