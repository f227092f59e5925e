"""Commands in comments, run for real: who may give them, what they do, and what is answered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.doubles.github_events import comment_created
from tests.integration.opt_in import corners_with_opt_ins, workflow
from tests.integration.pulls import branch
from tests.integration.workflow_runner import REPOSITORY, Ran, Workflows, installed

pytestmark = [
    pytest.mark.skipif(not installed(), reason="act is not installed"),
    pytest.mark.timeout(3000),
]

STRANGE = '/mlopsctl apply dev"; touch owned; $(touch owned) `touch owned` ${{ github.token }} && exit 0'


@dataclass
class Talk:
    """People who write comments in a repository."""

    ci: Workflows
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(70_001))

    def says(self, login: str, body: str, number: int, *, pull: bool = False, kind: str = "User") -> tuple[int, Ran]:
        """Somebody writes a comment, and the workflow runs upon it; the comment's id and the run."""
        id = next(self.ids)
        # What GitHub calls the author's association says "owner" of everybody here, and must not matter.
        event = comment_created(id, number, body, login=login, repository=REPOSITORY, pull=pull, association="OWNER",
                                kind=kind)  # fmt: skip
        return id, self.ci.other(workflow("commands"), "issue_comment", event)

    def signs(self, id: int) -> list[str]:
        return [one["content"] for one in self.ci.github.snapshot()["reactions"] if one["comment"] == id]

    @property
    def answers(self) -> list[str]:
        return [one["body"] for one in self.ci.github.snapshot()["comments"]]


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    with corners_with_opt_ins() as ci:
        people = {"ada": "write", "maintainer-mae": "write", "root": "admin", "reader": "read", "gone": "none"}
        ci.github.repository.people.update(people)
        yield Talk(ci)


def did(ran: Ran) -> set[str]:
    """The jobs that ran, besides those of every command."""
    return set(ran.steps) - {"read", "answer"}


def test_a_model_is_planned_applied_promoted_and_rolled_back_by_comments(talk: Talk) -> None:
    ci = talk.ci
    id, ran = talk.says("ada", "/mlopsctl plan dev", 41)
    assert ran.ok, ran
    assert did(ran) == {"plan-dev"}
    assert talk.signs(id) == ["eyes", "rocket"]
    assert len(talk.answers) == 1
    assert talk.answers[-1].splitlines()[1].startswith("✓ `/mlopsctl plan dev`: done, with the merged code of `")
    assert "train" in talk.answers[-1], "the plan is in the answer"

    id, ran = talk.says("maintainer-mae", "/mlopsctl apply dev\r\n", 41)
    assert ran.ok, ran
    assert did(ran) == {"apply-dev"}
    assert talk.signs(id) == ["eyes", "rocket"]
    assert [line for line in ci.called if " apply " in line] == ["apply-dev: apply -e dev --yes"]
    deployed = ci.github.snapshot()["deployments"]
    assert [(one["environment"], one["sha"]) for one in deployed] == [
        ("corners/dev", ci.git("rev-parse", "origin/main"))
    ]

    id, ran = talk.says("root", "/mlopsctl promote dev staging", 41)
    assert ran.ok, ran
    assert did(ran) == {"promote-staging"}
    (proposed,) = ci.github.snapshot()["pulls"]
    ci.git("fetch", "--quiet", "origin")
    changed = ci.git("diff", "--name-only", "origin/main", f"origin/{proposed['head']['ref']}").splitlines()
    assert "environments/staging.lock.yaml" in changed

    # A rollback has nowhere to go after one release: it fails, and the answer says so.
    id, ran = talk.says("ada", "/mlopsctl rollback dev", 41)
    assert not ran.ok, ran
    assert did(ran) == {"rollback-dev"}
    assert talk.signs(id) == ["eyes", "confused"]
    assert "✗ `/mlopsctl rollback dev`: failed" in talk.answers[-1]
    assert len(talk.answers) == 4

    # After another release it has, and says who asked.
    commit = branch(ci, "deeper", "max_depth: 6", "max_depth: 8")
    ci.git("push", "--quiet", "origin", "HEAD:main")
    id, ran = talk.says("ada", "/mlopsctl apply dev", 41)
    assert ran.ok, ran
    assert f"with the merged code of `{commit[:12]}`" in talk.answers[-1]
    id, ran = talk.says("ada", "/mlopsctl rollback dev", 41)
    assert ran.ok, ran
    assert talk.signs(id) == ["eyes", "rocket"]
    assert "✓ `/mlopsctl rollback dev`: done" in talk.answers[-1]
    assert ci.called.count("rollback-dev: rollback -e dev --reason asked for by ada in 41") == 2
    told = ci.github.snapshot()["deployment_statuses"][-1]["description"]
    assert told.endswith("asked for by ada in 41"), told


