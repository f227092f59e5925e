"""``publish`` end to end: a project in git, its run, and a strict GitHub that keeps what it was told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.github import GitHubDouble, serving_github
from tests.integration.cli import environment
from tests.integration.examples import CHECKOUT, copied

# The project runs four times before the first test.
pytestmark = pytest.mark.timeout(1200)

PREFIX = "mlopsctl / penguins / default"
LOST_GATE = "    - {name: beats-trivial, kind: change, metric: accuracy, against: trivial, min: 0.3}\n"


@dataclass(frozen=True)
class Project:
    """The penguins in a repository, with a commit for each story, all but one run."""

    folder: Path
    good: str
    weaker: str
    refused: str
    removed: str
    not_run: str

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=alice", "-c", "user.email=alice@example.org"]
        done = subprocess.run(
            ["git", "-C", str(self.folder), *who, *arguments], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()


def mlopsctl(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command line, in an environment that names no forge but the one given."""
    known = {key: value for key, value in environment().items() if not key.startswith(("GITHUB_", "GH_"))}
    return subprocess.run(
        [sys.executable, "-m", "mlopsctl", "-C", str(folder), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False, env={**known, **variables},
    )  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("repository")
    folder = root / "models" / "penguins"
    copied(CHECKOUT / "examples/penguins", folder)
    (root / ".gitignore").write_text(".mlops\n__pycache__\n", encoding="utf-8")
    found = Project(folder, "", "", "", "", "")
    file = folder / "mlops.yaml"
    first = file.read_text("utf-8")
    found.git("init", "-q", "-b", "main", str(root))
    commits = {}
    stories = {
        "good": first,
        "weaker": first.replace("name: floor, kind: threshold, metric: accuracy, min: 0.9", "name: floor, kind: "
                                "threshold, metric: accuracy, min: 0.5"),
        "refused": first.replace("against: trivial, min: 0.3", "against: trivial, min: 0.95"),
        "removed": first.replace(LOST_GATE, ""),
        "not_run": first.replace("min: 300", "min: 301"),
    }  # fmt: skip
    for story, text in stories.items():
        assert story == "good" or text != first
        file.write_text(text, encoding="utf-8")
        found.git("add", "-A", str(root))
        found.git("commit", "-q", "-m", story)
        commits[story] = found.git("rev-parse", "HEAD")
        if story != "not_run":
            done = mlopsctl(folder, "run", "-o", "json")
            assert done.returncode == (3 if story == "refused" else 0), done.stderr
    return Project(folder, **commits)


@pytest.fixture
def github() -> Iterator[GitHubDouble]:
    with serving_github() as double:
        yield double


def publish(
    project: Project, commit: str, *arguments: str, github: GitHubDouble | None = None, token: str = "workflow-token",
    **variables: str,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    project.git("checkout", "-q", "--force", commit)
    if github is not None:
        variables = {
            "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": github.repository.name,
            "GITHUB_TOKEN": token,
            "GITHUB_ACTIONS": "true",
            **variables,
        }
    return mlopsctl(project.folder, "publish", "--no-plan", *arguments, **variables)


def conclusions(github: GitHubDouble) -> dict[str, str]:
    names = [run["name"] for run in github.repository.checks]
    assert len(names) == len(set(names)), names
    return {
        run["name"].removeprefix(PREFIX).removeprefix(" / ") or "all": run["conclusion"]
        for run in github.repository.checks
    }


def test_every_gate_and_check_stands_once_and_green(project: Project, github: GitHubDouble, tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text(
        '<testsuites><testsuite><testcase classname="a" name="b"/></testsuite></testsuites>', encoding="utf-8"
    )
    (tmp_path / "level.json").write_text(json.dumps({"level": 1, "declared": 1}), encoding="utf-8")
    number = github.repository.open_pull("$(touch${IFS}x);`id`", project.good, title='a";curl|sh;"`id`')
    for _ in range(2):
        done = publish(
            project, project.good, "--commit", project.good, "--pull-request", str(number), "--base", project.good,
            "--tests", str(tmp_path / "tests.xml"), "--level", str(tmp_path / "level.json"), github=github,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert conclusions(github) == {
        "floor": "success", "every-island": "success", "beats-trivial": "success", "not-worse": "success",
        "penguins.enough-rows": "success", "policy": "success", "tests": "success", "level": "success",
        "all": "success",
    }  # fmt: skip
    assert {run["head_sha"] for run in github.repository.checks} == {project.good}
    floor = github.repository.checks[0]
    assert floor["output"]["title"].startswith("accuracy is ")
    assert "at least 0.9 is needed" in floor["output"]["title"]
    (comment,) = github.repository.comments
    assert "`accuracy`" in comment["body"]
    assert "8 of 8 checks pass" in comment["body"]


def test_a_weakened_gate_never_turns_green(project: Project, github: GitHubDouble) -> None:
    done = publish(project, project.weaker, "--base", project.good, github=github)
    assert done.returncode == 4, done.stdout + done.stderr
    found = conclusions(github)
    assert (found["policy"], found["all"], found["floor"]) == ("action_required", "action_required", "success")
    policy = next(run for run in github.repository.checks if run["name"].endswith("policy"))
    (remark,) = github.repository.annotations[policy["id"]]
    line = (project.folder / "mlops.yaml").read_text("utf-8").splitlines()[remark["start_line"] - 1]
    assert remark["path"] == "models/penguins/mlops.yaml"
    assert "name: floor" in line


@pytest.mark.parametrize("story", ["refused", "removed"])
def test_a_gate_that_the_base_branch_has_is_judged_whatever_this_commit_says(
    project: Project, github: GitHubDouble, story: str
) -> None:
    commit = project.refused if story == "refused" else project.removed
    done = publish(project, commit, "--base", project.refused, github=github)
    assert done.returncode == 3, done.stdout + done.stderr
    found = conclusions(github)
    assert (found["beats-trivial"], found["all"]) == ("failure", "failure")
    assert found["policy"] == ("success" if story == "refused" else "action_required")


def test_a_commit_that_was_not_run_proves_nothing(project: Project, github: GitHubDouble) -> None:
    done = publish(project, project.not_run, "--base", project.good, github=github)
    assert done.returncode == 4, done.stdout + done.stderr
    found = conclusions(github)
    assert {found["floor"], found["penguins.enough-rows"], found["all"]} == {"action_required"}


def test_checks_are_for_the_commit_that_is_checked_out_and_no_other(project: Project, github: GitHubDouble) -> None:
    done = publish(project, project.good, "--commit", project.weaker, github=github)
    assert (done.returncode, github.repository.checks) == (64, [])
    assert "the checkout is of" in done.stderr


def test_missing_reports_and_an_unknown_base_prove_nothing(
    project: Project, github: GitHubDouble, tmp_path: Path
) -> None:
    bomb = tmp_path / "tests.xml"
    bomb.write_text('<!DOCTYPE a [<!ENTITY b "c">]><testsuite><testcase name="&b;"/></testsuite>', encoding="utf-8")
    done = publish(
        project, project.good, "--base", "$(id)", "--tests", str(bomb), "--level", str(tmp_path / "none.json"),
        github=github,
    )  # fmt: skip
    assert done.returncode == 4, done.stdout + done.stderr
    found = conclusions(github)
    assert {found["policy"], found["tests"], found["level"], found["all"]} == {"action_required"}


@pytest.mark.parametrize("call", ["checks/create", "pulls/get", "issues/list-comments", "issues/create-comment"])
def test_a_push_meanwhile_moves_no_verdict(project: Project, github: GitHubDouble, call: str) -> None:
    number = github.repository.open_pull("feature", project.good)

    def push(operation: str) -> None:
        if operation == call:
            github.repository.push(number, "c" * 40)

    github.before = push
    done = publish(project, project.good, "--pull-request", str(number), "--base", project.good, github=github)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {run["head_sha"] for run in github.repository.checks} == {project.good}
    if call in ("checks/create", "pulls/get"):
        assert github.repository.comments == []
        assert "superseded" in done.stderr
    else:
        assert len(github.repository.comments) == 1


def test_what_could_not_be_published_is_told_and_the_whole_is_not_green(project: Project, github: GitHubDouble) -> None:
    github.faults.add("checks/create", status=502, times=5)
    done = publish(project, project.good, "--base", project.good, github=github)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{PREFIX} / floor was not published" in done.stderr
    found = conclusions(github)
    assert found["all"] == "action_required"
    assert "floor" not in found


def test_a_reply_lost_at_every_call_leaves_each_check_once(project: Project, github: GitHubDouble) -> None:
    for _ in range(2):
        github.faults.add("checks/create", kind="lost")
        github.faults.limited("checks/list-for-ref", retry_after="1")
    done = publish(project, project.good, "--base", project.good, github=github)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(conclusions(github).values()) == {"success"}


def test_without_the_right_to_write_checks_there_are_statuses(project: Project, github: GitHubDouble) -> None:
    github.may = frozenset({"statuses"})
    done = publish(project, project.weaker, "--base", project.good, github=github)
    assert done.returncode == 4, done.stdout + done.stderr
    states = {one["context"]: one["state"] for one in github.repository.statuses}
    assert (states[PREFIX], states[f"{PREFIX} / floor"]) == ("error", "success")
    assert "commit statuses" in done.stderr


@pytest.mark.parametrize("token", ["read-only", ""])
def test_a_fork_reports_on_the_page_of_its_run(
    project: Project, github: GitHubDouble, tmp_path: Path, token: str
) -> None:
    page = tmp_path / "summary.md"
    done = publish(
        project, project.weaker, "--base", project.good, github=github, token=token, GITHUB_STEP_SUMMARY=str(page)
    )
    assert done.returncode == 4, done.stdout + done.stderr
    assert "1 gate is weaker" in page.read_text("utf-8")
    assert "::warning file=models/penguins/mlops.yaml,line=" in done.stdout
    assert github.repository.checks == github.repository.statuses == []


def test_elsewhere_it_is_printed(project: Project) -> None:
    done = publish(project, project.good, "--base", project.good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("## ✓ `penguins` in `default` passes")


def test_the_double_stands_alone(tmp_path: Path) -> None:
    import urllib.request

    command = [sys.executable, "-m", "tests.doubles.github", "--port", "0", "--state", str(tmp_path / "state")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env={**os.environ}) as server:
        try:
            assert server.stdout is not None
            told: dict[str, Any] = json.loads(server.stdout.readline())
            body = json.dumps({"head": "feature", "sha": "a" * 40}).encode()
            with urllib.request.urlopen(told["url"] + "/_double/pulls", data=body, timeout=60) as answer:
                number = json.load(answer)["number"]
            asked = urllib.request.Request(
                f"{told['url']}/repos/acme/models/pulls/{number}", headers={"Authorization": "Bearer t"}
            )
            with urllib.request.urlopen(asked, timeout=60) as answer:
                assert json.load(answer)["head"]["sha"] == "a" * 40
            state = json.loads((tmp_path / "state" / "state.json").read_text("utf-8"))
            assert [one["number"] for one in state["pulls"]] == [number]
        finally:
            server.terminate()
            server.wait(60)
