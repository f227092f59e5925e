"""What the criteria say of the pipelines of the labs, with what their runs would have recorded."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.publish.files import level_item
from mlopsctl.evidence import Blessing, InfraBlessing, Verdict
from mlopsctl.forges.contract import Conclusion
from mlopsctl.levels import CRITERIA, Evidence, Promoted, Standing, judge
from mlopsctl.levels.cloud_build import read_build, read_triggers
from mlopsctl.levels.kinds import asserting, kind_of
from mlopsctl.render.level import level_json, level_text
from tests.unit.levels.found import CASES, DEPLOY, LOCKED, RUN, SCHEDULED, VERIFY, complete, ran


def missing(standing: Standing, level: int) -> list[str]:
    return [one.criterion.id for one in standing.missing(level)]


def said(standing: Standing, id: str) -> str:
    return next(one.answer.missing for one in standing.criteria if one.criterion.id == id)


def test_p1_by_hand_is_level_0() -> None:
    standing = judge(ran("p1"))
    assert standing.reached == 0
    assert missing(standing, 1) == ["trigger", "baseline"]


def test_p2_is_not_level_1_until_it_has_a_change_gate() -> None:
    standing = judge(ran("p2"))
    assert standing.reached == 0
    assert missing(standing, 1) == ["baseline"]
    assert judge(ran("p2-with-a-change-gate")).reached == 1


def test_p3_is_not_level_2_for_want_of_tests() -> None:
    starts = read_triggers({"triggers.json": (CASES / "p3.triggers.json").read_text(encoding="utf-8")})
    build = read_build("cloudbuild.yaml", (CASES / "p3.cloudbuild.yaml").read_text(encoding="utf-8"), starts, ".")
    published = replace(ran("p3"), workflows=(build,), promoted=(LOCKED,))
    standing = judge(published)
    assert standing.reached == 1
    assert missing(standing, 2) == ["ci", "tests"]
    assert judge(replace(complete(), tests={})).reached == 1


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("p5", ["trigger", "data-gate", "baseline", "slices", "preflight"]),
        ("p6", ["data-gate", "model-gate", "baseline", "slices", "preflight", "delivery"]),
        ("p7", ["baseline", "slices", "preflight"]),
        ("p7-with-mlflow", ["data-gate", "slices", "preflight"]),
    ],
)
def test_the_other_labs_are_level_0_for_what_their_pipelines_never_ask(name: str, lacks: list[str]) -> None:
    evidence = replace(ran(name), infra=None)
    if name == "p6":
        evidence = replace(evidence, release=None)
    standing = judge(evidence)
    assert standing.reached == 0
    assert missing(standing, 1) == lacks


def test_everything_is_level_2() -> None:
    assert judge(complete()).reached == 2


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
        ({"triggered": ()}, "trigger", 0),
        ({"triggered": (replace(SCHEDULED, cause="data: covertype"),)}, "trigger", 0),
        ({"workflows": (DEPLOY,)}, "ci", 1),
        ({"workflows": (VERIFY,)}, "pipeline-delivery", 1),
        ({"differing": ("pr.yml differs",)}, "ci", 1),
        ({"tests": {"features": ("a",)}}, "tests", 1),
        ({"environments": complete().environments[:1]}, "promotion", 1),
        ({"promoted": ()}, "promotion", 1),
        ({"promoted": (Promoted("staging", problem="the lock proves nothing"),)}, "promotion", 1),
    ],
)
def test_each_missing_piece_of_evidence_costs_its_level(without: dict[str, object], id: str, reached: int) -> None:
    standing = judge(replace(complete(), **without))  # type: ignore[arg-type]
    assert standing.reached == reached
    assert id in missing(standing, 2)


_PIECES = {
    "run", "triggered", "schedules", "recorded", "anomalies", "evaluation", "blessing", "infra", "release", "workflows",
    "tests", "promoted", "steps",
}  # fmt: skip


def with_only(evidence: Evidence, kept: frozenset[tuple[str, object]]) -> Evidence:
    """The evidence without the pieces that are not kept: a field of its own, or one item of a field."""
    changed: dict[str, object] = {}
    for field in fields(Evidence):
        value = getattr(evidence, field.name)
        if field.name not in _PIECES:
            continue
        if isinstance(value, tuple):
            changed[field.name] = tuple(one for number, one in enumerate(value) if (field.name, number) in kept)
        elif isinstance(value, dict):
            changed[field.name] = {key: one for key, one in value.items() if (field.name, key) in kept}
        elif (field.name, None) not in kept:
            changed[field.name] = 0 if isinstance(value, int) else None
    return replace(evidence, **changed)  # type: ignore[arg-type]


def pieces(evidence: Evidence) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name in sorted(_PIECES):
        value = getattr(evidence, name)
        if isinstance(value, tuple):
            found += [(name, number) for number in range(len(value))]
        elif isinstance(value, dict):
            found += [(name, key) for key in value]
        else:
            found.append((name, None))
    return found


EVERYTHING = replace(
    complete(),
    triggered=(SCHEDULED, replace(SCHEDULED, id="r3", cause="data: covertype")),
    schedules=("the schedule covertype-dev stands on kfp",),
    promoted=(LOCKED, Promoted("prod", problem="the lock proves nothing")),
)
ALL = pieces(EVERYTHING)


@given(st.sets(st.sampled_from(ALL)), st.sets(st.sampled_from(ALL)))
def test_taking_evidence_away_never_raises_the_level(
    gone: set[tuple[str, object]], more: set[tuple[str, object]]
) -> None:
    some = frozenset(ALL) - gone
    before = judge(with_only(EVERYTHING, some))
    after = judge(with_only(EVERYTHING, some - more))
    assert after.reached <= before.reached
    assert set(missing(before, 2)) <= set(missing(after, 2))


def test_a_trigger_that_is_only_declared_says_so_and_what_to_do() -> None:
    standing = judge(replace(ran("p2"), triggered=()))
    found = next(one for one in standing.criteria if one.criterion.id == "trigger")
    assert found.answer.missing == "schedule at p2.yaml:21 is declared, and not seen to start a run yet"
    assert "mlopsctl trigger check --run" in found.fix
    unasked = judge(replace(ran("p2"), triggered=(), unasked="its orchestrator could not be asked: no"))
    assert said(unasked, "trigger").endswith("yet; its orchestrator could not be asked: no")


def test_a_schedule_that_stands_on_the_orchestrator_is_a_trigger() -> None:
    evidence = replace(ran("p2-with-a-change-gate"), triggered=(), schedules=("the schedule covertype stands on kfp",))
    assert judge(evidence).reached == 1


def test_a_promotion_that_is_only_declared_says_so_and_what_to_do() -> None:
    broken = Promoted("prod", problem="the evidence prod.evidence.json cannot be read")
    standing = judge(replace(complete(), promoted=(Promoted("staging"), broken)))
    found = next(one for one in standing.criteria if one.criterion.id == "promotion")
    assert found.answer.missing == (
        "dev → staging (approval), staging → prod (manual) is declared, and no promotion is seen yet; "
        "prod: the evidence prod.evidence.json cannot be read"
    )
    assert found.fix == "run `mlopsctl promote dev staging`, and commit the lock"


def test_a_gate_that_no_run_was_judged_by_is_a_mere_flag() -> None:
    evidence = complete()
    assert evidence.blessing is not None
    others = tuple(gate for gate in evidence.blessing.gates if gate.name != "not-worse")
    standing = judge(replace(evidence, blessing=Blessing("m", "", others)))
    assert missing(standing, 2) == ["baseline"]


def test_changes_in_no_commit_are_not_in_source_control() -> None:
    run = replace(RUN, git=replace(RUN.git, dirty=True))
    assert judge(replace(complete(), run=run)).reached == 1


def test_every_unmet_criterion_says_why_in_one_line_and_what_to_do() -> None:
    for evidence in (complete(), ran("p1"), replace(ran("p6"), run=None, infra=None, release=None, blessing=None)):
        standing = judge(evidence)
        lines = level_text(standing).splitlines()
        for one in standing.criteria:
            line = next(number for number, text in enumerate(lines) if text[4:].startswith(f"{one.criterion.id} "))
            assert lines[line][2] == ("+" if one.answer.met else "-")
            assert len(lines[line].split(maxsplit=2)) == 3
            assert one.answer.met or lines[line + 1].strip() == f"help: {one.fix}"
        document = json.loads(level_json(standing))
        assert all(one["met"] == (not one["missing"]) == (not one["fix"]) for one in document["criteria"])


def test_the_check_of_a_commit_fails_and_says_what_the_declared_level_lacks(tmp_path: Path) -> None:
    file = tmp_path / "level.json"
    standing = replace(judge(replace(complete(), triggered=(), tests={})), declared=1)
    file.write_text(level_json(standing), encoding="utf-8")
    item = level_item(file)
    assert item.conclusion is Conclusion.FAILURE
    assert len(item.told) == 1
    assert "trigger" in str(item.told[0])
    file.write_text(level_json(replace(judge(complete()), declared=2)), encoding="utf-8")
    assert level_item(file).conclusion is Conclusion.SUCCESS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "def test_a():\n    assert f() == 1\n\ndef test_b():\n    pass\n\ndef test_c():\n    assert True\n",
            ["test_a"],
        ),
        ("def test_d(:", []),
        ("def test_e():\n    with pytest.raises(ValueError):\n        f()\n", ["test_e"]),
        ("def test_f():\n    assert 1 == 1\n", []),
        ("def test_g():\n    assert_frame_equal(f(), g())\n", ["test_g"]),
        ("@pytest.mark.skip\ndef test_h():\n    assert f()\n", []),
        ("@pytest.mark.xfail(reason='later')\ndef test_i():\n    assert f()\n", []),
        ("pytestmark = pytest.mark.skip\ndef test_j():\n    assert f()\n", []),
        ("def outer():\n    def test_k():\n        assert f()\n", []),
        ("class TestIt:\n    def test_l(self):\n        assert f()\n", ["test_l"]),
        ("class Other:\n    def test_m(self):\n        assert f()\n", []),
        ("# def test_n(): assert f()\nTEXT = '''\ndef test_n():\n    assert f()\n'''\n", []),
    ],
)
def test_only_tests_that_run_and_assert_something_count(text: str, names: list[str]) -> None:
    assert list(asserting(text)) == names


def test_a_test_has_a_line_and_a_kind() -> None:
    assert asserting("\n\ndef test_a():\n    assert f()\n") == {"test_a": 3}
    assert kind_of("test_numbers.py", "test_a") == "numbers"
    assert kind_of("test_all.py", "test_features_of_rows") == "features"
    assert kind_of("test_all.py", "test_a") == ""


def test_every_criterion_has_a_paragraph_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "levels.md").read_text(encoding="utf-8")
    for criterion in CRITERIA:
        assert f"| `{criterion.id}` |" in page
