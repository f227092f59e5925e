"""Check runs from what was judged: title with the number that decided, summary, text, and remarks beside the lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.delivery.publish.value import Item, Place, Publication
from mlopsctl.delivery.report.value import GateRow
from mlopsctl.forges.contract import MOST_TEXT, Annotation, AnnotationLevel, Check, Conclusion
from mlopsctl.ground.cut import cut, fitted
from mlopsctl.ground.redact import redact
from mlopsctl.ground.text import printable
from mlopsctl.render.plan import plan_markdown
from mlopsctl.render.report import words
from mlopsctl.render.report.spans import block, code, prose, table

MARKS = {Conclusion.SUCCESS: "✓", Conclusion.FAILURE: "✗", Conclusion.ACTION_REQUIRED: "!"}
WORDS = {
    Conclusion.SUCCESS: "passes",
    Conclusion.FAILURE: "fails",
    Conclusion.ACTION_REQUIRED: "needs attention",
}
MORE = "_More was found than has room here; `mlopsctl report` tells all of it._"
_MOST_TITLE = 200
_MOST_MESSAGE = 8_000
_ORDER = [Conclusion.FAILURE, Conclusion.ACTION_REQUIRED, Conclusion.SUCCESS]


def checks(found: Publication, link: str = "") -> tuple[Check, ...]:
    """One check for each item in their order, and last the one that stands for all of them.

    Args:
        link: where more is told; empty for nowhere.
    """
    return (*(_check(found, item, link) for item in found.items), aggregate(found, link))


def aggregate(found: Publication, link: str = "", lost: Mapping[str, str] | None = None) -> Check:
    """The check that a branch's protection can require.

    Args:
        lost: why checks could not be published, by name; with one of them this check is no success.
    """
    missing = lost or {}
    conclusion = found.conclusion
    if missing and conclusion is Conclusion.SUCCESS:
        conclusion = Conclusion.ACTION_REQUIRED
    rows = [
        *(f"{MARKS[Conclusion.ACTION_REQUIRED]} {code(name, 80)} was not published: {code(why)}"
          for name, why in missing.items()),
        *(f"{MARKS[item.conclusion]} {code(item.name, 80)} {WORDS[item.conclusion]}: {prose(item.title)}"
          for item in worst_first(found.items)),
    ]  # fmt: skip
    notes = [f"> {prose(note)}" for note in found.notes]
    lines = [f"* {row}" for row in rows]
    return _made(
        found.subject.name,
        found,
        conclusion,
        overall(found, conclusion),
        fitted(lines, MOST_TEXT, MORE) if lines else "Nothing was judged.",
        fitted(notes, MOST_TEXT, MORE),
        (),
        link,
    )


def overall(found: Publication, conclusion: Conclusion) -> str:
    """All verdicts in one line, with the first that is not well."""
    if found.unverified:
        return words.plain(("unverified: ", *found.unverified))
    first = next(iter(worst_first(found.items)), None)
    if conclusion is Conclusion.SUCCESS or first is None or first.conclusion is Conclusion.SUCCESS:
        return counted(found)
    return f"{counted(found)}; {first.name}: {words.plain(first.title)}"


def counted(found: Publication) -> str:
    """How many of the checks pass."""
    passed = sum(1 for item in found.items if item.conclusion is Conclusion.SUCCESS)
    return f"{passed} of {len(found.items)} checks pass"


def worst_first(items: tuple[Item, ...]) -> list[Item]:
    """What fails before what needs attention before what passes, so that a cut never takes a failure first."""
    return sorted(items, key=lambda item: _ORDER.index(item.conclusion))


def remarks(found: Publication, item: Item) -> tuple[Annotation, ...]:
    """The remarks beside the lines that decided."""
    return tuple(_annotation(found, item, place) for place in item.places)


def _check(found: Publication, item: Item, link: str) -> Check:
    summary = [f"{MARKS[item.conclusion]} **{prose(item.title)}**", *(prose(told) for told in item.told)]
    if item.gate is not None:
        summary.append(_numbers("By this commit's rule", item.gate))
    if item.base is not None:
        summary.append(_numbers("By the base branch's rule", item.base))
    text = list(_slices(item)) + list(_picture(item))
    if item.kind == "plan" and found.plan is not None:
        text = [plan_markdown(found.plan)]
    if item.kind == "plan":
        summary = summary[:1]
    return _made(
        f"{found.subject.name} / {item.name}",
        found,
        item.conclusion,
        words.plain(item.title),
        fitted(summary, MOST_TEXT, MORE),
        fitted(text, MOST_TEXT, MORE),
        remarks(found, item),
        link,
    )


def _made(
    name: str,
    found: Publication,
    conclusion: Conclusion,
    title: str,
    summary: str,
    text: str,
    beside: tuple[Annotation, ...],
    link: str,
) -> Check:
    return Check(
        name=name,
        commit=found.subject.commit,
        key=name,
        conclusion=conclusion,
        title=cut(redact(printable(title)), _MOST_TITLE),
        summary=cut(redact(summary), MOST_TEXT),
        text=cut(redact(text), MOST_TEXT),
        annotations=beside,
        details_url=link,
    )


def _numbers(title: str, gate: GateRow) -> str:
    """What a gate measured and needed, in one small table."""
    head = (title, "measured", "needed", "interval", "values", "rows")
    interval = " ".join(
        filter(None, [words.gate_interval(gate), f"({words.level(gate.interval)})" * bool(gate.interval)])
    )
    rows = words.NONE if gate.rows is None else words.count(gate.rows)
    row = [
        code(words.subject(gate)), words.measured(gate), words.needed(gate.bounds), interval, words.values(gate) or
        words.NONE, rows,
    ]  # fmt: skip
    return table(head, [row])


def _slices(item: Item) -> Iterator[str]:
    """The slices, those that fail first."""
    gate = item.gate or item.base
    if gate is None or not gate.parts:
        return
    order = ["fail", "error", "pass"]
    parts = sorted(gate.parts, key=lambda part: order.index(part.verdict.value))
    head = ("slice", "verdict", "measured", "needed", "interval", "rows")
    rows = [
        [
            code(words.slice_value(part), 80),
            f"{words.VERDICTS[part.verdict][0]} {part.verdict.value}",
            words.measured(part),
            words.needed(part.bounds),
            words.gate_interval(part),
            words.NONE if part.rows is None else words.count(part.rows),
        ]
        for part in parts[:100]
    ]
    yield table(head, rows)
    if len(parts) > 100:
        yield f"{len(parts) - 100} more slices are left out."
    if gate.not_judged:
        yield f"Not judged, for want of rows: {code(words.listed(gate.not_judged, 20), 600)}."


def _picture(item: Item) -> Iterator[str]:
    """The number and its interval on a line, beside the bounds."""
    gate = item.gate or item.base
    if gate is None or gate.measured is None or gate.bounds is None:
        return
    points = {"●": [gate.measured], "┃": [one for one in (gate.bounds.min, gate.bounds.max) if one is not None]}
    if gate.interval is not None:
        points["├"], points["┤"] = [gate.interval.low], [gate.interval.high]
    values = [value for found in points.values() for value in found]
    low, high = min(values), max(values)
    if not high > low:
        return
    wide = 60
    line = ["─"] * (wide + 1)
    for mark in ("├", "┤", "┃", "●"):
        for value in points.get(mark, []):
            line[round((value - low) / (high - low) * wide)] = mark
    yield block(["".join(line), f"{low:<12.6g}{'':{wide - 23}}{high:>12.6g}", "● measured  ┃ bound  ├ ┤ interval"])


def _annotation(found: Publication, item: Item, place: Place) -> Annotation:
    start = max(1, place.span.line)
    return Annotation(
        path=file_of(found, place),
        start_line=start,
        end_line=max(start, place.span.end_line),
        message=cut(redact(printable(place.message)), _MOST_MESSAGE),
        title=cut(printable(f"{item.name} {WORDS[item.conclusion]}"), _MOST_TITLE),
        level=AnnotationLevel.WARNING if item.conclusion is Conclusion.ACTION_REQUIRED else place.level,
    )


def file_of(found: Publication, place: Place) -> str:
    """The file of a place as the repository names it: the project file, or one beside it."""
    folder = found.subject.file.rpartition("/")[0]
    name = place.span.file.rpartition("/")[2]
    return f"{folder}/{name}" if folder else name
