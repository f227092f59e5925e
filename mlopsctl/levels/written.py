"""What a commit itself says of the criteria that only runs prove, for where none is seen: a pull request."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlopsctl.gates import Change
from mlopsctl.levels import automation, basics, judgement
from mlopsctl.levels.criterion import Answer, Criterion, Evidence


def written(criterion: Criterion, found: Evidence) -> Answer:
    """What the commit says; where files are all that a criterion asks for, that is its own answer."""
    look = _SAYS.get(criterion.id)
    return criterion.look(found) if look is None else look(found)


def _step(name: str, missing: str) -> Callable[[Evidence], Answer]:
    """Whether the pipeline has a step."""

    def look(found: Evidence) -> Answer:
        return Answer(f"the step {name}") if name in found.steps else Answer(missing=missing)

    return look


def _pipeline(found: Evidence) -> Answer:
    return Answer(f"{len(found.steps)} steps") if found.steps else Answer(missing=found.uncompiled or "it has no steps")


def _trigger(found: Evidence) -> Answer:
    declared = sorted({trigger.kind for one in found.environments for trigger in one.project.starting})
    if not declared:
        return Answer(missing="nothing but a person starts a run")
    return Answer(", ".join(declared), found=(found.at(("triggers",)),))


def _data_gate(found: Evidence) -> Answer:
    checks = [check.name for data in found.project.data.values() for check in data.checks if check.severity == "error"]
    return _listed(checks, "no check stops a run for bad data")


def _model_gate(found: Evidence) -> Answer:
    return _listed([gate.name for gate in found.project.evaluation.gates], "no gate judges a model")


def _baseline(found: Evidence) -> Answer:
    gates = found.project.evaluation.gates
    against = [gate.name for gate in gates if isinstance(gate, Change) and gate.against == "champion"]
    return _listed(against, "no gate compares with the champion")


def _slices(found: Evidence) -> Answer:
    slices = found.project.evaluation.slices
    names = [one if isinstance(one, str) else " and ".join(one) for one in slices]
    return _listed(names, "no slices are measured")


def _source(found: Evidence) -> Answer:
    return Answer(f"commit {found.commit[:12]}") if found.commit else Answer(missing="this is no commit")


def _listed(names: list[str], missing: str) -> Answer:
    return Answer(", ".join(names)) if names else Answer(missing=missing)


_SAYS: Mapping[str, Callable[[Evidence], Answer]] = {
    basics.COMPILES.id: _pipeline,
    basics.TRIGGER.id: _trigger,
    basics.METADATA.id: _pipeline,
    judgement.DATA_GATE.id: _data_gate,
    judgement.MODEL_GATE.id: _model_gate,
    judgement.BASELINE.id: _baseline,
    judgement.SLICES.id: _slices,
    judgement.PREFLIGHT.id: _step("preflight", "no step asks the model in a real server"),
    judgement.DELIVERY.id: _step("push", "no step registers a model"),
    automation.SOURCE.id: _source,
    automation.PROMOTION.id: automation.ways,
}
