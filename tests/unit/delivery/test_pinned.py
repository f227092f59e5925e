"""What a plan pins, who gets it, and when it makes a recorded result stale."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from mlopsctl.delivery.override import Override
from mlopsctl.delivery.pinned import every_artifact, pin
from mlopsctl.gates.policy import rule_digest
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.pipeline.ir import ArtifactType, Step
from mlopsctl.step.pinned import artifacts, clock, parameters, stale
from mlopsctl.step.task import StepState

FLOOR: Json = {"name": "floor", "kind": "threshold", "metric": "accuracy", "min": 0.9}
GATE = Step("gate", "gate", 1, {}, {}, {"gates": [FLOOR]}, state_inputs=("overrides",))
VALIDATE = Step("validate-d", "validate", 1, {}, {}, {}, state_inputs=("clock", "previous-d"))
EVALUATE = Step("evaluate", "evaluate", 1, {}, {}, {}, state_inputs=("champion",))
BROKEN = Override("m", "e", {"floor": "because"}, {"floor": rule_digest(FLOOR)})


class OneHistory:
    """Only what :func:`pin` asks."""

    def accepted_statistics(self, dataset: str) -> tuple[str, ...]:
        return {"d": ("new", "old")}.get(dataset, ())


def pinned(override: Override | None = None) -> Mapping[str, str]:
    wanted = {name for step in (VALIDATE, EVALUATE, GATE) for name in step.state_inputs}
    return pin(wanted, OneHistory(), "c", override, "2026-01-02T03:04:05+00:00")  # type: ignore[arg-type]


def record(step: Step, **notes: Json) -> ExecutionRecord:
    read = ArtifactRecord("e", ArtifactType.EVALUATION, "")
    return ExecutionRecord(
        "r", step.id, step.component, StepState.SUCCESS, "k", None, 0, 0, inputs={"evaluation": read}, notes=notes
    )


def test_a_step_gets_what_it_asks_for() -> None:
    found = pinned(BROKEN)
    assert artifacts(VALIDATE, found) == {"previous-d": "new"}
    assert artifacts(EVALUATE, found) == {"champion": "c"}
    assert artifacts(GATE, found) == {}
    assert (clock(VALIDATE, found), clock(EVALUATE, found)) == (1767323045000, 0)
    assert parameters(GATE, found)["overrides"] == json.loads(found["overrides"])
    assert parameters(GATE, pinned()) == GATE.parameters


def test_data_is_never_compared_with_itself() -> None:
    assert artifacts(VALIDATE, pinned(), ["new"]) == {"previous-d": "old"}
    assert artifacts(VALIDATE, {"previous-d": "new"}, ["new"]) == {}
    assert every_artifact(VALIDATE, pinned()) == ["new", "old"]


@pytest.mark.parametrize(("verdict", "expected"), [("pass", False), ("fail", True), ("error", True)])
def test_other_accepted_data_makes_only_a_refusal_stale(verdict: str, expected: bool) -> None:
    before = replace(record(VALIDATE, verdict=verdict), state_inputs={"previous-d": "older", "clock": "then"})
    assert bool(stale(VALIDATE, before, pinned())) is expected


def test_a_verdict_without_a_reference_is_given_again_once_there_is_one() -> None:
    alone = replace(record(VALIDATE, verdict="pass"), state_inputs={"previous-d": "", "clock": "then"})
    assert "no earlier data" in stale(VALIDATE, alone, pinned())
    assert stale(VALIDATE, alone, {"previous-d": "e"}) == ""
    assert stale(VALIDATE, alone, {}) == ""


def test_a_new_champion_makes_evidence_stale_unless_it_is_about_the_champion() -> None:
    before = replace(record(EVALUATE), state_inputs={"champion": "other"})
    assert "champion" in stale(EVALUATE, before, pinned())
    about = {"model": ArtifactRecord("c", ArtifactType.MODEL, "")}
    assert stale(EVALUATE, replace(before, inputs=about), pinned()) == ""


def test_a_gate_is_judged_again_when_it_is_broken_and_when_it_is_broken_no_more() -> None:
    refused = record(GATE, model="m", gates={"floor": "fail"}, overridden={})
    assert stale(GATE, refused, pinned()) == ""
    assert "broken by hand" in stale(GATE, refused, pinned(BROKEN))
    broken = record(GATE, model="m", gates={"floor": "fail"}, overridden={"floor": "because"})
    assert stale(GATE, broken, pinned(BROKEN)) == ""
    assert "any more" in stale(GATE, broken, pinned())


@pytest.mark.parametrize(
    "other",
    [
        replace(BROKEN, model="another"),
        replace(BROKEN, evaluation="another"),
        replace(BROKEN, rules={"floor": "another"}),
        replace(BROKEN, gates={"ceiling": "because"}),
    ],
)
def test_an_override_of_something_else_changes_nothing(other: Override) -> None:
    refused = record(GATE, model="m", gates={"floor": "fail"}, overridden={})
    assert stale(GATE, refused, pinned(other)) == ""
