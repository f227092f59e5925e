"""What came of running a run again, for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlopsctl.delivery.answers.changes import short
from mlopsctl.delivery.answers.reproduce import Metric, Reproduction
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable
from mlopsctl.render.grid import Cell, grid

if TYPE_CHECKING:
    from rich.console import RenderableType


def reproduced_text(found: Reproduction) -> RenderableType:
    """What is different, and the answer in the last line."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    if found.differences:
        parts.append(Text("Not as it was in that run", "bold"))
        for one in found.differences:
            words = one.problem or "; ".join(change.words for change in one.changes)
            parts.append(Text(printable(f"  {one.step}: {words}"), "yellow"))
    parts += [Text(printable(f"  {step} failed: {problem}"), "red") for step, problem in found.failed.items()]
    rows: list[tuple[Cell, ...]] = [
        (output.step, output.name, short(output.then), (short(output.now) or "none", "red"))
        for output in found.outputs
        if not output.same
    ]
    if rows:
        parts.append(grid(("STEP", "OUTPUT", "THEN", "NOW"), rows))
    numbers: list[tuple[Cell, ...]] = [
        (_name(metric), _value(metric.then), (_value(metric.now), "red")) for metric in found.metrics if not metric.same
    ]
    if numbers:
        parts.append(grid(("METRIC", "THEN", "NOW"), numbers))
    parts += [Text(printable(f"note: {note}"), "dim") for note in found.notes]
    parts += [Text(printable(line), "bold") for line in _answer(found)]
    return Group(*parts)


def reproduced_json(found: Reproduction) -> str:
    """The reproduction as one JSON object."""
    document: Json = {
        "run": found.run.id,
        "reproduced": found.same,
        "identical": found.identical,
        "ran": found.ran,
        "commit": {"then": found.run.git.commit, "now": found.commit, "dirty": found.dirty},
        "differences": [
            {"step": one.step, "problem": one.problem, "changes": [change.as_json() for change in one.changes]}
            for one in found.differences
        ],
        "failed": dict(found.failed),
        "first_difference": found.first_difference or None,
        "outputs": [
            {"step": o.step, "output": o.name, "then": o.then, "now": o.now or None, "same": o.same}
            for o in found.outputs
        ],
        "metrics": [
            {"metric": m.metric, "slice": m.slice, "then": m.then, "now": m.now, "same": m.same} for m in found.metrics
        ],
        "notes": list(found.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _answer(found: Reproduction) -> Iterator[str]:
    total = len(found.outputs)
    same = sum(1 for output in found.outputs if output.same)
    if not found.ran:
        yield f"Not run: what it would run is not what ran in {found.run.id}."
        commit = found.run.git.commit
        if commit and (commit != found.commit or found.dirty):
            yield f"`git checkout {commit}` has the code of that run; --anyway runs what is here and compares."
        else:
            yield "--anyway runs what is here and compares."
    elif found.identical:
        yield f"Reproduced: {same} of {total} artifacts have the same digest."
    elif found.same:
        yield (
            f"Reproduced in numbers: {same} of {total} artifacts have the same digest, and all "
            f"{len(found.metrics)} metrics are equal within 1e-9; "
            f"{found.first_difference} is the first step that differs."
        )
    else:
        yield (
            f"Not reproduced: {same} of {total} artifacts have the same digest; "
            f"{found.first_difference} is the first step that differs."
        )
    if found.ran and found.run.git.dirty:
        yield "That run had uncommitted changes; what counts is that its steps' code, data and packages are the same."


def _name(metric: Metric) -> str:
    return f"{metric.metric} of {metric.slice}" if metric.slice else metric.metric


def _value(value: float | None) -> str:
    return "undefined" if value is None else repr(value)
