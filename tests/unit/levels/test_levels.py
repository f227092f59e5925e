"""What the criteria say of the pipelines of the labs, with what their runs would have recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.config.load import inspect_project
from mlopsctl.evidence import Anomalies, Blessing, CheckResult, Evaluation, GateResult, InfraBlessing, Verdict
from mlopsctl.ground.errors import Severity
from mlopsctl.levels import CRITERIA, Evidence, Workflow, judge
from mlopsctl.levels.kinds import KINDS, asserting, kind_of
from mlopsctl.metadata.records import GitInfo, Release, RunRecord

CASES = Path(__file__).parents[2] / "cases" / "levels"
PASS = Verdict.PASS
VERIFY = Workflow(".github/workflows/pr.yml", True, False, "run: mlopsctl -C . validate\nrun: pytest tests")
DEPLOY = Workflow(".github/workflows/main.yml", False, True, "run: mlopsctl apply -e dev")
# As published: images are built and the pipeline is created upon a tag; nothing is tested.
BUILD = replace(DEPLOY, path="cloudbuild.yaml")


def ran(name: str) -> Evidence:
    """A lab's project after a run that passed everything it asks for."""
    found, _, environments = inspect_project(CASES / f"{name}.yaml")
    assert not [one for one in found if one.severity is Severity.ERROR], found
    loaded = environments[0]
    gates = tuple(GateResult(g.name, g.kind_name, g.metric, PASS, "passed") for g in loaded.project.evaluation.gates)
    checks = (CheckResult("anomalies", "range", PASS, "within"),)
    return Evidence(
        loaded=loaded,
        environments=environments,
        steps=("ingest-covertype", "gate"),
        run=RunRecord("r1", "demo", "dev", "sha256:p", "sha256:q", 1, GitInfo("abc", "main")),
        recorded=11,
        anomalies=(Anomalies("covertype", checks),),
        evaluation=Evaluation("classification", "test", 10, "m", "", (), slices={"Wilderness_Area": {"Rawah": 10}}),
        blessing=Blessing("m", "", gates),
        infra=InfraBlessing("m", PASS, "it answers", 5),
        release=Release(1, "m", "r1", "", "", "covertype", "1", 1),
    )


def complete() -> Evidence:
    tests = {kind: (f"test_{kind}.py::test_{kind}",) for kind in KINDS}
    return replace(ran("p3"), workflows=(VERIFY, DEPLOY), tests=tests)


def test_p1_by_hand_is_level_0() -> None:
    standing = judge(ran("p1"), CRITERIA)
    assert standing.reached == 0
    assert [one.criterion.id for one in standing.missing(1)] == ["trigger", "baseline"]


def test_p2_is_not_level_1_until_it_has_a_change_gate() -> None:
    standing = judge(ran("p2"), CRITERIA)
    assert standing.reached == 0
    assert [one.criterion.id for one in standing.missing(1)] == ["baseline"]
    assert judge(ran("p2-with-a-change-gate"), CRITERIA).reached == 1


def test_p3_is_not_level_2_for_want_of_tests() -> None:
    published = replace(ran("p3"), workflows=(BUILD,))
    standing = judge(published, CRITERIA)
    assert standing.reached == 1
    assert [one.criterion.id for one in standing.missing(2)] == ["ci", "tests"]
    assert judge(replace(complete(), tests={}), CRITERIA).reached == 1


def test_everything_is_level_2() -> None:
    assert judge(complete(), CRITERIA).reached == 2


@pytest.mark.parametrize(
    ("without", "id", "reached"),
    [
        ({"run": None}, "metadata", 0),
        ({"release": None}, "delivery", 0),
        ({"anomalies": ()}, "data-gate", 0),
        ({"blessing": None}, "model-gate", 0),
        ({"evaluation": None}, "slices", 0),
        ({"infra": InfraBlessing("m", Verdict.FAIL, "too slow")}, "preflight", 0),
        ({"problems": ("wrong",)}, "valid", 0),
        ({"steps": ()}, "pipeline", 0),
        ({"workflows": (DEPLOY,)}, "ci", 1),
        ({"workflows": (VERIFY,)}, "pipeline-delivery", 1),
        ({"differing": ("pr.yml differs",)}, "ci", 1),
        ({"tests": {"features": ("a",)}}, "tests", 1),
        ({"environments": ()}, "promotion", 1),
    ],
)
def test_each_missing_piece_of_evidence_costs_its_level(without: dict[str, object], id: str, reached: int) -> None:
    standing = judge(replace(complete(), **without), CRITERIA)  # type: ignore[arg-type]
    assert standing.reached == reached
    assert id in [one.criterion.id for one in standing.missing(2)]


def test_a_gate_that_no_run_was_judged_by_is_a_mere_flag() -> None:
    evidence = complete()
    assert evidence.blessing is not None
    others = tuple(gate for gate in evidence.blessing.gates if gate.name != "not-worse")
    standing = judge(replace(evidence, blessing=Blessing("m", "", others)), CRITERIA)
    assert [one.criterion.id for one in standing.missing(2)] == ["baseline"]


def test_changes_in_no_commit_are_not_in_source_control() -> None:
    run = RunRecord("r1", "demo", "dev", "sha256:p", "sha256:q", 1, GitInfo("abc", "main", dirty=True))
    assert judge(replace(complete(), run=run), CRITERIA).reached == 1


def test_only_tests_that_assert_something_count() -> None:
    text = "def test_a():\n    assert f() == 1\n\ndef test_b():\n    pass\n\ndef test_c():\n    assert True\n"
    assert asserting(text) == ("test_a",)
    assert asserting("def test_d(:") == ()
    assert asserting("def test_e():\n    with pytest.raises(ValueError):\n        f()\n") == ("test_e",)
    assert kind_of("test_numbers.py", "test_a") == "numbers"
    assert kind_of("test_all.py", "test_features_of_rows") == "features"
    assert kind_of("test_all.py", "test_a") == ""


def test_every_criterion_has_a_paragraph_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "levels.md").read_text(encoding="utf-8")
    for criterion in CRITERIA:
        assert f"| `{criterion.id}` |" in page
