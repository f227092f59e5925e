"""How deep each change of a plan goes, from its words alone to the data: what has to be done again because of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from mlopsctl.delivery.plan import Action, Line, Plan
from mlopsctl.pipeline.ir import Step


class ChangeClass(StrEnum):
    """What a change makes necessary; each includes those before it."""

    COSMETIC = "cosmetic"
    REDEPLOY = "redeploy"
    RE_EVALUATE = "re-evaluate"
    RETRAIN = "retrain"
    DATA = "data"


_DEPTH = tuple(ChangeClass)
_COMPONENTS: Mapping[str, ChangeClass] = {
    "ingest": ChangeClass.DATA,
    "statistics": ChangeClass.DATA,
    "schema": ChangeClass.DATA,
    "validate": ChangeClass.DATA,
    "transform": ChangeClass.RETRAIN,
    "tune": ChangeClass.RETRAIN,
    "train": ChangeClass.RETRAIN,
    "select": ChangeClass.RETRAIN,
    "adopt": ChangeClass.RETRAIN,
    "promoted": ChangeClass.REDEPLOY,
    "evaluate": ChangeClass.RE_EVALUATE,
    "gate": ChangeClass.RE_EVALUATE,
    "infer": ChangeClass.RE_EVALUATE,
    "preflight": ChangeClass.REDEPLOY,
    "push": ChangeClass.REDEPLOY,
}
_KINDS: Mapping[str, ChangeClass] = {
    "gate": ChangeClass.RE_EVALUATE,
    "pipeline": ChangeClass.REDEPLOY,
    "schedule": ChangeClass.REDEPLOY,
    "release": ChangeClass.REDEPLOY,
    "server": ChangeClass.REDEPLOY,
}
_WEAKER = ("weakened: ", "removed: ", "changed: ")


def classes(plan: Plan) -> Mapping[tuple[str, str], ChangeClass]:
    """The class of every line that changes something, by kind and name."""
    steps = {one.step.id: one.step for one in plan.steps}
    return {(line.kind, line.name): _of(line, steps) for line in plan.changes}


def deepest(plan: Plan) -> ChangeClass | None:
    """The class of the plan as a whole; ``None`` when it changes nothing."""
    found = classes(plan).values()
    return max(found, key=_DEPTH.index) if found else None


def weakened(plan: Plan) -> tuple[Line, ...]:
    """The gates that may let through what those applied last would have stopped; they need an approval."""
    lines = (line for line in plan.changes if line.kind == "gate")
    return tuple(line for line in lines if "".join(line.reasons[:1]).startswith(_WEAKER))


def _of(line: Line, steps: Mapping[str, Step]) -> ChangeClass:
    if line.kind != "step":
        return _KINDS.get(line.kind, ChangeClass.REDEPLOY)
    if line.action is Action.DELETE:
        return ChangeClass.COSMETIC
    step = steps[line.name]
    if step.component in _COMPONENTS:
        return _COMPONENTS[step.component]
    return max(_below(step, steps), key=_DEPTH.index, default=ChangeClass.RE_EVALUATE)


def _below(step: Step, steps: Mapping[str, Step]) -> Iterator[ChangeClass]:
    """A step of the user's own goes as deep as what reads it: what feeds training retrains."""
    seen = {step.id}
    for one in steps.values():
        if seen.intersection(one.upstream):
            seen.add(one.id)
            if one.component in _COMPONENTS:
                yield _COMPONENTS[one.component]
