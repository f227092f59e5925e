"""Comments that let a finding stand: ``# mlopsctl: ignore[no-seed] the reason``, in its line or in the line above.

A reason must be given, the id must be one, and what ignores nothing is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from mlopsctl.config.hints import did_you_mean
from mlopsctl.ground.errors import Diagnostic, Severity, Span
from mlopsctl.ground.source import SourceFile

_COMMENT = re.compile(r"(?:^|\s)#\s*mlopsctl:\s*ignore\[([^\]]*)\]\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment that ignores a lint. ``line`` is the one whose findings it means."""

    id: str
    reason: str
    line: int
    span: Span


def ignores(source: SourceFile) -> tuple[Ignore, ...]:
    """The comments of a file; one in a line of its own means the next line that is no comment."""
    return tuple(_ignores(source))


def _ignores(source: SourceFile) -> Iterator[Ignore]:
    for number in range(1, source.lines + 1):
        line = source.line(number)
        found = _COMMENT.search(line)
        if found is None:
            continue
        meant = number
        while source.line(meant).lstrip().startswith("#") and meant < source.lines:
            meant += 1
        start = source.offset(number) + line.index("#", found.start())
        span = source.span(start, source.offset(number) + len(line.rstrip()))
        for id in found[1].split(","):
            yield Ignore(id.strip(), found[2].strip(), meant, span)


def problems(written: Sequence[Ignore], used: Collection[Ignore], known: Sequence[str]) -> Iterator[Diagnostic]:
    """What is wrong with the comments themselves."""
    for one in written:
        if one.id not in known:
            near = did_you_mean(one.id, known)
            hint = f"did you mean {near!r}?" if near else "docs/lints.md lists them"
            yield Diagnostic("ignore-unknown", f"there is no lint {one.id!r}", one.span, hint, Severity.WARNING)
        elif not one.reason:
            hint = f"write why: # mlopsctl: ignore[{one.id}] REASON"
            yield Diagnostic("ignore-without-reason", "a lint is ignored without a reason", one.span, hint)
        elif one not in used:
            message = f"there is nothing of {one.id!r} to ignore here"
            yield Diagnostic("ignore-unused", message, one.span, "take the comment out", Severity.WARNING)
