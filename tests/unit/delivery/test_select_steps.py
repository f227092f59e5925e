"""Some steps of a pipeline: which are meant, what the others lend them, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.outcome import Findings, Outcome
from mlopsctl.delivery.plan import StepPlan
from mlopsctl.delivery.select_steps import BorrowingDriver, BorrowingObserver, Chosen, Selection, choose, narrow
from mlopsctl.evidence import Anomalies, Blessing, CheckResult, Verdict
from mlopsctl.ground.errors import ExitCode, StepProblem, UsageProblem
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.orchestrators.local.schedule import Schedule
from mlopsctl.pipeline.ir import ArtifactType, Input, Pipeline, Ref, Step
from mlopsctl.render.outcome import conclusion
from mlopsctl.step.task import StepResult, StepState

FILE = ArtifactType.FILE


def step(id: str, *reads: str, optional: str = "") -> Step:
    inputs = {name: Input(Ref(name, "out"), FILE, optional=name == optional) for name in reads}
    return Step(id, id, 1, inputs, {"out": FILE}, {})


PIPELINE = Pipeline(
    "p", (step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"), step("e", "d", "c", optional="c"))
)
IDS = [one.id for one in PIPELINE.steps]


def record(id: str, run: str = "r1", state: StepState = StepState.SUCCESS) -> ExecutionRecord:
    outputs = {"out": ArtifactRecord(f"sha256:{id}-{run}", FILE, "")} if state is StepState.SUCCESS else {}
    return ExecutionRecord(run, id, id, state, "k", None, 0, 1, outputs=outputs)


def narrowed(wanted: str, cached: str = "", latest: str = "", gone: str = "", skipped: str = "") -> Chosen:
    """What is chosen when these steps have a result that holds, an old one, or none."""
    plans = tuple(
        StepPlan(
            one,
            () if one.id in cached else ("new",),
            cached=record(one.id) if one.id in cached else None,
            skipped="too few rows" if one.id in skipped else "",
        )
        for one in PIPELINE.steps
    )
    plan: Any = SimpleNamespace(steps=plans)
    store: Any = SimpleNamespace(has_many=lambda digests: {one for one in digests if one[7] not in gone})
    old = {id: record(id, "r0") for id in latest}
    return narrow(PIPELINE, frozenset(wanted), plan, old, store)


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(), "abcde"),
        (Selection(only="c"), "c"),
        (Selection(first="c"), "cde"),
        (Selection(until="c"), "ac"),
        (Selection(first="b", until="d"), "bd"),
        (Selection(first="c", until="c"), "c"),
    ],
)
def test_the_steps_that_are_meant(selection: Selection, ids: str) -> None:
    assert choose(PIPELINE, selection) == frozenset(ids)


@given(st.sampled_from(IDS), st.sampled_from(IDS))
def test_a_range_is_what_both_ends_have_in_common(first: str, until: str) -> None:
    both = choose(PIPELINE, Selection(first=first)) & choose(PIPELINE, Selection(until=until))
    if both:
        assert choose(PIPELINE, Selection(first=first, until=until)) == both
    else:
        with pytest.raises(UsageProblem, match="no step lies"):
            choose(PIPELINE, Selection(first=first, until=until))


@pytest.mark.parametrize(
    ("selection", "id"),
    [
        (Selection(only="a", until="b"), "step-or-range"),
        (Selection(only="x"), "unknown-step"),
        (Selection(first="\x1b[2J"), "unknown-step"),
        (Selection(only="push"), "not-run-here"),
        (Selection(first="d", until="a"), "no-steps"),
    ],
)
def test_what_cannot_be_meant_is_refused(selection: Selection, id: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        choose(PIPELINE, selection, ["push"])
    assert caught.value.diagnostics[0].id == id
    assert "\x1b" not in caught.value.diagnostics[0].message


def test_a_step_stands_on_the_results_that_hold() -> None:
    chosen = narrowed("d", cached="abc")
    assert [one.id for one in chosen.pipeline.steps] == ["b", "c", "d"]
    assert {name: result.outputs["out"] for name, result in chosen.borrowed.items()} == {
        "b": "sha256:b-r1", "c": "sha256:c-r1",
    }  # fmt: skip
    assert chosen.notes == ()
    Schedule(chosen.pipeline)  # it is whole: every step that is read is there


def test_an_old_result_is_taken_and_said() -> None:
    chosen = narrowed("d", cached="c", latest="b")
    assert chosen.borrowed["b"].outputs == {"out": "sha256:b-r0"}
    assert chosen.notes == ("b was not run: its result of run r0 was taken, although it is not up to date (new)",)


@pytest.mark.parametrize("gone", ["", "b"])
def test_what_was_never_made_or_is_gone_is_named_with_what_to_run_first(gone: str) -> None:
    with pytest.raises(StepProblem) as caught:
        narrowed("d", cached="abc" if gone else "ac", gone=gone)
    (found,) = caught.value.diagnostics
    assert found.message == "d reads b, and no result of it is stored"
    assert found.hint == "`mlopsctl run --until b` runs it with everything that it needs"


def test_what_was_skipped_says_why() -> None:
    with pytest.raises(StepProblem, match="which is skipped: too few rows"):
        narrowed("d", cached="ac", skipped="b")


def test_an_optional_input_may_be_missing() -> None:
    chosen = narrowed("e", cached="d")
    assert set(chosen.pipeline.step("e").inputs) == {"d"}


def test_borrowed_steps_are_neither_run_nor_recorded_nor_shown() -> None:
    heard: list[str] = []

    class Both:
        def prepare(self, step: Step, upstream: object) -> StepResult:
            heard.append(f"prepare {step.id}")
            return StepResult(StepState.SUCCESS)

        def started(self, step: Step, attempt: int, log: Path | None = None) -> None:
            heard.append(f"started {step.id}")

        def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
            heard.append(f"retrying {step.id}")

        def finished(self, step: Step, *others: object) -> None:
            heard.append(f"finished {step.id}")

    a, b = PIPELINE.steps[:2]
    known = {"a": StepResult(StepState.CACHED, {"out": "sha256:a"})}
    driver: Any = BorrowingDriver(Both(), known)  # type: ignore[arg-type]
    observer = BorrowingObserver(Both(), known)  # type: ignore[arg-type]
    assert driver.prepare(a, {}) == known["a"]
    driver.finished(a, 1, 0, 0, known["a"], None)
    observer.finished(a, known["a"], 0.0)
    assert heard == []
    driver.prepare(b, {})
    driver.started(b, 1, Path())
    observer.started(b, 1)
    observer.retrying(b, 1, StepResult(StepState.FAILED))
    driver.finished(b, 1, 0, 0, known["a"], None)
    observer.finished(b, known["a"], 0.0)
    assert len(heard) == 6


def test_a_whole_selection_is_the_default() -> None:
    assert Selection().whole
    assert not replace(Selection(), only="a").whole


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        (Findings(), ExitCode.DONE),
        (Findings((Anomalies("rows", (CheckResult("c", "range", Verdict.FAIL, "x"),)),)), ExitCode.REFUSED),
        (Findings(blessing=Blessing("m", "", ())), ExitCode.UNDECIDED),
    ],
)
def test_a_part_without_a_gate_ends_with_what_its_checks_say(findings: Findings, code: ExitCode) -> None:
    outcome = Outcome("r", "dev", {"a": StepResult(StepState.SUCCESS)}, findings, judged_only=True, partial=True)
    assert outcome.exit_code is code
    if code is ExitCode.DONE:
        assert conclusion(outcome) == "Done: a. No gate was asked."
        whole = replace(outcome, partial=False, results={"gate": StepResult(StepState.SKIPPED)})
        assert whole.exit_code is ExitCode.UNDECIDED
