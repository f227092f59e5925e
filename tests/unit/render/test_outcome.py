"""How a run ended: a failed step is told with its place in the project file."""

from __future__ import annotations

import json

from rich.console import Console

from mlopsctl.delivery.outcome import Findings, Outcome
from mlopsctl.ground.errors import Span
from mlopsctl.render.outcome import outcome_json, outcome_text
from mlopsctl.step.task import StepResult, StepState

FAILED = Outcome(
    run="r1",
    environment="dev",
    results={"train-a": StepResult(StepState.FAILED, problem="no such estimator", hint="did you mean SVC?")},
    findings=Findings(),
    places={"train-a": Span("mlops.yaml", 14, 5, 14, 6)},
)


def test_a_failed_step_is_told_with_its_place() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(outcome_text(FAILED))
    assert "train-a failed: no such estimator\n  --> mlops.yaml:14:5\n  help: did you mean SVC?" in captured.get()


def test_a_program_gets_place_and_hint_as_well() -> None:
    told = json.loads(outcome_json(FAILED))["steps"]["train-a"]
    assert (told["at"], told["hint"]) == ("mlops.yaml:14:5", "did you mean SVC?")
