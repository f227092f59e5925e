"""The graph of a run as SVG: a box a step, with its state and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.delivery.report.value import StepRow
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.render.report import words
from mlopsctl.render.report.drawing import number, tag, text
from mlopsctl.render.report.layout import layout
from mlopsctl.step.task import StepState

MOST_STEPS = 60
_BOX, _TALL, _ACROSS, _DOWN, _EDGE = 172.0, 40.0, 188.0, 66.0, 6.0
_LETTERS = 22


@dataclass(frozen=True, slots=True)
class Picture:
    """The graph as markup, and how wide it is in pixels; empty for one that is not drawn."""

    svg: str = ""
    width: int = 0


def picture(pipeline: Pipeline, steps: Sequence[StepRow]) -> Picture:
    """The graph; nothing where it has no step, or more than are worth drawing."""
    ids = [step.id for step in pipeline.steps]
    if not ids or len(ids) > MOST_STEPS:
        return Picture()
    guards = {(w.ref.step, step.id) for step in pipeline.steps for w in step.inputs.values() if w.guard}
    wires = [(ref.step, step.id) for step in pipeline.steps for ref in step.reads]
    found = layout(ids, [*wires, *((id, step.id) for step in pipeline.steps for id in step.after)])
    rows = {row.id: row for row in steps}
    lines = [_line(points, guarded=wire in guards) for wire, points in found.lines.items()]
    boxes = [_box(id, found.places[id], rows.get(id)) for id in ids]
    width, height = (found.width - 1) * _ACROSS + _BOX + 2 * _EDGE, found.height * _DOWN - (_DOWN - _TALL) + 2 * _EDGE
    label = "The graph of the run, from top to bottom: " + "; ".join(_told(id, rows) for id in ids)
    attributes = {
        "class": "graph",
        "role": "img",
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "style": f"max-width:{round(width)}px",
        "aria-label": label,
    }
    return Picture(tag("svg", attributes, *lines, *boxes), round(width))


def _told(id: str, rows: Mapping[str, StepRow]) -> str:
    row = rows.get(id)
    return id if row is None else f"{id} {words.STATES[row.state][1]}"


def _box(id: str, place: tuple[float, int], row: StepRow | None) -> str:
    x, y = place[0] * _ACROSS + _EDGE, place[1] * _DOWN + _EDGE
    mark, word, tone = words.STATES[row.state] if row is not None else ("·", "", "quiet")
    taken = "" if row is None or row.state is not StepState.SUCCESS else f" · {words.lasting(row.milliseconds)}"
    name = id if len(id) <= _LETTERS else id[: _LETTERS - 1] + "…"
    box = {"x": number(x), "y": number(y), "width": number(_BOX), "height": number(_TALL), "rx": "7", "class": "box"}
    bar = {"x": number(x), "y": number(y + 7), "width": "3", "height": number(_TALL - 14), "class": "side"}
    return tag(
        "g",
        {"class": f"step {tone}"},
        tag("title", {}, text(id)),
        tag("rect", box),
        tag("rect", bar),
        tag("text", {"x": number(x + 12), "y": number(y + 17), "class": "name"}, text(name)),
        tag("text", {"x": number(x + 12), "y": number(y + 32), "class": "state"}, text(f"{mark} {word}{taken}")),
    )


def _line(points: Sequence[tuple[float, int]], *, guarded: bool) -> str:
    """A wire from the foot of one box to the head of another, straight through every bend in between."""
    at = [(x * _ACROSS + _BOX / 2 + _EDGE, y * _DOWN + _EDGE) for x, y in points]
    x, y = at[0][0], at[0][1] + _TALL
    path = [f"M{number(x)} {number(y)}"]
    for place, (to, top) in enumerate(at[1:], start=1):
        half = (top - y) / 2
        path.append(f"C{number(x)} {number(y + half)} {number(to)} {number(top - half)} {number(to)} {number(top)}")
        x, y = to, top
        if place < len(at) - 1:
            y = top + _TALL
            path.append(f"V{number(y)}")
    path.append("m-3.5 -6 3.5 6 3.5 -6")
    return tag("path", {"d": "".join(path), "class": "wire guard" if guarded else "wire"})
