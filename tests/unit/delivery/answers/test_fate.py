"""What became of a challenger, and the answer to "why not promoted", for every way a run can end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from mlopsctl.delivery.answers.fate import Kind, fate_of
from mlopsctl.delivery.answers.find import final
from mlopsctl.delivery.answers.runs import RunDetail
from mlopsctl.delivery.answers.why_not import explain
from mlopsctl.delivery.outcome import Findings
from mlopsctl.evidence import (
    Anomalies,
    Anomaly,
    Blessing,
    CheckResult,
    GateResult,
    InfraBlessing,
    PushedModel,
    Verdict,
)
from mlopsctl.metadata.records import EnvironmentState, ExecutionRecord, Release
from mlopsctl.render.why import why_not_text
from mlopsctl.step.task import StepState
from tests.unit.delivery.answers.histories import chain, digest, execution, run_record

R1 = "20260101T000010-aaa"
MODEL = digest("model")
STEPS = tuple(chain(R1))
WITH_PUSH = (*STEPS, replace(execution(R1, "gate"), step="push", component="push"))


def release(number: int = 1, model: str = MODEL, run: str = R1, released: int = 0, withdrawn: bool = False) -> Release:
    return Release(number, model, run, "", "", "p", str(number), released, withdrawn=withdrawn)


def state(current: Release | None = None, hold: str = "") -> EnvironmentState:
    return EnvironmentState("p", "dev", "l", release=current, hold=hold)


def gate(name: str, verdict: Verdict, reason: str, **other: object) -> GateResult:
    return replace(GateResult(name, "threshold", "accuracy", verdict, reason), **other)  # type: ignore[arg-type]


def blessing(*gates: GateResult) -> Blessing:
    return Blessing(MODEL, "", gates)


PASSED = blessing(gate("floor", Verdict.PASS, "accuracy 0.95 >= 0.9"))
FAILED = blessing(gate("floor", Verdict.FAIL, "accuracy 0.67 < 0.69"), gate("trivial", Verdict.PASS, "0.2 >= 0.1"))
OPEN = blessing(gate("fair", Verdict.ERROR, "no rows of island=Torgersen"))
CHECKED = Anomalies(
    "rows", (CheckResult("domain", "schema", Verdict.FAIL, "2 columns", anomalies=(Anomaly("slope", "x", 5, 100),)),)
)
GOOD = InfraBlessing(MODEL, Verdict.PASS, "10 answers agree")
BAD = InfraBlessing(MODEL, Verdict.FAIL, "3 of 10 answers differ")
PUSHED = PushedModel(MODEL, True, "p version 1", "p", "1")


@pytest.mark.parametrize(
    ("kind", "findings", "steps", "now", "how"),
    [
        (Kind.RELEASED, Findings((), None, PASSED, GOOD, PUSHED), WITH_PUSH, state(release()), "success"),
        (Kind.FAILED, Findings(), (execution(R1, "train", state=StepState.FAILED, problem="boom"),), state(), "failed"),
        (Kind.RUNNING, Findings(), (), state(), "running"),
        (Kind.INTERRUPTED, Findings(), STEPS, state(), "canceled"),
        (Kind.INTERRUPTED, Findings((), None, PASSED, GOOD, PUSHED), WITH_PUSH, state(), "failed"),
        (Kind.CHECKS, Findings((CHECKED,)), STEPS, state(), "success"),
        (Kind.PARTIAL, Findings(), STEPS[:2], state(), "success"),
        (Kind.UNDECIDED, Findings(), STEPS, state(), "success"),
        (Kind.REFUSED, Findings((), None, FAILED), WITH_PUSH, state(), "success"),
        (Kind.UNDECIDED, Findings((), None, OPEN), WITH_PUSH, state(), "success"),
        (Kind.JUDGED, Findings((), None, PASSED), STEPS, state(), "success"),
        (Kind.PREFLIGHT, Findings((), None, PASSED, BAD), WITH_PUSH, state(), "success"),
        (Kind.SAME, Findings((), None, PASSED, GOOD, PUSHED), WITH_PUSH, state(release(run="r0")), "success"),
        (Kind.HELD, Findings((), None, PASSED, GOOD, PUSHED), WITH_PUSH, state(hold="complaints"), "success"),
        (Kind.LEFT, Findings((), None, PASSED, GOOD, PUSHED), WITH_PUSH, state(), "success"),
    ],
)  # fmt: skip
def test_every_end_of_a_run_has_its_kind_a_reason_and_something_to_do(
    kind: Kind, findings: Findings, steps: tuple[ExecutionRecord, ...], now: EnvironmentState, how: str
) -> None:
    run = run_record(R1, state=how)
    fate = fate_of(run, final(steps), findings, now)
    assert fate.kind is kind
    assert fate.reason
    told = explain(RunDetail(run, steps, findings, fate), now)
    assert told.next
    assert told.findings or kind in (Kind.RELEASED, Kind.UNDECIDED)


def test_a_gate_broken_by_hand_does_not_refuse() -> None:
    broken = blessing(gate("floor", Verdict.FAIL, "low", overridden="launch day"))
    fate = fate_of(run_record(R1, state="success"), final(STEPS), Findings((), None, broken), state())
    assert fate.kind is Kind.JUDGED


def told(findings: Findings, now: EnvironmentState, steps: tuple[ExecutionRecord, ...] = WITH_PUSH) -> str:
    run = run_record(R1, state="success")
    detail = RunDetail(run, steps, findings, fate_of(run, final(steps), findings, now))
    console = Console(width=120)
    with console.capture() as captured:
        console.print(why_not_text(explain(detail, now)))
    return captured.get()


def test_a_refusal_is_told_gate_by_gate_with_its_numbers_on_one_screen() -> None:
    select = replace(
        execution(R1, "train"), step="select", component="select", notes={"winner": "forest"},
        outputs={"model": replace(STEPS[1].outputs["out"], digest=MODEL)},
    )  # fmt: skip
    text = told(Findings((), None, FAILED), state(release(3, "sha256:" + "b" * 64, "r0")), (*WITH_PUSH, select))
    assert text == (
        f"forest ({MODEL[7:19]}) of run {R1} was not released in dev.\n"
        "  ✗ gate floor said no: accuracy 0.67 < 0.69\n"
        "  ✓ gate trivial passed: 0.2 >= 0.1\n"
        "p v3 (bbbbbbbbbbbb) stays the champion.\n"
        "\n"
        "What to do\n"
        f"  a better model: `mlopsctl report {R1}` says where this one is weak\n"
        "  `mlopsctl gate explain floor -e dev` says what floor asks for and where it is written\n"
    )


def test_a_failed_check_is_told_with_its_counts() -> None:
    assert "✗ check domain of rows said no: 2 columns (slope in 5 of 100 rows)" in told(Findings((CHECKED,)), state())


def test_slices_that_failed_are_told_one_by_one_and_not_without_end() -> None:
    parts = tuple(gate("s", Verdict.FAIL, f"{n} < 1", slice=f"c={n}") for n in range(9))
    text = told(Findings((), None, blessing(gate("s", Verdict.FAIL, "9 of 9 slices", parts=parts))), state())
    assert text.count(" < 1") == 5
    assert "and 4 more" in text


def test_what_users_wrote_cannot_play_with_the_terminal() -> None:
    evil = blessing(gate("floor", Verdict.FAIL, "\x1b[2J\u202epassed\r\n✓ all passed"))
    text = told(Findings((), None, evil), state(hold="\x1b]8;;http://evil\x07"))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\n✓ all passed" not in text
