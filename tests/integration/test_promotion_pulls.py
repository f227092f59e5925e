"""Promotion, rollback and deployments told to a strict GitHub: real runs, a real server, a real remote of git."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.doubles.github import GitHubDouble, serving_github
from tests.integration.cli import Done, processes_of
from tests.integration.promotion_project import BACK, BRANCH, Project, a_project
from tests.integration.test_flowers import edit

HOSTILE = "feat/$(touch${IFS}pwned);`touch${IFS}pwned`|&\"'"
FAULTS: dict[str, dict[str, object]] = {
    "429": {"status": 429, "headers": {"Retry-After": "1"}},
    "secondary limit": {
        "status": 403, "message": "You have exceeded a secondary rate limit.", "headers": {"Retry-After": "1"}
    },
    "500": {"status": 500},
    "reset": {"kind": "reset"},
    "lost": {"kind": "lost"},
}  # fmt: skip

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    found = a_project(tmp_path_factory.mktemp("promotion"))
    yield found
    found.call("destroy", "-e", "staging", "--yes")
    assert processes_of(found.folder) == []


@pytest.fixture
def github() -> Iterator[GitHubDouble]:
    with serving_github() as double:
        yield double


@pytest.fixture
def fresh(project: Project) -> Iterator[Project]:
    """On main with nothing changed and nothing proposed, before and after."""
    yield project
    project.git("checkout", "-q", "--force", "main")
    for branch in (BRANCH, BACK):
        if project.git("ls-remote", "origin", f"refs/heads/{branch}"):
            project.git("push", "-q", "origin", f":refs/heads/{branch}")


def the_pull(github: GitHubDouble, branch: str = BRANCH) -> dict[str, Any]:
    """The one open pull request of the branch."""
    (found,) = [one for one in github.repository.pulls if one["head"]["ref"] == branch and one["state"] == "open"]
    return found


def is_right(project: Project, github: GitHubDouble, base: str = "main") -> None:
    """The pull request of the first promotion, word by word, and what stands on its branch."""
    pull, run, model = the_pull(github), project.run, project.first
    assert (pull["title"], pull["base"]["ref"]) == ("Promote flowers v1 from dev to staging", base)
    lock = yaml.safe_load(project.proposed(BRANCH, "staging.lock.yaml"))
    evidence = project.proposed(BRANCH, "staging.evidence.json")
    assert lock["model"] == {"name": "flowers", "version": "1", "digest": model}
    assert lock["evidence"] == "sha256:" + hashlib.sha256(evidence).hexdigest()
    proof = json.loads(base64.b64decode(json.loads(evidence)["payload"]))["predicate"]
    assert (proof["run"], proof["plan"], proof["commit"]) == (run["id"], run["plan"], run["commit"])
    rows = [line for line in pull["body"].splitlines() if line.startswith("|")]
    assert f"| model | `{model}` |" in rows
    assert f"| plan | `{run['plan']}` |" in rows
    # A whole commit outside of a code span is a link on GitHub.
    assert f"| commit | {run['commit']} |" in rows
    assert f"| gates | `{proof['policy']}` |" in rows
    assert f"| evaluation | `{proof['evaluation']}` |" in rows
    (floor,) = [row for row in rows if row.startswith("| floor | pass | accuracy ")]
    assert "0.4" in floor
    assert any(row.startswith("| not-worse | does not decide | ") for row in rows)
    assert f"Run `{run['id']}`, release 1 of dev." in pull["body"]
    assert project.git("status", "--porcelain") == ""


def test_a_promotion_is_one_pull_request_with_its_evidence(fresh: Project, github: GitHubDouble) -> None:
    done = fresh.done("promote", "dev", "staging", "--pr", github=github)
    assert f"Pull request: {the_pull(github)['html_url']}" in done.out
    is_right(fresh, github)
    first = fresh.git("ls-remote", "origin", f"refs/heads/{BRANCH}")
    calls = len(github.journal)
    fresh.done("promote", "dev", "staging", "--pr", github=github)
    is_right(fresh, github)
    assert fresh.git("ls-remote", "origin", f"refs/heads/{BRANCH}") == first
    assert {operation for operation, _ in github.journal[calls:]} <= {"users/get-authenticated", "pulls/list"}
    # A workflow says which of its runs it was.
    where = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "7", "GITHUB_ACTIONS": "true"}
    told = fresh.done("promote", "dev", "staging", "--pr", "-o", "json", github=github, **where).json
    assert told["pull_request"] == the_pull(github)["html_url"]
    assert "(https://github.com/acme/models/actions/runs/7)" in the_pull(github)["body"]
    is_right(fresh, github)


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_once_at_every_call_there_is_one_pull_request(
    fresh: Project, github: GitHubDouble, fault: str
) -> None:
    calls = ("users/get-authenticated", "pulls/list", "pulls/create")
    for call in calls:
        github.faults.add(call, **FAULTS[fault])
    fresh.done("promote", "dev", "staging", "--pr", github=github)
    assert sorted(github.faults.struck) == sorted(calls)
    is_right(fresh, github)
    # What somebody else wrote into it meanwhile is put right, also when that goes wrong first.
    the_pull(github)["body"] = "nothing to see"
    github.faults.add("pulls/update", **FAULTS[fault])
    fresh.done("promote", "dev", "staging", "--pr", github=github)
    assert github.faults.struck[-1] == "pulls/update"
    is_right(fresh, github)
    assert len(github.repository.pulls) == 1


@pytest.mark.parametrize("call", ["pulls/list", "pulls/create"])
def test_a_forge_that_stays_broken_is_told_and_the_same_command_mends_it(
    fresh: Project, github: GitHubDouble, call: str
) -> None:
    github.faults.add(call, status=502, times=100)
    done = fresh.call("promote", "dev", "staging", "--pr", github=github)
    assert done.code == 1, done
    assert "GitHub could not be asked" in done.err
    assert "run the same command again later" in done.err
    assert "Pull request:" not in done.out
    assert github.repository.pulls == []
    github.faults.waiting.clear()
    fresh.done("promote", "dev", "staging", "--pr", github=github)
    is_right(fresh, github)


def test_a_longer_wait_and_missing_rights_are_told_and_propose_nothing(fresh: Project, github: GitHubDouble) -> None:
    github.faults.limited("pulls/create", retry_after="3600")
    done = fresh.call("promote", "dev", "staging", "--pr", github=github)
    assert done.code == 1, done
    assert "asks to wait 3600 s" in done.err
    done = fresh.call("promote", "dev", "staging", "--pr", github=github, GITHUB_TOKEN="read-only")
    assert done.code == 1, done
    assert "the token may not" in done.err
    done = fresh.call("promote", "dev", "staging", "--pr")
    assert done.code == 64, done
    assert "GITHUB_REPOSITORY" in done.err
    assert github.repository.pulls == []


def test_a_branch_full_of_shell_is_only_a_name(fresh: Project, github: GitHubDouble) -> None:
    fresh.git("checkout", "-q", "-b", HOSTILE)
    try:
        fresh.git("push", "-q", "origin", "HEAD")
        for _ in range(2):
            fresh.done("promote", "dev", "staging", "--pr", github=github)
        is_right(fresh, github, base=HOSTILE)
        assert len(github.repository.pulls) == 1
        assert list(fresh.folder.parent.rglob("pwned")) == []
    finally:
        fresh.git("checkout", "-q", "main")
        fresh.git("branch", "-q", "-D", HOSTILE)


def test_by_hand_after_three_clean_runs(fresh: Project) -> None:
    def refused(clean: int) -> None:
        done = fresh.call("promote", "lab", "prod")
        assert done.code == 3, done
        assert f"{clean} of the last runs in lab were clean" in done.err
        assert not (fresh.folder / "environments" / "prod.lock.yaml").exists()

    assert "nothing is released in lab" in fresh.call("promote", "lab", "prod").err
    fresh.done("apply", "-e", "lab")
    refused(1)
    fresh.done("run", "-e", "lab")
    refused(2)
    # A run that a gate refuses and one that fails end the row, whatever pipeline they are of.
    edit(fresh.folder, "min: 0.4", "min: 0.999")
    assert fresh.call("run", "-e", "lab").code == 3
    edit(fresh.folder, "min: 0.999", "min: 0.4")
    refused(0)
    fresh.done("run", "-e", "lab")
    edit(fresh.folder, "max_depth: 6", "max_depth: none")
    assert fresh.call("run", "-e", "lab").code == 1
    edit(fresh.folder, "max_depth: none", "max_depth: 6")
    refused(0)
    for clean in (1, 2):
        fresh.done("run", "-e", "lab")
        refused(clean)
    # A part of the pipeline is judged by no gate, and another pipeline proves nothing of this one.
    fresh.done("run", "-e", "lab", "--until", "statistics-flowers")
    edit(fresh.folder, "max_depth: 6", "max_depth: 2")
    fresh.done("run", "-e", "lab")
    edit(fresh.folder, "max_depth: 2", "max_depth: 6")
    refused(2)
    fresh.done("run", "-e", "lab")
    fresh.done("promote", "lab", "prod")
    assert (fresh.folder / "environments" / "prod.lock.yaml").exists()
    fresh.git("clean", "-q", "-f", "-d", "environments")


def test_an_approval_is_for_what_was_seen_and_for_once(fresh: Project) -> None:
    def stale(*moved: str) -> None:
        done = fresh.call("apply", "-e", "guarded")
        assert done.code == 7, done
        assert "the approval by ada is stale" in done.err
        (said,) = [line for line in done.err.splitlines() if "these moved" in line]
        for what in ("the commit", "the gates", "the pipeline", "the lock", "the data"):
            assert (what in said) == (what in moved), (what, said)

    def approved() -> None:
        assert "Approved by ada" in fresh.done("approve", "-e", "guarded", "--by", "ada").out

    fresh.done("promote", "dev", "guarded")
    fresh.commit("Promote to guarded")
    assert "asks for an approval" in fresh.call("apply", "-e", "guarded").err
    approved()
    # The same files in another commit, as after a force-push.
    fresh.git("commit", "-q", "--amend", "--allow-empty", "-m", "The same, but pushed by force")
    stale("the commit")
    approved()
    edit(fresh.folder, "min: 0.4", "min: 0.3")
    stale("the gates", "the pipeline")
    edit(fresh.folder, "min: 0.3", "min: 0.4")
    rows = fresh.folder / "flowers.csv"
    good = rows.read_bytes()
    rows.write_bytes(good + b"1.5,0.5,r,k0\n")
    stale("the data")
    rows.write_bytes(good)
    # Nothing moved any more: what was approved is what is there.
    fresh.done("apply", "-e", "guarded")
    fresh.done("destroy", "-e", "guarded", "--yes")
    done = fresh.call("apply", "-e", "guarded")
    assert done.code == 7, done
    assert "guarded asks for an approval" in done.err
    fresh.git("push", "-q", "--force", "origin", "main")


def test_a_job_approves_only_as_those_who_let_it_begin(fresh: Project, github: GitHubDouble) -> None:
    def approve(*more: str, run: str = "7") -> Done:
        return fresh.call("approve", "-e", "guarded", "--reviewed", *more, github=github, GITHUB_RUN_ID=run)

    fresh.done("promote", "dev", "guarded")
    fresh.commit("Promote to guarded")
    done = approve(run="")
    assert done.code == 64, done
    assert "--reviewed is for a job of a workflow" in done.err
    assert approve("--by", "ada").code == 64

    # Other runs, other environments and refusals are no review of this.
    github.repository.review(8, "guarded", "ada")
    github.repository.review(7, "staging", "ada")
    github.repository.review(7, "guarded", "eve", "rejected")
    done = approve()
    assert done.code == 7, done
    assert "nobody had to review this run before it began in guarded" in done.err
    assert "required reviewers" in done.err
    assert "asks for an approval" in fresh.call("apply", "-e", "guarded").err

    # Who approved just this by hand is heard; what moved since is not.
    fresh.done("approve", "-e", "guarded", "--by", "bob")
    assert "Approved by bob" in approve().out
    fresh.git("commit", "-q", "--allow-empty", "-m", "Something else")
    assert approve().code == 7

    for login in ("ada", "grace", "ada"):
        github.repository.review(7, "Guarded", login)
    github.faults.add("actions/get-reviews-for-run", status=500)
    assert "Approved by ada, grace" in approve().out
    fresh.done("apply", "-e", "guarded")
    assert "Nothing in guarded asks" in approve().out
    fresh.done("destroy", "-e", "guarded", "--yes")
    fresh.git("push", "-q", "--force", "origin", "main")


def test_the_way_up_and_back(fresh: Project, github: GitHubDouble) -> None:
    """A model goes up by a pull request and is served, another one after it, and the first one comes back."""
    first = _released(fresh, github, 1)
    url = fresh.status("staging")["server"]["url"]
    ((deployment, state),) = _deployments(fresh, github)
    assert deployment["environment"] == "flowers/staging"
    assert (state["state"], state["environment_url"]) == ("success", url)
    assert "Released flowers version 1 (release 1)" in state["description"]

    edit(fresh.folder, "max_depth: 6", "max_depth: 3")
    fresh.commit("Another depth")
    fresh.done("apply", "-e", "dev")
    second = _released(fresh, github, 2)
    assert first != second
    (older, newer) = _deployments(fresh, github)
    assert (older[1]["state"], newer[1]["state"]) == ("inactive", "success")

    _rolled_back(fresh, github, first)
    _hold_ends(fresh, github, first)
    _retired(fresh, github, first)


def _released(project: Project, github: GitHubDouble, version: int) -> str:
    """Promote, merge, apply, and tell of it; the model that is served then."""
    project.done("promote", "dev", "staging", "--pr", github=github)
    assert the_pull(github)["title"] == f"Promote flowers v{version} from dev to staging"
    project.merge(BRANCH, github)
    project.done("apply", "-e", "staging")
    found = project.status("staging")
    assert found["champion"]["model"] == project.status("dev")["champion"]["model"]
    assert (found["server"]["healthy"], found["server"]["model"]) == (True, found["champion"]["model"])
    return str(found["champion"]["model"])


def _deployments(project: Project, github: GitHubDouble) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Tell of the deployment twice; every deployment then, with its newest status. The second time adds nothing."""
    project.done("publish", "-e", "staging", "--deployment", github=github)
    statuses = len(github.repository.deployment_statuses)
    project.done("publish", "-e", "staging", "--deployment", github=github)
    assert len(github.repository.deployment_statuses) == statuses
    newest = {one["deployment"]: one for one in github.repository.deployment_statuses}
    return [(one, newest[one["id"]]) for one in github.repository.deployments]


