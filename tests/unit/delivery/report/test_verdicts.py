"""The rows of gates and checks say what was judged, and the headline says it first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.report.headline import Known, headline
from mlopsctl.delivery.report.measures import metric_rows, slice_tables
from mlopsctl.delivery.report.value import Said, Standing
from mlopsctl.delivery.report.verdicts import check_rows, gate_rows, gates_of, interval
from mlopsctl.evidence import (
    Anomalies,
    Blessing,
    CheckResult,
    Comparison,
    Evaluation,
    InfraBlessing,
    Measurement,
    Verdict,
)
from mlopsctl.gates import Change, Threshold
from mlopsctl.gates.judge import judge
from mlopsctl.metadata.records import EnvironmentState, ExecutionRecord, GitInfo, Release, RunRecord
from mlopsctl.render.report.words import plain
from mlopsctl.step.task import StepState

FLOOR = Threshold(name="floor", metric="accuracy", min=0.69)
AREAS = Threshold(name="areas", metric="accuracy", min=0.5, slice="area", min_rows=30)
WORSE = Change(name="not-worse", metric="accuracy", against="champion", min=-0.01, confidence=0.95)
REPLICATES = tuple(-0.2 + at / 10000 for at in range(1000))


def evaluation(accuracy: float = 0.677123, champion: str = "sha256:c") -> Evaluation:
    ours = Measurement("accuracy", accuracy, 100, low=accuracy - 0.02, high=accuracy + 0.02)
    theirs = Measurement("accuracy", 0.85, 100)
    return Evaluation(
        task="classification",
        split="test",
        rows=100,
        model="sha256:m",
        champion=champion,
        measurements=(
            ours,
            Measurement("accuracy", 0.8, 60, "area=a"),
            Measurement("accuracy", 0.4, 35, "area=b"),
            Measurement("accuracy", 0.1, 5, "area=c"),
        ),
        comparisons=(Comparison("accuracy", "champion", ours, theirs, "", REPLICATES),),
        slices={"area": {"a": 60, "b": 35, "c": 5}},
    )


RUN = RunRecord("r1", "p", "dev", "", "", 0, state="success", finished=1)


def known(blessing: Blessing | None, found: Evaluation, **more: object) -> Known:
    rules = {gate.name: gate for gate in (FLOOR, AREAS, WORSE)}
    gates = gate_rows(blessing, rules, found) if blessing is not None else ()
    steps = tuple(
        ExecutionRecord("r1", component, component, StepState.SUCCESS, "", None, 0, 1)
        for component in ("evaluate", "gate", "push")
    )
    findings = Findings(evaluation=found, blessing=blessing)
    made = Known(RUN, steps, findings, gates, (), EnvironmentState("p", "dev", "l"))
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_gate_s_row_has_the_values_the_bounds_and_the_interval_it_judged() -> None:
    found = evaluation()
    (row,) = gate_rows(judge((WORSE,), found), {"not-worse": WORSE}, found)
    assert (row.candidate, row.baseline, row.rows) == (0.677123, 0.85, 100)
    assert row.interval is not None
    assert row.interval.low == row.measured == REPLICATES[49]
    assert row.interval.high == REPLICATES[-50]
    assert row.bounds is not None
    assert (row.bounds.min, row.bounds.against, row.bounds.confidence) == (-0.01, "champion", 0.95)


def test_a_gate_on_slices_has_a_row_for_each_and_names_those_not_judged() -> None:
    found = evaluation()
    (row,) = gate_rows(judge((AREAS,), found), {"areas": AREAS}, found)
    assert [(part.slice, part.verdict.value, part.rows) for part in row.parts] == [
        ("area=a", "pass", 60), ("area=b", "fail", 35),
    ]  # fmt: skip
    assert row.not_judged == ("c (5 rows)",)
    (table,) = slice_tables(found, (row,))
    assert [(one.value, one.judged, one.too_small) for one in table.rows] == [
        ("b", Verdict.FAIL, False), ("a", Verdict.PASS, False), ("c", None, True),
    ]  # fmt: skip


def test_a_gate_whose_rule_is_lost_keeps_its_verdict() -> None:
    (row,) = gate_rows(judge((FLOOR,), evaluation()), {}, None)
    assert (row.verdict, row.bounds, row.measured) == (Verdict.FAIL, None, 0.677123)


def test_the_rules_are_read_from_what_the_gate_step_was_made_of() -> None:
    material = {"parameters": {"gates": [WORSE.model_dump(mode="json"), FLOOR.model_dump(mode="json")]}}
    assert gates_of(material) == {"not-worse": WORSE, "floor": FLOOR}
    for broken in (None, {}, {"parameters": 3}, {"parameters": {"gates": [{"kind": "unknown"}]}}, {"parameters": []}):
        assert gates_of(broken) == {}


def test_a_check_s_row_says_what_was_needed() -> None:
    found = Anomalies("d", (CheckResult("rows", "row_count", Verdict.FAIL, "12 rows"),))
    rules = {"d": [{"name": "rows", "kind": "row_count", "severity": "error", "min": 5000, "max": None}]}
    assert [row.needed for row in check_rows((found,), rules)] == ["min 5000"]


@pytest.mark.parametrize("replicates", [(), (1.0,), (0.0, float("nan")), tuple(map(float, range(30)))])
def test_no_interval_is_better_than_a_wrong_one(replicates: tuple[float, ...]) -> None:
    assert interval(replicates, 0.95, one_sided=False) is None


def test_metrics_stand_beside_their_baselines() -> None:
    (row,) = metric_rows(evaluation())
    assert row.champion is not None
    assert row.champion.better is False
    assert row.champion.difference == pytest.approx(-0.172877)
    assert row.champion.interval is not None
    assert row.interval is not None
    assert (row.interval.low, row.interval.confidence) == (0.657123, 0.95)


def test_a_refusal_names_the_gate_and_the_number() -> None:
    found = evaluation()
    said = headline(known(judge((FLOOR, AREAS), found), found))
    assert said.standing is Standing.REFUSED
    assert plain(said.sentence) == "Refused by the gate floor. Nothing was released."
    assert plain(said.decided) == "accuracy is 0.6771, and at least 0.69 is needed, on 100 rows."


def test_a_refusal_on_a_slice_names_the_slice() -> None:
    found = evaluation()
    said = headline(known(judge((AREAS,), found), found))
    number = "accuracy on area=b is 0.4, and at least 0.5 is needed, on 35 rows"
    assert plain(said.decided) == f"{number} (1 of 2 slices judged)."


def test_a_refused_change_tells_both_values_and_the_interval() -> None:
    found = evaluation()
    text = plain(headline(known(judge((WORSE,), found), found)).decided)
    assert text == (
        "accuracy went from 0.85 (champion) to 0.6771; the 95 % bound of the change is -0.1951 (interval -0.1951 to "
        "-0.105), and at least -0.01 is needed, on 100 rows."
    )


def test_a_first_release_is_told_with_the_gate_that_came_closest() -> None:
    found = evaluation(0.7, champion="")
    release = Release(1, "sha256:m", "r1", "e", "b", "p", "4", 0, overrides={"old": "because"}, withdrawn=True)
    state = EnvironmentState("p", "dev", "l", release=release)
    said = headline(known(judge((FLOOR, WORSE), found), found, state=state))
    assert said.standing is Standing.RELEASED
    assert plain(said.sentence) == "Released as p version 4: release 1 of dev."
    assert plain(said.decided).startswith("The gate floor decided: accuracy is 0.7, and at least 0.69")
    assert [plain(one) for one in said.loud] == [
        "Released over the gate old. The reason given: because", "This release was rolled back later.",
    ]  # fmt: skip


def test_an_override_is_loud_and_stops_nothing() -> None:
    found = evaluation()
    blessing = judge((FLOOR,), found, {"floor": "the old one is broken"})
    infra = InfraBlessing("sha256:m", Verdict.PASS, "fine")
    made = known(blessing, found)
    said = headline(replace(made, findings=replace(made.findings, infra=infra)))
    assert said.standing is Standing.PASSED
    assert "Overridden by hand: the gate floor failed" in plain(said.loud[0])
    assert Said("the old one is broken") in said.loud[0]


def test_a_gate_that_cannot_decide_leaves_it_open() -> None:
    lost = Threshold(name="lost", metric="f1", min=0.5)
    found = evaluation()
    said = headline(known(judge((lost,), found), found))
    assert said.standing is Standing.UNDECIDED
    assert plain(said.decided) == "f1 was not measured."


def test_a_check_that_said_no_comes_before_gates() -> None:
    found = Anomalies("d", (CheckResult("rows", "row_count", Verdict.FAIL, "12 rows < 50"),))
    made = known(None, evaluation())
    said = headline(replace(made, findings=Findings(anomalies=(found,)), checks=check_rows((found,), {})))
    assert plain(said.sentence) == "Refused by the check rows on the data d. Nothing was released."
    assert plain(said.decided) == "12 rows < 50"


def test_a_failed_step_is_named_with_its_problem() -> None:
    failed = ExecutionRecord("r1", "train-a", "train", StepState.FAILED, "", None, 0, 1, problem="ValueError: no")
    said = headline(known(None, evaluation(), executions=(failed,)))
    assert (said.standing, plain(said.decided)) == (Standing.FAILED, "ValueError: no")


@pytest.mark.parametrize(
    ("state", "standing"), [("running", Standing.RUNNING), ("canceled", Standing.CANCELED), ("failed", Standing.FAILED)]
)
def test_a_run_that_did_not_end_well_is_never_passed(state: str, standing: Standing) -> None:
    found = evaluation(0.9)
    assert headline(known(judge((FLOOR,), found), found, run=replace(RUN, state=state))).standing is standing


def test_a_run_that_stopped_at_its_gates_released_nothing() -> None:
    found = evaluation(0.9)
    judged = (ExecutionRecord("r1", "gate", "gate", StepState.SUCCESS, "", None, 0, 1),)
    said = headline(known(judge((FLOOR,), found), found, executions=judged))
    assert plain(said.sentence) == "The gates let the model go. The run stopped there, and released nothing."


def test_uncommitted_changes_are_told() -> None:
    found = evaluation()
    dirty = replace(RUN, git=GitInfo("c" * 40, "main", True))
    assert "not committed" in plain(headline(known(judge((FLOOR,), found), found, run=dirty)).loud[0])
