"""The comparison: the first step that differs is named, and what may differ is only what the table says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlopsctl.delivery.conformance.compare import ALLOWED, compare
from mlopsctl.delivery.conformance.observed import NEVER_RAN, Observed, StepSeen
from mlopsctl.pipeline.ir import ArtifactType, Input, Pipeline, Ref, Step

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def step(id: str, component: str, reads: str = "") -> Step:
    inputs = {"before": Input(Ref(reads, "left"), ArtifactType.EXAMPLES)} if reads else {}
    return Step(id, component, 1, inputs, {"left": ArtifactType.EXAMPLES}, {})


PIPELINE = Pipeline("flowers", (step("first", "own"), step("push", "push", "first"), step("last", "own", "push")))


def seen(digest: str = A, **changes: object) -> StepSeen:
    return replace(
        StepSeen("success", {"before": A}, {"left": digest}, records={"out left": f"{digest} Examples"}), **changes
    )  # type: ignore[arg-type]


def run(engine: str, **steps: StepSeen) -> Observed:
    return Observed(engine, {"first": seen(), "push": seen(), "last": seen(), **steps})


def test_equal_runs_differ_in_nothing() -> None:
    assert compare(PIPELINE, [run("local"), run("kfp"), run("airflow")]) == ()


@pytest.mark.parametrize(
    ("changed", "facet", "name"),
    [
        (seen(state="failed"), "state", ""),
        (seen(state=NEVER_RAN), "state", ""),
        (seen(inputs={"before": B}), "input", "before"),
        (seen(outputs={"left": B}), "output", "left"),
        (seen(outputs={}), "output", "left"),
        (seen(outputs={"left": A, "more": A}), "output", "more"),
        (seen(metrics={"accuracy": 0.5}), "metric", "accuracy"),
        (seen(verdicts={"floor": "fail"}), "verdict", "floor"),
        (seen(records={"out left": f"{A} Model"}), "record", "out left"),
        (seen(records={}), "record", "out left"),
    ],
)
def test_what_differs_is_named_with_its_values(changed: StepSeen, facet: str, name: str) -> None:
    found = compare(PIPELINE, [run("local"), run("airflow", first=changed)])
    assert [(one.step, one.facet, one.name) for one in found] == [("first", facet, name)]
    assert set(found[0].values) == {"local", "airflow"}
    assert "first: " in str(found[0])


def test_the_first_in_pipeline_order_comes_first() -> None:
    other = {"last": seen(state="failed"), "first": seen(outputs={"left": B})}
    assert [one.step for one in compare(PIPELINE, [run("local"), run("kfp", **other)])] == ["first", "last"]


def test_a_step_that_is_missing_or_strange_differs() -> None:
    lost = Observed("kfp", {"first": seen(), "push": seen()})
    assert compare(PIPELINE, [run("local"), lost])[0].step == "last"
    assert compare(PIPELINE, [run("local"), run("kfp", strange=seen())])[0].step == "strange"


def test_the_registrys_own_numbers_may_differ_and_nothing_else_of_the_step() -> None:
    assert "push" in {one.component for one in ALLOWED}
    records = {"out left": f"{B} Examples"}
    numbered = seen(outputs={"left": B}, records=records)
    read = seen(inputs={"before": B})
    assert compare(PIPELINE, [run("local"), run("kfp", push=numbered, last=read)]) == ()
    assert compare(PIPELINE, [run("local"), run("kfp", push=seen(outputs={}))])[0].name == "left"
    assert compare(PIPELINE, [run("local"), run("kfp", push=seen(verdicts={"registered": "no"}))])


def test_a_run_failed_when_a_step_did_or_the_orchestrator_says_so() -> None:
    assert not run("local").failed
    assert run("local", first=seen(state="failed")).failed
    assert run("local", first=seen(state=NEVER_RAN)).failed
    assert not run("local", first=seen(state="skipped")).failed
    assert replace(run("local"), trouble="it went away").failed


def test_every_exception_has_a_reason() -> None:
    assert all(one.what and one.why for one in ALLOWED)