def _rolled_back(project: Project, github: GitHubDouble, first: str) -> None:
    """Serving flips at once; git is told by a pull request that stands once, although the forge breaks first."""
    reason = "bad $(touch pwned) `touch pwned`\n| answers"
    lock = project.folder / "environments" / "staging.lock.yaml"
    github.faults.add("pulls/create", status=500, times=100)
    done = project.call("rollback", "-e", "staging", "--reason", reason, "--pr", github=github)
    assert done.code == 1, done
    assert "The rollback stands" in done.err
    assert "mlopsctl rollback -e staging --to 1 --pr" in done.err
    found = project.status("staging")
    assert (found["champion"]["model"], found["server"]["model"], found["server"]["healthy"]) == (first, first, True)
    held = yaml.safe_load(lock.read_text(encoding="utf-8"))
    assert held["hold"]["model"] == held["model"]["digest"] != first
    assert not [one for one in github.repository.pulls if one["head"]["ref"] == BACK]

    github.faults.waiting.clear()
    github.faults.add("pulls/create", kind="lost")
    for _ in range(2):
        project.done("rollback", "-e", "staging", "--to", "1", "--pr", github=github)
        pull = the_pull(github, BACK)
        assert pull["title"] == "Roll staging back to flowers v1"
        assert "\\`touch pwned\\`\\\\n\\| answers" in pull["body"]
        assert f"`{first}`" in pull["body"]
    assert len([one for one in github.repository.pulls if one["head"]["ref"] == BACK]) == 1
    back = yaml.safe_load(project.proposed(BACK, "staging.lock.yaml"))
    assert (back["model"]["digest"], "hold" in back) == (first, False)
    assert yaml.safe_load(lock.read_text(encoding="utf-8")) == held
    assert project.status("staging")["champion"]["number"] == 1
    assert list(project.folder.parent.rglob("pwned")) == []

    states = [state["state"] for _, state in _deployments(project, github)]
    assert states == ["inactive", "inactive", "success"]
    assert "Rolled back to flowers version 1 (release 1)" in github.repository.deployment_statuses[-1]["description"]


