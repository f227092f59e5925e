"""Whatever a fork reports, nothing becomes a success, and it stands on the commit of the event."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.publish.handed import UnusableReport, handed, parse_report
from mlopsctl.delivery.publish.unverified import Origin, unverified
from mlopsctl.delivery.publish.value import Item, Publication, Subject
from mlopsctl.delivery.report.value import Said
from mlopsctl.evidence import Evaluation, Measurement
from mlopsctl.forges.contract import Conclusion
from mlopsctl.render.publish.checks import aggregate, checks
from mlopsctl.render.publish.comment import comment
from mlopsctl.render.report.words import plain
from tests.unit.delivery.publish.test_handed import COMMIT, item, report

PROJECT = """version: 1
name: numbers
data:
  numbers:
    source: {kind: csv, uri: numbers.csv}
    label: label
    checks:
      - {name: enough, kind: row_count, min: 10}
training:
  task: classification
  targets:
    sgd: {kind: sklearn, estimator: sklearn.linear_model.SGDClassifier}
evaluation:
  metrics: [accuracy, f1]
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.9}
    - {name: areas, kind: threshold, metric: accuracy, min: 0.5, slice: area}
    - {name: not-worse, kind: change, metric: accuracy, against: champion, min: -0.01}
"""
ORIGIN = Origin(COMMIT, 7, "stranger/models", succeeded=True)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("project")
    (folder / "mlops.yaml").write_text(PROJECT)
    (folder / "numbers.csv").write_text("a,label\n1,2\n")
    return load_project(folder, None)


def published(loaded: Loaded, origin: Origin = ORIGIN, problem: str = "", **over: Any) -> Publication:
    return unverified(loaded, origin, None if problem else parse_report(json.dumps(report(**over)).encode()), problem)


def titles(found: Publication) -> dict[str, str]:
    return {one.name: plain(one.title) for one in found.items}


def conclusions(found: Publication) -> dict[str, str]:
    return {one.name: one.conclusion.value for one in found.items}


def test_good_numbers_would_pass_and_are_unverified(loaded: Loaded) -> None:
    found = published(loaded, items=[item(), item(name="numbers.enough", kind="check", title="10 rows")])
    assert set(conclusions(found).values()) == {"action_required"}
    told = titles(found)
    assert told["floor"].startswith("unverified: would pass by the reported numbers: accuracy is 0.93")
    assert told["numbers.enough"] == "unverified: is said to pass: 10 rows"
    assert told["plan"] == "unverified: is said to pass: No changes"
    assert found.conclusion is Conclusion.ACTION_REQUIRED
    every = checks(found)
    assert every[-1].name == "mlopsctl / numbers / default (fork)"
    assert every[-1].title.startswith("unverified: ")
    assert {one.commit for one in every} == {COMMIT}
    assert "Unverified: this was reported by a run of `stranger/models`" in comment(found)


def test_bad_numbers_fail_whatever_the_report_says_of_them(loaded: Loaded) -> None:
    low = copy.deepcopy(report()["evaluation"])
    low["measurements"][0]["value"] = 0.4
    found = published(loaded, evaluation=low, items=[item(name="tests", kind="tests", title="all pass")])
    assert conclusions(found)["floor"] == "failure"
    assert found.conclusion is Conclusion.FAILURE
    assert aggregate(found).conclusion is Conclusion.FAILURE


def test_a_gate_without_a_number_and_one_that_would_not_decide_need_attention(loaded: Loaded) -> None:
    found = conclusions(published(loaded))
    assert found["areas"] == found["not-worse"] == "action_required"
    without = published(loaded, evaluation=None, missing="nothing was measured")
    assert set(conclusions(without).values()) == {"action_required"}
    assert titles(without)["floor"] == "unverified: no number was reported for this gate"


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"commit": "d" * 40}, "the report is of another commit"),
        ({"pull_request": 8}, "the report is of another pull request"),
        ({"pull_request": 0}, "the report is of another pull request"),
        ({"project": "others"}, "the report is of another project or environment"),
        ({"environment": "prod"}, "the report is of another project or environment"),
    ],
)
def test_a_report_of_something_else_is_not_used(loaded: Loaded, over: dict[str, Any], said: str) -> None:
    found = published(loaded, **over, items=[item(conclusion="failure")])
    assert plain(found.unverified).startswith(said)
    assert "plan" not in titles(found)
    assert titles(found)["floor"] == "unverified: no number was reported for this gate"
    assert found.conclusion is Conclusion.ACTION_REQUIRED
    assert (found.subject.commit, found.subject.pull_request) == (COMMIT, 7)


def test_a_failed_run_is_told_and_so_is_a_report_that_is_not_there(loaded: Loaded) -> None:
    found = published(loaded, Origin(COMMIT, 0, "stranger/models", succeeded=False), "there is no report")
    assert conclusions(found)["run"] == "failure"
    assert aggregate(found).title.startswith("unverified: there is no report")
    assert found.subject.pull_request == 0


def test_names_that_only_the_report_has_are_left_out(loaded: Loaded) -> None:
    found = published(loaded, items=[
        item(name="mine", kind="check"), item(name="floor", kind="check"), item(name="tests", kind="plan"),
        item(name="level", kind="level", conclusion="failure", title="Level 0"),
    ])  # fmt: skip
    assert set(conclusions(found)) == {"floor", "areas", "not-worse", "numbers.enough", "level"}
    assert conclusions(found)["level"] == "failure"
    assert conclusions(found)["floor"] == "action_required"


def test_what_a_stranger_wrote_is_no_markup(loaded: Loaded) -> None:
    evil = "`</details><script>alert(1)</script> @team [x](javascript:1) ![](https://e.vil/p.png)"
    found = published(loaded, items=[item(title=evil), item(name="policy", kind="policy", title="a\n# b\u202e")])
    text = comment(found)
    assert "`` " + evil[:10] in text
    assert "\n# b" not in text
    assert "\u202e" not in text


FLOATS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
MEASURED = st.fixed_dictionaries(
    {"metric": st.sampled_from(["accuracy", "f1", "own"]), "value": FLOATS, "rows": st.integers(-1, 10**6)},
    optional={"slice": st.sampled_from(["", "area=a", "area=b", "x"]), "low": FLOATS, "high": FLOATS,
              "problem": st.sampled_from(["", "none"])},
)  # fmt: skip
NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3)
COMPARED = st.fixed_dictionaries(
    {"metric": st.sampled_from(["accuracy", "f1"]), "against": st.sampled_from(["champion", "trivial"]),
     "candidate": MEASURED, "baseline": MEASURED},
    optional={"replicates": NUMBERS, "relative_replicates": NUMBERS},
)  # fmt: skip
REPORTED = st.fixed_dictionaries({
    "task": st.sampled_from(["classification", ""]), "split": st.just("test"), "rows": st.integers(0, 10**6),
    "model": st.text(max_size=5), "champion": st.sampled_from(["", "sha256:c"]),
    "measurements": st.lists(MEASURED, max_size=5), "comparisons": st.lists(COMPARED, max_size=3),
    "slices": st.dictionaries(st.sampled_from(["area", "x"]), st.dictionaries(st.sampled_from("ab"),
                                                                              st.integers(0, 10**6))),
})  # fmt: skip
ITEMS = st.lists(
    st.fixed_dictionaries({
        "name": st.sampled_from(["plan", "policy", "tests", "level", "preflight", "numbers.enough", "floor", "x"]),
        "kind": st.sampled_from(["check", "plan", "policy", "tests", "level", "preflight"]),
        "conclusion": st.sampled_from(["success", "failure", "action_required"]), "title": st.text(max_size=20),
    }),
    unique_by=lambda one: one["name"], max_size=8,
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(evaluation=st.none() | REPORTED, items=ITEMS, succeeded=st.booleans(), number=st.integers(0, 9))
def test_no_report_makes_anything_green(
    loaded: Loaded, evaluation: Any, items: Any, succeeded: bool, number: int
) -> None:
    try:
        read = parse_report(json.dumps(report(evaluation=evaluation, items=items)).encode())
    except UnusableReport:
        return
    found = unverified(loaded, Origin(COMMIT, number, "stranger/models", succeeded), read)
    every = checks(found)
    assert Conclusion.SUCCESS not in {one.conclusion for one in every}
    assert {one.commit for one in every} == {COMMIT}
    assert all(" (fork)" in one.name for one in every)
    assert found.subject.pull_request == number
    assert comment(found)


def test_nothing_at_all_is_no_success() -> None:
    subject = Subject("p", "e", COMMIT, "mlops.yaml", fork=True)
    good = Item("x", "tests", Conclusion.SUCCESS, ("fine",))
    assert Publication(subject, (good,), unverified=("reported",)).conclusion is Conclusion.ACTION_REQUIRED


def test_what_is_written_down_is_read_back_without_the_verdicts_of_gates() -> None:
    measured = Evaluation("classification", "test", 3, "m", "", (Measurement("accuracy", 0.5, 3),))
    gate = Item("floor", "gate", Conclusion.SUCCESS, ("fine",))
    plan = Item("plan", "plan", Conclusion.SUCCESS, ("3 changes of ", Said("x" * 5000)))
    subject = Subject("numbers", "default", COMMIT, "mlops.yaml", 7)
    found = parse_report(handed(Publication(subject, (gate, plan), evaluation=measured)))
    assert found.evaluation == measured
    assert [(one.name, len(one.title)) for one in found.items] == [("plan", 2000)]
    assert (found.commit, found.pull_request) == (COMMIT, 7)
