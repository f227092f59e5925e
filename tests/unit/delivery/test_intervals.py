"""Which intervals are run, in which order, what is refused before anything runs, and what they add up to."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery import intervals
from mlopsctl.delivery.execute import Options
from mlopsctl.delivery.intervals import IntervalResult, by_length, by_schedule, exit_code, run_intervals, within
from mlopsctl.delivery.outcome import Findings, Outcome
from mlopsctl.evidence import Blessing, GateResult, Verdict
from mlopsctl.ground.errors import ExitCode, InvalidProject, UsageProblem
from mlopsctl.ground.interval import Interval, parse_interval
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.local.progress import NoProgress
from mlopsctl.step.task import StepResult, StepState

WHOLE = parse_interval("2021-01-01", "2021-04-01")
PROJECT = """\
version: 1
name: days
data:
  days:
    source: {kind: csv, uri: days.csv}
    label: kind
    split: SPLIT
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}
evaluation:
  gates: [{name: floor, kind: threshold, metric: accuracy, min: 0.6}]
triggers: [{kind: schedule, cron: "30 6 * * 1", timezone: Europe/Berlin}]
"""
BACK = "{kind: time, column: day, validation: -10d, test: -5d}"


def project(folder: Path, split: str = BACK, triggers: bool = True) -> Loaded:
    text = PROJECT.replace("SPLIT", split)
    (folder / "mlops.yaml").write_text(text if triggers else text.partition("triggers:")[0], encoding="utf-8")
    (folder / "days.csv").write_text("day,value,kind\n2021-01-01,1,a\n", encoding="utf-8")
    return load_project(folder)


def ended(verdict: Verdict = Verdict.PASS, state: StepState = StepState.SUCCESS) -> Outcome:
    gates = (
        GateResult("shown", "change", "accuracy", Verdict.PASS, "a first release", decides=False),
        GateResult("first", "threshold", "accuracy", Verdict.PASS, "0.9 >= 0.6"),
        GateResult("second", "threshold", "accuracy", verdict, "0.5 < 0.6"),
    )
    findings = Findings(blessing=Blessing("m", "", gates))
    return Outcome("run", "default", {"gate": StepResult(state)}, findings, judged_only=True)


def test_the_weeks_of_a_schedule_are_cut_in_its_time_zone(tmp_path: Path) -> None:
    parts = by_schedule(project(tmp_path), WHOLE)
    assert parts[0].start == WHOLE.start
    assert parts[-1].end == WHOLE.end
    assert all(before.end == after.start for before, after in pairwise(parts))
    # Half past six in Berlin is half past five in UTC in winter, and half past four after the clocks changed.
    assert {str(part.start)[11:16] for part in parts[1:-1]} == {"05:30"}
    assert str(parts[-1].start) == "2021-03-29 04:30:00+00:00"


def test_without_a_schedule_each_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="has none"):
        by_schedule(project(tmp_path, triggers=False), WHOLE)


@pytest.mark.parametrize(
    ("split", "id"),
    [
        ("{kind: hash}", "no-time-split"),
        ("{kind: time, column: day, validation: -200d, test: -5d}", "outside-interval"),
        ("{kind: time, column: day, validation: 2021-02-01, test: 2021-05-01}", "outside-interval"),
        ("{kind: time, column: day, validation: 1, test: 2}", "outside-interval"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_line(split: str, id: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidProject) as refused:
        within(project(tmp_path, split), WHOLE)
    (found,) = refused.value.diagnostics
    assert (found.id, found.span and found.span.line) == (id, 7)
    assert found.hint


def test_the_interval_is_in_the_parameters_of_ingest_alone(tmp_path: Path) -> None:
    loaded = project(tmp_path)
    plain, inside = lower(loaded).pipeline, lower(within(loaded, WHOLE)).pipeline
    changed = [a.id for a, b in zip(plain.steps, inside.steps, strict=True) if a.parameters != b.parameters]
    assert changed == ["ingest-days"]
    assert inside.step("ingest-days").parameters["interval"] == [WHOLE.start.isoformat(), WHOLE.end.isoformat()]
    assert "interval" not in plain.step("ingest-days").parameters


@given(order=st.permutations(range(3)))
def test_the_oldest_runs_first(order: list[int]) -> None:
    parts = by_length(WHOLE, 30 * 86_400)
    told: list[Interval] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "within", lambda loaded, one: one)
        patch.setattr(intervals, "run", lambda part, options, observer: ended())
        found = run_intervals(None, [parts[at] for at in order], Options(), NoProgress(), told.append)  # type: ignore[arg-type]
    assert [one.interval for one in found] == told == list(parts)


@pytest.mark.parametrize(("stop", "runs"), [(True, 1), (False, 3)])
def test_a_run_that_failed_stops_the_later_ones_or_not(stop: bool, runs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "within", lambda loaded, one: one)
    monkeypatch.setattr(intervals, "run", lambda part, options, observer: ended(state=StepState.FAILED))
    told: list[Interval] = []
    parts = by_length(WHOLE, 30 * 86_400)
    found = run_intervals(None, parts, Options(), NoProgress(), told.append, stop=stop)  # type: ignore[arg-type]
    assert (len(told), len(found)) == (runs, 3)
    assert exit_code(found) is ExitCode.FAILED


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ((Verdict.PASS, Verdict.PASS), ExitCode.DONE),
        ((Verdict.PASS, Verdict.FAIL), ExitCode.REFUSED),
        ((Verdict.FAIL, Verdict.ERROR), ExitCode.UNDECIDED),
    ],
)
def test_exit_codes_add_up(verdicts: tuple[Verdict, ...], code: ExitCode) -> None:
    def judged(verdict: Verdict) -> Outcome:
        gate = GateResult("floor", "threshold", "accuracy", verdict, "")
        return Outcome("r", "default", {}, Findings(blessing=Blessing("m", "", (gate,))), judged_only=True)

    assert exit_code([IntervalResult(WHOLE, judged(verdict)) for verdict in verdicts]) is code


def test_the_gate_that_decided_is_the_first_that_did_not_pass() -> None:
    refused, passed = IntervalResult(WHOLE, ended(Verdict.FAIL)).deciding, IntervalResult(WHOLE, ended()).deciding
    assert (refused and refused.name, passed and passed.name) == ("second", "first")
    assert IntervalResult(WHOLE).deciding is None
    assert IntervalResult(WHOLE, ended(state=StepState.CACHED)).reused
    assert not IntervalResult(WHOLE, ended()).reused
