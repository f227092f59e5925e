"""What a commit says of its level, where no run can be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.delivery.publish.files import level_item
from mlopsctl.forges.contract import Conclusion
from mlopsctl.levels import CRITERIA, Evidence, Standing, judge
from mlopsctl.render.level import level_json, level_text
from tests.unit.levels.found import complete, ran


def unseen(evidence: Evidence, commit: str = "c" * 40) -> Evidence:
    """The same files, and nothing that ever ran."""
    return replace(
        evidence, run=None, recorded=0, triggered=(), schedules=(), anomalies=(), evaluation=None, blessing=None,
        infra=None, release=None, promoted=(), commit=commit,
    )  # fmt: skip


def short(standing: Standing) -> list[str]:
    return [one.criterion.id for one in standing.missing(2)]


def test_what_is_written_for_level_2_is_level_2_without_any_run() -> None:
    standing = judge(unseen(complete()), by_commit=True)
    assert (standing.reached, short(standing), standing.written) == (2, [], True)
    assert "level 2 is what the commit says" in level_text(standing)
    assert all(one.answer.evidence for one in standing.criteria)


def test_runs_are_not_believed_where_only_the_commit_counts() -> None:
    evidence = replace(complete(), tests={}, workflows=())
    assert short(judge(evidence, by_commit=True)) == ["source-control", "ci", "tests", "pipeline-delivery"]


def test_what_is_written_proves_nothing_where_runs_count() -> None:
    assert judge(unseen(complete())).reached == 0


@pytest.mark.parametrize("name", ["p1", "p2", "p5", "p6", "p7"])
def test_the_labs_lack_by_their_commit_what_their_files_do_not_say(name: str) -> None:
    lacking = set(short(judge(unseen(ran(name)), by_commit=True)))
    assert {"tests", "ci", "promotion"} <= lacking
    assert {"pipeline", "metadata", "source-control", "preflight", "delivery"}.isdisjoint(lacking)


def test_a_commit_without_a_change_gate_is_short_by_the_baseline() -> None:
    assert "baseline" in short(judge(unseen(ran("p2")), by_commit=True))
    assert "baseline" not in short(judge(unseen(ran("p2-with-a-change-gate")), by_commit=True))


def test_every_criterion_of_level_1_that_needs_a_run_is_answered_by_the_commit() -> None:
    """None but the validity of the project, or the files of the CI, is asked as it is where runs are seen."""
    nothing = unseen(complete())
    asked_of_runs = {one.id for one in CRITERIA if not one.look(nothing).met}
    assert asked_of_runs.isdisjoint(short(judge(nothing, by_commit=True)))


def test_the_check_of_a_pull_request_says_what_it_was_judged_by(tmp_path: Path) -> None:
    file = tmp_path / "level.json"
    file.write_text(level_json(judge(unseen(replace(complete(), tests={})), by_commit=True)), encoding="utf-8")
    item = level_item(file)
    declared = complete().project.level
    assert "".join(map(str, item.title)) == f"Level 1 by what the commit says, and level {declared} is declared"
    assert item.conclusion is (Conclusion.SUCCESS if declared <= 1 else Conclusion.FAILURE)
