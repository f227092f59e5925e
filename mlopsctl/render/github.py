"""Diagnostics as workflow commands of GitHub: each becomes an annotation beside its line in a pull request."""

from __future__ import annotations

from collections.abc import Iterable

from mlopsctl.ground.errors import Diagnostic, Severity, Span
from mlopsctl.ground.text import printable

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One command a line: ``::error file=…,line=…,col=…,endLine=…,endColumn=…,title=…::message``."""
    return "".join(f"{_command(item)}\n" for item in diagnostics)


def _command(item: Diagnostic) -> str:
    properties = ",".join([*_place(item.span), f"title={_property(item.id)}"])
    message = _data(printable(item.message))
    if item.hint:
        message += f"%0Ahelp: {_data(printable(item.hint))}"
    for span, note in item.related:
        message += f"%0A{_data(printable(f'{span}: {note}'))}"
    return f"::{_COMMANDS[item.severity]} {properties}::{message}"


def _place(span: Span | None) -> list[str]:
    if span is None:
        return []
    place = [f"file={_property(span.file)}", f"line={span.line}"]
    # GitHub ignores an annotation that has columns and spans several lines.
    if span.line == span.end_line:
        return [*place, f"col={span.column}", f"endLine={span.end_line}", f"endColumn={span.end_column}"]
    return [*place, f"endLine={span.end_line}"]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
