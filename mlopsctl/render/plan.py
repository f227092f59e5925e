"""A plan as a person reads it, as JSON, and as Markdown for a pull request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlopsctl.delivery.classes import ChangeClass, classes, deepest, weakened
from mlopsctl.delivery.plan import Action, Line, Plan
from mlopsctl.ground.text import printable
from mlopsctl.render.money import cost_json, of_step, whole
from mlopsctl.render.times import took as lasting

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

    found = classes(plan)
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
            price = _price(plan, line)
            told = _class(found.get((line.kind, line.name))) + (f"  cost {price}" if price else "")
            parts.append(
                Text.assemble((f"  {line.action.sign} {line.name:<{width}}", style), f"  {why}", (told, "dim"))
            )
        kept = len(lines) - len(shown)
        if kept:
            skipped = sum(1 for step in plan.steps if step.skipped) if kind == "step" else 0
            parts.append(Text(f"  = {_kept(kept - skipped, skipped)}", "dim"))
        parts.append(Text())
    parts += [Text(f"note: {printable(note)}", "dim") for note in plan.notes]
    parts += [Text(line, "yellow") for line in _weaker(plan)]
    parts.append(Text(summary(plan), "bold"))
    parts += [Text(line) for line in _depth(plan)]
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
    deep = deepest(plan)
    told = {
        "plan": plan.as_json(),
        "digest": plan.digest,
        "class": None if deep is None else deep.value,
        "classes": [{"kind": kind, "name": name, "class": one.value} for (kind, name), one in classes(plan).items()],
        "weakened": [line.name for line in weakened(plan)],
        "expected": {
            "seconds": _seconds(plan),
            "steps": {name: ms / 1000 for name, ms in plan.expected.items()},
            "cost": cost_json(plan.cost),
        },
    }
    return json.dumps(told, indent=2, ensure_ascii=False, default=list)


def plan_markdown(plan: Plan) -> str:
    """The plan as Markdown; everything a user wrote stands in code spans."""
    rows = [f"**{_code(plan.project)}** in **{_code(plan.environment)}**: {summary(plan)}", ""]
    if plan.changes:
        found = classes(plan)
        priced = plan.cost is not None
        rows += ["| | what | why | class |" + " cost |" * priced, "|---|---|---|---|" + "---|" * priced]
        for line in plan.changes:
            why, depth = _code("; ".join(line.reasons)), found[line.kind, line.name].value
            cost = f" {_price(plan, line)} |" if priced else ""
            rows.append(f"| {line.action.sign} | {line.kind} {_code(line.name)} | {why} | {depth} |{cost}")
    rows += [line for told in [*_weaker(plan, _code), *_depth(plan)] for line in ("", told)]
    rows += ["", *(f"> {_code(note)}" for note in plan.notes)] if plan.notes else []
    return "\n".join(rows) + "\n"


def _class(found: ChangeClass | None) -> str:
    return "" if found is None else f"  [{found.value}]"


def _price(plan: Plan, line: Line) -> str:
    """What a step is expected to cost, where there are prices."""
    return of_step(plan.cost, line.name) if plan.cost is not None and line.kind == "step" else ""


def _weaker(plan: Plan, shown: Callable[[str], str] = printable) -> list[str]:
    """The line of its own for gates that let more through."""
    lines = weakened(plan)
    if not lines:
        return []
    told = ", ".join(shown(f"{line.name} ({'; '.join(line.reasons)})") for line in lines)
    return [f"Gates weakened: {told}. This needs an approval."]


def _depth(plan: Plan) -> list[str]:
    """How deep the plan goes, how long it may take, and what it may cost."""
    deep = deepest(plan)
    if deep is None:
        return []
    costs = whole(plan.cost) if plan.cost is not None else ""
    return [f"Class of the change: {deep.value}.{_time(plan)}", *([f"Expected cost: {costs}."] if costs else [])]


def _time(plan: Plan) -> str:
    took, running = _seconds(plan), sum(1 for step in plan.steps if step.runs)
    if took is None:
        return ""
    unknown = running - len(plan.expected)
    more = "" if not unknown else f", without {unknown} of {running} steps that have not run here yet"
    return f" Expected from past runs: {lasting(0, round(took * 1000))} of steps{more}."


def _seconds(plan: Plan) -> float | None:
    """The sum over the steps that will run; ``None`` when nothing is known of any."""
    return sum(plan.expected.values()) / 1000 if plan.expected else None


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
