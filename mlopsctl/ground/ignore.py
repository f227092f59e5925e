"""Patterns of files to leave out, as ``.dockerignore`` has them: the last one that fits a file, or a folder above it,
decides, and one that begins with ``!`` lets the file in again.

``*`` and ``?`` stay within one name, ``**`` goes through any number of folders, ``[a-z]`` is one of several
characters, ``\\`` takes the next character as it is. Patterns stand for paths from the top folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern; ``kept``: it lets files in again."""

    expression: re.Pattern[str]
    kept: bool


def patterns(lines: Iterable[str]) -> tuple[Pattern, ...]:
    """The patterns of a file's lines, without comments and empty lines."""
    return tuple(_patterns(lines))


def left_out(path: str, rules: Iterable[Pattern]) -> bool:
    """Whether a file is left out; its path is relative, with ``/``."""
    parts = path.split("/")
    heads = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    out = False
    for rule in rules:
        if out == rule.kept and any(rule.expression.fullmatch(head) for head in heads):
            out = not rule.kept
    return out


def _patterns(lines: Iterable[str]) -> Iterator[Pattern]:
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        kept = text.startswith("!")
        names = [name for name in text.removeprefix("!").strip().split("/") if name not in ("", ".")]
        if names:
            yield Pattern(_expression("/".join(names)), kept)


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    found, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**/", at):
            found.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            found.append(".*")
            at += 2
        elif char == "[" and (inside := re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\]").match(pattern, at)):
            found.append(f"[{inside[1]}{_class(inside[2])}]")
            at = inside.end()
        elif char == "\\" and at + 1 < len(pattern):
            found.append(re.escape(pattern[at + 1]))
            at += 2
        else:
            found.append({"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char))
            at += 1
    return re.compile("".join(found), re.DOTALL)


def _class(inside: str) -> str:
    """The inside of ``[…]``: ranges and escapes are read alike in both languages, other signs are not."""
    return re.sub(r"\\.|[\[&~|^]", lambda one: one[0] if one[0][0] == "\\" else f"\\{one[0]}", inside)
