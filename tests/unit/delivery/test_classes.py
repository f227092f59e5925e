"""How deep a change goes, and how long its steps took before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlopsctl.delivery import expected as expected_module
from mlopsctl.delivery.classes import ChangeClass, classes, deepest, weakened
from mlopsctl.delivery.expected import expected
from mlopsctl.delivery.plan import Action, Line, Plan, Seal, StepPlan
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.pipeline.ir import ArtifactType, Input, Ref, Step
from mlopsctl.step.task import StepState

SEAL = Seal("0", "p", "e", "a", "b", "c", "d", "e")


def step(id: str, component: str, *reads: str) -> Step:
    inputs = {name: Input(Ref(name, "out"), ArtifactType.FILE) for name in reads}
    return Step(id, component, 1, inputs, {"out": ArtifactType.FILE}, {})


def plan(*steps: Step, others: tuple[Line, ...] = (), removed: tuple[str, ...] = ()) -> Plan:
    return Plan("p", "e", tuple(StepPlan(one, ("new",)) for one in steps), removed, others, {}, SEAL)


@pytest.mark.parametrize(
    ("component", "found"),
    [
        ("ingest", ChangeClass.DATA),
        ("train", ChangeClass.RETRAIN),
        ("gate", ChangeClass.RE_EVALUATE),
        ("push", ChangeClass.REDEPLOY),
    ],
)
def test_a_step_goes_as_deep_as_what_it_does(component: str, found: ChangeClass) -> None:
    assert classes(plan(step("one", component))) == {("step", "one"): found}


def test_a_step_of_the_users_own_goes_as_deep_as_what_reads_it() -> None:
    made = plan(step("mine", "own"), step("train-a", "train", "mine"), step("yours", "own"))
    found = classes(made)
    assert found["step", "mine"] is ChangeClass.RETRAIN
    assert found["step", "yours"] is ChangeClass.RE_EVALUATE


def test_the_deepest_change_names_the_plan() -> None:
    serve = Line("server", "mlflow", Action.UPDATE, ("follows",))
    assert deepest(plan(others=(serve,))) is ChangeClass.REDEPLOY
    assert deepest(plan(step("gate", "gate"), others=(serve,))) is ChangeClass.RE_EVALUATE
    assert deepest(plan(removed=("old",))) is ChangeClass.COSMETIC
    assert deepest(plan()) is None


def test_gates_that_let_more_through_are_named() -> None:
    lines = tuple(
        Line("gate", reason.partition(":")[0], Action.UPDATE, (reason,))
        for reason in ("weakened: min 1 → 0", "removed: accuracy", "changed: a → b", "strengthened: x", "added: y")
    )
    assert [line.name for line in weakened(plan(others=lines))] == ["weakened", "removed", "changed"]


def test_expected_is_the_median_of_the_last_real_times(monkeypatch: pytest.MonkeyPatch) -> None:
    def past(store: object, project: str, environment: str, id: str) -> Iterator[ExecutionRecord]:
        times = {"train": [(9, StepState.CACHED), (100, StepState.SUCCESS), (1, StepState.FAILED),
                           (300, StepState.SUCCESS), (200, StepState.SUCCESS)]}  # fmt: skip
        for took, state in times.get(id, []):
            yield ExecutionRecord("r", id, "train", state, "k", None, 1000, 1000 + took)

    monkeypatch.setattr(expected_module, "of_step", past)
    store = object.__new__(MetadataStore)
    steps = plan(step("train", "train"), step("gate", "gate")).steps
    assert expected(steps, store, "p", "e") == {"train": 200}
