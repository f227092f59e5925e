"""A plan as a person reads it, as JSON, and as Markdown for a pull request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlopsctl.delivery.plan import Action, Line, Plan
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {Action.CREATE: "green", Action.UPDATE: "yellow", Action.DELETE: "red", Action.KEEP: "dim"}
_TITLES = {
    "step": "Steps", "pipeline": "Pipeline", "schedule": "Schedules", "gate": "Gates", "release": "Release",
    "server": "Server",
}  # fmt: skip


def plan_text(plan: Plan) -> RenderableType:
    """The plan for a terminal: what changes, why, and one line that counts."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text.assemble((plan.project, "bold"), " · ", plan.environment), Text()]
    for kind, title in _TITLES.items():
        lines = [line for line in plan.lines if line.kind == kind]
        shown = [line for line in lines if line.action is not Action.KEEP or (kind != "step")]
        if not lines:
            continue
        parts.append(Text(title, "bold"))
        width = max((len(line.name) for line in shown), default=0)
        for line in shown:
            style = _STYLES[line.action]
            why = printable("; ".join(line.reasons))
            parts.append(Text.assemble((f"  {line.action.sign} {line.name:<{width}}", style), f"  {why}"))
        kept = len(lines) - len(shown)
        if kept:
            skipped = sum(1 for step in plan.steps if step.skipped) if kind == "step" else 0
            parts.append(Text(f"  = {_kept(kept - skipped, skipped)}", "dim"))
        parts.append(Text())
    parts += [Text(f"note: {printable(note)}", "dim") for note in plan.notes]
    parts.append(Text(summary(plan), "bold"))
    return Group(*parts)


def summary(plan: Plan) -> str:
    """One line: how much changes."""
    if not plan.changes:
        return "No changes. What is released is what the project asks for." if _stands(plan) else "No changes."
    steps = Counter(line.action for line in plan.lines if line.kind == "step")
    running = steps[Action.CREATE] + steps[Action.UPDATE]
    reused = sum(1 for step in plan.steps if step.cached is not None)
    others = [line for line in plan.changes if line.kind != "step"]
    kinds = ", ".join(dict.fromkeys(line.kind for line in others))
    words = "1 step" if running == 1 else f"{running} steps"
    return f"Plan: {words} to run, {reused} reused" + (f"; changes to {kinds}." if kinds else ".")


def plan_json(plan: Plan) -> str:
    """The plan as one JSON object with its digest; what ``--out`` saves and ``apply`` reads."""
    return json.dumps({"plan": plan.as_json(), "digest": plan.digest}, indent=2, ensure_ascii=False, default=list)


def plan_markdown(plan: Plan) -> str:
    """The plan as Markdown; everything a user wrote stands in code spans."""
    rows = [f"**{_code(plan.project)}** in **{_code(plan.environment)}**: {summary(plan)}", ""]
    if plan.changes:
        rows += ["| | what | why |", "|---|---|---|"]
        for line in plan.changes:
            rows.append(f"| {line.action.sign} | {line.kind} {_code(line.name)} | {_code('; '.join(line.reasons))} |")
    rows += ["", *(f"> {_code(note)}" for note in plan.notes)] if plan.notes else []
    return "\n".join(rows) + "\n"


def _kept(reused: int, skipped: int) -> str:
    words = [f"{reused} reused"] if reused or not skipped else []
    return ", ".join([*words, *([f"{skipped} skipped"] if skipped else [])])


def _stands(plan: Plan) -> bool:
    release: Sequence[Line] = [line for line in plan.others if line.kind == "release"]
    return bool(release) and "is the challenger" in "".join(release[0].reasons)


def _code(text: str) -> str:
    """A Markdown code span that its text cannot leave; a bar is escaped for the table."""
    clean = printable(text).replace("|", "\\|")
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in clean).split()), default=0)
    fence = "`" * (longest + 1)
    pad = " " if clean.startswith("`") or clean.endswith("`") else ""
    return f"{fence}{pad}{clean}{pad}{fence}" if clean else ""
