"""Runs side by side, for a person and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlopsctl.delivery.answers.changes import What
from mlopsctl.delivery.answers.compare import Compared, MetricRow, StepDifference
from mlopsctl.delivery.reasons import shown
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable
from mlopsctl.render.grid import Cell, grid
from mlopsctl.render.times import moment

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {"pass": "green", "fail": "red", "error": "magenta"}


def compared_text(found: Compared) -> RenderableType:
    """A column a run; differences are to the first."""
    from rich.console import Group
    from rich.text import Text

    names = [one.run.id for one in found.runs]
    parts: list[RenderableType] = [grid(("", *names), list(_heads(found)))]
    if found.parameters:
        rows: list[tuple[Cell, ...]] = [
            (name, *(_value(value, same=len({json.dumps(v) for v in values}) == 1) for value in values))
            for name, values in found.parameters.items()
        ]
        parts += [Text(), grid(("PARAMETER", *names), rows)]
    if found.metrics:
        parts += [Text(), grid(("METRIC", *names), [_metric(row) for row in found.metrics])]
    if found.verdicts:
        verdicts: list[tuple[Cell, ...]] = [
            (name, *((value or "not asked", _STYLES.get(value, "dim")) for value in values))
            for name, values in found.verdicts.items()
        ]
        parts += [Text(), grid(("VERDICT", *names), verdicts)]
    parts += [Text(), *_steps(found, Text)]
    return Group(*parts)


def compared_json(found: Compared) -> str:
    """The comparison as one JSON object."""
    document: Json = {
        "runs": [
            {"id": one.run.id, "environment": one.run.environment, "fate": one.fate.kind.value, "state": one.run.state}
            for one in found.runs
        ],
        "parameters": {name: list(values) for name, values in found.parameters.items()},
        "metrics": [
            {"metric": m.metric, "slice": m.slice, "values": list(m.values), "differences": list(m.differences)}
            for m in found.metrics
        ],
        "verdicts": {name: [value or None for value in values] for name, values in found.verdicts.items()},
        "steps": [
            {
                "step": one.step,
                "run": one.run,
                "states": list(one.states),
                "changes": [change.as_json() for change in one.changes],
                "same_outputs": one.same_outputs,
            }
            for one in found.steps
        ],
        "same_steps": list(found.same_steps),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _heads(found: Compared) -> list[tuple[Cell, ...]]:
    runs = [one.run for one in found.runs]
    rows: list[tuple[Cell, ...]] = [
        ("environment", *(run.environment for run in runs)),
        ("started (UTC)", *(moment(run.started) for run in runs)),
        ("commit", *(run.git.commit[:10] + ("*" if run.git.dirty else "") for run in runs)),
        ("challenger", *(one.fate.kind.value for one in found.runs)),
    ]
    return rows


def _value(value: Json, *, same: bool) -> Cell:
    return shown(value), "dim" if same else "yellow"


def _metric(row: MetricRow) -> tuple[Cell, ...]:
    name = f"{row.metric} of {row.slice}" if row.slice else row.metric
    cells: list[Cell] = [name]
    for at, (value, difference) in enumerate(zip(row.values, row.differences, strict=True)):
        if value is None:
            cells.append(("undefined", "dim"))
        elif at == 0 or not difference:
            cells.append(f"{value:.6g}")
        else:
            cells.append((f"{value:.6g} ({difference:+.4g})", "bold"))
    return tuple(cells)


def _steps(found: Compared, text: type) -> list[RenderableType]:
    first = found.runs[0].run.id
    parts: list[RenderableType] = []
    for other in found.runs[1:]:
        mine = [one for one in found.steps if one.run == other.run.id]
        if not mine:
            parts.append(text(f"{other.run.id} has the same steps with the same results as {first}."))
            continue
        parts.append(text(f"{other.run.id} differs from {first} in", "bold"))
        width = max(len(one.step) for one in mine)
        parts += [text(f"  {one.step:<{width}}  {printable(_difference(one))}") for one in mine]
    if found.same_steps and len(found.steps):
        parts.append(text(f"the same everywhere: {', '.join(found.same_steps)}", "dim"))
    return parts


def _difference(one: StepDifference) -> str:
    before, after = one.states
    if not before or not after:
        return "only here" if not before else "not here"
    words = [change.words for change in one.changes if change.what is not What.INPUT]
    reads = [change.name for change in one.changes if change.what is What.INPUT]
    if reads:
        words.append(f"reads another {', '.join(reads)}")
    words = words or ["the same causes, other results"]
    if before != after and not {before, after} <= {"success", "cached"}:
        words.append(f"{before} → {after}")
    return "; ".join(words) + (" (the results are the same)" if one.same_outputs else "")
