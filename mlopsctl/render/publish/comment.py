"""The one comment of a project under a pull request, and the page of a workflow's run: verdict, metrics, plan."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.delivery.publish.value import Publication
from mlopsctl.delivery.report.value import MetricRow
from mlopsctl.forges.contract import MOST_TEXT, AnnotationLevel, Conclusion
from mlopsctl.ground.cut import cut, fitted
from mlopsctl.ground.errors import Diagnostic, Severity, Span
from mlopsctl.ground.redact import redact
from mlopsctl.render.github import render_github
from mlopsctl.render.plan import plan_markdown
from mlopsctl.render.publish.checks import MARKS, MORE, WORDS, counted, remarks, worst_first
from mlopsctl.render.report import words
from mlopsctl.render.report.spans import code, prose, table

_MARKER_ROOM = 200
_MOST_SUMMARY = 1_000_000
_SHOWN = 10
_SEVERITIES = {
    AnnotationLevel.FAILURE: Severity.ERROR,
    AnnotationLevel.WARNING: Severity.WARNING,
    AnnotationLevel.NOTICE: Severity.NOTE,
}


def comment(found: Publication, link: str = "") -> str:
    """The comment; what a user wrote stands in code spans."""
    return cut(redact(fitted(list(_blocks(found, link)), MOST_TEXT - _MARKER_ROOM, MORE)), MOST_TEXT - _MARKER_ROOM)


def step_summary(found: Publication, link: str = "") -> str:
    """The same for the page of a workflow's run, which has more room."""
    return redact(fitted(list(_blocks(found, link)), _MOST_SUMMARY, MORE)) + "\n"


def workflow_commands(found: Publication) -> str:
    """The remarks as workflow commands; GitHub shows ten of a kind, and so the worst come first."""
    every = [one for item in worst_first(found.items) for one in remarks(found, item)]
    shown = [
        Diagnostic(
            id=one.title,
            message=one.message,
            span=Span(one.path, one.start_line, 1, one.end_line, 1),
            severity=_SEVERITIES[one.level],
        )
        for level in AnnotationLevel
        for one in [one for one in every if one.level is level][:_SHOWN]
    ]
    return render_github(shown)


def _blocks(found: Publication, link: str) -> Iterator[str]:
    subject = found.subject
    mark, word = MARKS[found.conclusion], WORDS[found.conclusion]
    yield f"## {mark} {code(subject.project)} in {code(subject.environment)} {word}"
    told = f"Unverified: {prose(found.unverified)}" if found.unverified else counted(found)
    yield f"{told}, for {code(subject.commit[:12])}."
    for item in worst_first(found.items):
        if item.conclusion is not Conclusion.SUCCESS:
            yield f"* {MARKS[item.conclusion]} **{code(item.name, 80)}** {prose(item.title)}"
    yield from (f"> {prose(note)}" for note in found.notes)
    yield from _metrics(found)
    rows = [
        (f"{MARKS[item.conclusion]} {item.conclusion.value}", code(item.name, 80), prose(item.title))
        for item in worst_first(found.items)
    ]
    if rows:
        yield _folded("All checks", table(("verdict", "check", "why"), rows))
    if found.plan is not None:
        yield _folded("Plan", plan_markdown(found.plan).rstrip())
    if link:
        yield f"[The run]({link})"


def _metrics(found: Publication) -> Iterator[str]:
    """This commit's metrics beside the base branch's and the champion's."""
    if found.report is None or not found.report.metrics:
        return
    base = {} if found.base_report is None else {row.metric: row for row in found.base_report.metrics}
    rows = [_metric(row, base.get(row.metric)) for row in found.report.metrics]
    yield table(("metric", "this commit", "95 % interval", "base branch", "champion", "difference"), rows)


def _metric(row: MetricRow, base: MetricRow | None) -> tuple[str, ...]:
    return (
        code(row.metric),
        words.number(row.candidate.value),
        words.interval(row.interval),
        words.NONE if base is None else words.number(base.candidate.value, row.candidate.value),
        words.NONE if row.champion is None else words.number(row.champion.value, row.candidate.value),
        words.difference(row.champion),
    )


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"