def _hold_ends(project: Project, github: GitHubDouble, first: str) -> None:
    """The hold stands whatever is pushed, until the lock of the pull request is merged."""
    project.git("checkout", "-q", "--", "environments")
    project.done("apply", "-e", "staging")
    assert project.status("staging")["hold"].startswith("bad ")
    project.merge(BACK, github)
    project.done("apply", "-e", "staging")
    found = project.status("staging")
    assert (found["champion"]["model"], found["hold"]) == (first, "")


def _retired(project: Project, github: GitHubDouble, first: str) -> None:
    """Nothing goes back to a release that was retired, and what is said then can be done."""
    project.done("retire", "-e", "staging", "--yes")
    done = project.call("rollback", "-e", "staging", "--to", "1")
    assert done.code == 1, done
    assert "nothing is released in staging" in done.err
    project.done("adopt", "models:/flowers/2", "-e", "staging", "--yes")
    done = project.call("rollback", "-e", "staging", "--to", "1", "--pr", github=github)
    assert done.code == 1, done
    assert "release 1 of staging was retired" in done.err
    assert "mlopsctl adopt models:/flowers/1 -e staging" in done.err
    assert project.status("staging")["champion"]["number"] == 3
    project.done("adopt", "models:/flowers/1", "-e", "staging", "--yes")
    found = project.status("staging")
    assert (found["champion"]["number"], found["champion"]["model"], found["server"]["model"]) == (4, first, first)
