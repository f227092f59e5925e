"""Diagnostics for every reader: a terminal, a program, a code scanner, a pull request.

All text is shown with its control and bidi characters spelled out: nothing a user wrote can move the cursor, hide a
line or speak to the runner of a workflow.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from mlopsctl.ground.errors import Diagnostic, Severity, Span
from mlopsctl.ground.source import SourceFile
from mlopsctl.ground.text import printable
from mlopsctl.render.github import render_github
from mlopsctl.render.sarif import render_sarif

Output: TypeAlias = Literal["text", "json", "sarif", "github"]

_WIDEST = 120
_COLORS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;34"}


def render_diagnostics(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, SourceFile], output: Output, color: bool = False
) -> str:
    """The diagnostics in the order of their places, each once, in the form asked for; text ends with a line break.

    ``sources`` are the texts by the name the spans carry; where one is missing, the line is not shown.
    """
    ordered = sorted(dict.fromkeys(diagnostics), key=_place)
    match output:
        case "json":
            # JSON leaves DEL as it is; everything else that a terminal could obey is escaped by it.
            return json.dumps([_as_json(item) for item in ordered], indent=2).replace("\x7f", "\\u007f") + "\n"
        case "sarif":
            return render_sarif(ordered)
        case "github":
            return render_github(ordered)
        case "text":
            return _render_text(ordered, sources, color)


def _place(item: Diagnostic) -> tuple[bool, str, int, int]:
    span = item.span
    return (True, "", 0, 0) if span is None else (False, span.file, span.line, span.column)


def _as_json(item: Diagnostic) -> dict[str, object]:
    related = [{"message": message, **_span_json(span)} for span, message in item.related]
    return {
        "id": item.id,
        "severity": item.severity.value,
        "message": item.message,
        "hint": item.hint,
        **_span_json(item.span),
        "related": related,
    }


def _span_json(span: Span | None) -> dict[str, object]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _render_text(items: list[Diagnostic], sources: Mapping[str, SourceFile], color: bool) -> str:
    if not items:
        return ""
    return "\n".join([*(_as_text(item, sources, color) for item in items), _count_line(items), ""])


def _as_text(item: Diagnostic, sources: Mapping[str, SourceFile], color: bool) -> str:
    tone = _COLORS[item.severity] if color else ""
    lines = [f"{_painted(f'{item.severity.value}[{printable(item.id)}]', tone)}: {printable(item.message)}"]
    if item.span is not None:
        lines += _located(item.span, sources, "-->", tone)
    if item.hint:
        lines.append(f"  help: {printable(item.hint)}")
    for span, message in item.related:
        lines.append(f"  note: {printable(message)}")
        lines += _located(span, sources, "-->", _COLORS[Severity.NOTE] if color else "")
    return "\n".join([*lines, ""])


def _located(span: Span, sources: Mapping[str, SourceFile], arrow: str, tone: str) -> list[str]:
    lines = [f"  {arrow} {printable(span.file)}:{span.line}:{span.column}"]
    source = sources.get(span.file)
    line = source.line(span.line) if source is not None else ""
    if not line.strip():
        return lines
    text, before, width = _excerpt(line, span)
    gutter = f"{span.line:>5} | "
    underline = " " * before + _painted("^" * width, tone)
    return [*lines, f"{gutter}{text}", f"{' ' * (len(gutter) - 2)}| {underline}"]


def _excerpt(line: str, span: Span) -> tuple[str, int, int]:
    """A line as shown, the columns before the marked part, and the columns of the marked part (at least one).

    A long line is cut around what is marked.
    """
    start = min(span.column - 1, len(line))
    end = max(start, min(span.end_column - 1, len(line))) if span.end_line == span.line else len(line.rstrip())
    first = 0 if end <= _WIDEST else max(0, start - _WIDEST // 3)
    last = first + _WIDEST
    lead, trail = "…" if first else "", "…" if last < len(line) else ""
    before = lead + _flat(line[first:start])
    marked = _flat(line[start : min(end, last)])
    after = _flat(line[min(end, last) : last]) + trail
    return f"{before}{marked}{after}".rstrip(), _width(before), max(1, _width(marked))


def _flat(text: str) -> str:
    """A part of a line on which columns can be counted: tabs as one space, hidden characters spelled out."""
    return printable(text.replace("\t", " "))


def _width(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _painted(text: str, tone: str) -> str:
    return f"\x1b[{tone}m{text}\x1b[0m" if tone else text


def _count_line(items: list[Diagnostic]) -> str:
    counts = [(sum(item.severity is severity for item in items), severity.value) for severity in Severity]
    return ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count)
