"""The one place that meets PyYAML: its events, and its complaints reworded for people.

Only events are taken from the library, never its constructors. Whatever it raises, and it raises more than
``YAMLError`` for hostile input, ends here as a located diagnostic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Protocol, cast

import yaml

from mlopsctl.config.wording import NO_COLON, QUOTE_REFERENCE, reword
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.ground.source import SourceFile


class _Loader(Protocol):
    def check_event(self) -> bool: ...

    def get_event(self) -> yaml.Event: ...


FASTEST = cast(Callable[[str], _Loader], getattr(yaml, "CSafeLoader", yaml.SafeLoader))
"""The parser in C where PyYAML was built with it; the one in Python otherwise."""


def events(source: SourceFile, loader: Callable[[str], _Loader] = FASTEST) -> Iterator[yaml.Event]:
    """The events of a YAML text, one by one.

    Raises:
        InvalidProject: where the text is not YAML.
    """
    reached: yaml.Event | None = None
    try:
        parser = loader(source.text)
        while parser.check_event():
            event = parser.get_event()
            reached = event
            yield event
    except yaml.MarkedYAMLError as error:
        raise InvalidProject(_conflict(source) or _reworded(source, error, reached)) from None
    except Exception as error:
        # The library raises ValueError, KeyError, RecursionError and more for text it does not foresee.
        raise InvalidProject(_unreadable(source, reached, str(error))) from error


def _conflict(source: SourceFile) -> Diagnostic | None:
    """What git leaves where two branches changed the same lines; such a text is seldom YAML."""
    found = re.search(r"^<{7}(?= |$).*", source.text, re.MULTILINE)
    if found is None or re.search(r"^>{7}(?= |$)", source.text[found.end() :], re.MULTILINE) is None:
        return None
    return Diagnostic(
        "merge-conflict", "a merge left a conflict here, and nobody resolved it", source.span(*found.span()),
        "keep the lines of one side, and remove those that start with <<<<<<<, ======= and >>>>>>>",
    )  # fmt: skip


def _runaway(source: SourceFile, reached: yaml.Event | None, line: int) -> Diagnostic | None:
    """A quote that was closed only where a later one was meant to open: the text between runs over several lines."""
    if not isinstance(reached, yaml.ScalarEvent) or reached.style not in ("'", '"'):
        return None
    place = spanned(source, reached)
    if place.line == place.end_line or line != place.end_line:
        return None
    opened = Span(source.name, place.line, place.column, place.line, place.column + 1)
    closed = Span(source.name, place.end_line, place.end_column - 1, place.end_line, place.end_column)
    return Diagnostic(
        "yaml-syntax", "the text in quotes that starts here goes on over several lines", opened,
        "close the quote where the text ends", related=((closed, "it ends here, at a quote meant for another"),),
    )  # fmt: skip


def _reworded(source: SourceFile, error: yaml.MarkedYAMLError, reached: yaml.Event | None) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    problem, context = error.problem or "", error.context or ""
    if mark is None:
        return _unreadable(source, None, problem or context)
    span = _point(source, mark.line, mark.column)
    if (runaway := _runaway(source, reached, span.line)) is not None:
        return runaway
    related: tuple[tuple[Span, str], ...] = ()
    if (
        error.context_mark is not None
        and (opened := _point(source, error.context_mark.line, error.context_mark.column)) != span
    ):
        related = ((opened, "it begins here"),)
    message, hint = reword(problem, context)
    if "expected ':'" in problem and related:
        span, related = related[0][0], ()
    elif "mapping values" in problem and (above := _without_colon(source, span.line - 1)) is not None:
        # The line above has been read as the first line of a text that goes on here.
        (message, hint), span = NO_COLON, above
    line = source.line(span.line)
    if line[: span.column].strip(" ") == "\t" or re.match(r" *\t", line):
        message, hint, related = "a tab is used for indentation", "indent with spaces", ()
    elif re.search(r"[{\[,][^\"']*\$\{", line):
        hint = QUOTE_REFERENCE
    elif line[span.column - 1 : span.column] in {"@", "`", "%"}:
        message = f"a value cannot start with {line[span.column - 1]}"
    return Diagnostic(id="yaml-syntax", message=message, hint=hint, span=span, related=related)


def _without_colon(source: SourceFile, number: int) -> Span | None:
    """The place of a line that should have been a key: it holds something and no ':' that would end a key."""
    found = re.match(r"[ -]*([^\s#].*?)\s*\Z", source.line(number))
    if found is None or re.search(r":(\s|\Z)", found[1]):
        return None
    return Span(source.name, number, found.start(1) + 1, number, found.end(1) + 1)


def _unreadable(source: SourceFile, reached: yaml.Event | None, said: str) -> Diagnostic:
    message, hint = reword(said, "")
    span = spanned(source, reached) if reached is not None else Span(source.name, 1, 1, 1, 1)
    return Diagnostic(id="yaml-syntax", message=message, hint=hint, span=span)


def spanned(source: SourceFile, event: yaml.Event) -> Span:
    """The place of an event."""
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return Span(source.name, 1, 1, 1, 1)
    if end.line < source.lines:
        return Span(source.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
    # The parser in C reads a line break that is not there at the end of the text.
    last = (source.lines, len(source.line(source.lines)) + 1)
    return Span(source.name, *min((start.line + 1, start.column + 1), last), *last)


def _point(source: SourceFile, line: int, column: int) -> Span:
    """One character, from a line and a column counted from 0; the end of the last line for the end of the text."""
    line, column = line + 1, column + 1
    while line > 1 and column == 1 and not source.text[source.offset(line) :].strip():
        line, column = line - 1, len(source.line(line - 1)) + 1
    return Span(source.name, line, column, line, min(column + 1, max(column, len(source.line(line)) + 1)))
