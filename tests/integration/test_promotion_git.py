"""Proposing a lock: one commit on a branch of its own in a real repository, and a pull request asked of a forge."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from mlopsctl.delivery.promotion.proposal import NothingToPropose, Proposal, earlier_texts, propose
from mlopsctl.forges.contract import Forge, PullRequest
from mlopsctl.ground.errors import StepProblem, UsageProblem


@dataclass
class Requests:
    """A forge that keeps one pull request a branch."""

    opened: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def open_pull_request(self, title: str, body: str, head: str, base: str, key: str = "") -> PullRequest:
        self.opened[head] = (title, body, base)
        return PullRequest(len(self.opened), f"https://forge.test/{head}", head, base, "")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=ada", "-c", "user.email=ada@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project below the root of a checkout, with a remote."""
    folder = tmp_path / "work" / "projects" / "flowers"
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "origin.git")], check=True)
    git(folder.parents[1], "init", "-q", "-b", "main")
    (folder / "mlops.yaml").write_text("version: 1\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(folder, "push", "-q", "-u", "origin", "main")
    return folder


def proposal(folder: Path, content: bytes = b"lock\n") -> Proposal:
    files = {folder / "environments" / "prod.lock.yaml": content}
    return Proposal("mlopsctl/promote-flowers-prod", "Promote $(touch x) `y`", "because", files)


def test_a_proposal_is_one_commit_that_leaves_the_working_tree_alone(repository: Path) -> None:
    forge = Requests()
    (repository / "draft.txt").write_text("mine")
    found = propose(repository, proposal(repository), cast(Forge, forge))
    assert found.url.endswith("promote-flowers-prod")
    assert forge.opened == {"mlopsctl/promote-flowers-prod": ("Promote $(touch x) `y`", "because", "main")}
    assert git(repository, "status", "--porcelain") == "?? projects/flowers/draft.txt"
    git(repository, "fetch", "-q", "origin")
    head = "origin/mlopsctl/promote-flowers-prod"
    assert git(repository, "diff", "--name-only", "main", head) == "projects/flowers/environments/prod.lock.yaml"
    assert git(repository, "rev-list", "--count", f"main..{head}") == "1"
    assert git(repository, "log", "-1", "--format=%s", head) == "Promote $(touch x) `y`"


def test_the_same_proposal_again_is_the_same_commit_and_another_takes_its_place(repository: Path) -> None:
    forge = cast(Forge, Requests())

    def standing() -> Any:
        return git(repository, "ls-remote", "origin", "refs/heads/mlopsctl/promote-flowers-prod")

    propose(repository, proposal(repository), forge)
    git(repository, "fetch", "-q", "origin")
    first = standing()
    propose(repository, proposal(repository), forge)
    assert standing() == first
    propose(repository, proposal(repository, b"another\n"), forge)
    assert standing() != first


def test_what_the_base_says_already_is_not_proposed(repository: Path) -> None:
    forge = Requests()
    propose(repository, proposal(repository), cast(Forge, forge))
    git(repository, "fetch", "-q", "origin")
    git(repository, "merge", "-q", "origin/mlopsctl/promote-flowers-prod")
    git(repository, "push", "-q", "origin", "main")
    forge.opened.clear()
    with pytest.raises(NothingToPropose, match="main has these files"):
        propose(repository, proposal(repository), cast(Forge, forge))
    assert forge.opened == {}


def test_without_a_remote_or_a_branch_nothing_is_proposed(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    with pytest.raises(UsageProblem, match="not on a branch"):
        propose(repository, proposal(repository), cast(Forge, Requests()))
    git(repository, "checkout", "-q", "main")
    git(repository, "remote", "remove", "origin")
    with pytest.raises(UsageProblem, match="remote"):
        propose(repository, proposal(repository), cast(Forge, Requests()))


def test_a_push_that_is_refused_is_told(repository: Path, tmp_path: Path) -> None:
    git(repository, "remote", "set-url", "origin", str(tmp_path / "gone.git"))
    forge = Requests()
    with pytest.raises(StepProblem, match="git push refused"):
        propose(repository, proposal(repository), cast(Forge, forge))
    assert forge.opened == {}


def test_earlier_contents_come_newest_first(repository: Path) -> None:
    folder = repository / "environments"
    folder.mkdir()
    lock, proof = folder / "prod.lock.yaml", folder / "prod.evidence.json"
    for number in range(3):
        lock.write_text(f"lock {number}\n")
        proof.write_text(f"proof {number}\n")
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", f"promote {number}")
    found = list(earlier_texts(repository, lock, proof))
    assert found == [(f"lock {n}\n".encode(), f"proof {n}\n".encode()) for n in (2, 1, 0)]