def test_whoever_may_not_write_gets_a_sign_and_nothing_is_done(talk: Talk) -> None:
    before = len(talk.answers)
    for login in ("reader", "gone", "unheard-of"):
        id, ran = talk.says(login, "/mlopsctl apply dev", 42)
        assert ran.ok, ran
        assert set(ran.steps) == {"read"}
        assert talk.signs(id) == ["-1"]
    assert len(talk.answers) == before


def test_other_comments_and_those_of_programs_start_no_job(talk: Talk) -> None:
    before = len(talk.ci.called)
    for login, body, kind in (
        ("ada", "looks good, /mlopsctl apply dev", "User"),
        ("ada[bot]", "/mlopsctl apply dev", "Bot"),
    ):
        id, ran = talk.says(login, body, 43, kind=kind)
        assert ran.ok, ran
        assert ran.steps == {}
        assert talk.signs(id) == []
    assert len(talk.ci.called) == before


def test_a_comment_full_of_shell_is_only_text(talk: Talk) -> None:
    before = len(talk.ci.called)
    id, ran = talk.says("ada", STRANGE, 44)
    assert ran.ok, ran
    assert set(ran.steps) == {"read"}
    assert talk.signs(id) == ["confused"]
    assert not list(talk.ci.folder.rglob("owned"))
    assert talk.ci.called[before:] == ["read: ci command"]
    assert "Not done: a command is one line" in talk.answers[-1]
    assert "touch" not in talk.answers[-1]


def test_under_the_open_pull_request_of_a_fork_nothing_is_done(talk: Talk) -> None:
    ci = talk.ci
    commit = branch(ci, "evil", "min: 0.8}", "min: 0.1}")
    number = ci.github.repository.open_pull("evil", commit, fork="stranger/models")
    id, ran = talk.says("ada", "/mlopsctl apply dev", number, pull=True)
    assert ran.ok, ran
    assert set(ran.steps) == {"read"}
    assert talk.signs(id) == ["confused"]
    assert "under the pull request of a fork" in talk.answers[-1]

    # Under one of the repository's own it runs, and what runs is what was merged, not the pull request.
    number = ci.github.repository.open_pull("evil", commit)
    id, ran = talk.says("ada", "/mlopsctl plan dev", number, pull=True)
    assert ran.ok, ran
    assert did(ran) == {"plan-dev"}
    main = ci.git("rev-parse", "origin/main")
    assert main != commit
    assert f"with the merged code of `{main[:12]}`" in talk.answers[-1]


def test_a_forge_that_does_not_say_who_may_write_lets_nobody_through(talk: Talk) -> None:
    talk.ci.github.faults.add("repos/get-collaborator-permission-level", status=403, message="Forbidden", times=9)
    try:
        id, ran = talk.says("ada", "/mlopsctl apply dev", 45)
    finally:
        talk.ci.github.faults.waiting.clear()
    assert not ran.ok, ran
    assert set(ran.steps) == {"read"}
    assert talk.signs(id) == []
