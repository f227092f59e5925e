"""Events as GitHub hands them to a workflow's job: what a test says, in the full form of GitHub's own description."""

from __future__ import annotations

from typing import Any

from tests.doubles import github_models as models

RUN = models.model(1040, "WebhookWorkflowRunCompleted")
COMMENT = models.model(712, "WebhookIssueCommentCreated")


def run_completed(
    id: int,
    sha: str,
    branch: str,
    *,
    repository: str,
    fork: str,
    conclusion: str = "success",
    event: str = "pull_request",
) -> dict[str, Any]:
    """The run of a workflow ended; for a fork GitHub names no pull request."""
    owner, _, name = fork.partition("/")
    page = f"https://github.example/{repository}/actions/runs/{id}"
    run = {
        "id": id, "name": "a workflow", "run_attempt": 1, "event": event, "status": "completed",
        "conclusion": conclusion, "head_sha": sha, "head_branch": branch, "html_url": page, "pull_requests": [],
        "head_repository": {"full_name": fork, "name": name, "fork": fork != repository, "owner": _user(owner)},
        "repository": {"full_name": repository, "name": repository.partition("/")[2]},
    }  # fmt: skip
    return models.answer(RUN, {"action": "completed", "workflow_run": run, **_about(repository)})


def comment_created(
    id: int, number: int, body: str, *, login: str, repository: str, pull: bool, association: str = "NONE",
    kind: str = "User",
) -> dict[str, Any]:  # fmt: skip
    """Somebody wrote a comment under an issue, or under a pull request."""
    written = {"id": id, "body": body, "author_association": association, "user": {**_user(login), "type": kind}}
    link = f"https://api.github.example/repos/{repository}/pulls/{number}"
    under = {"pull_request": {"url": link, "html_url": link, "diff_url": link, "patch_url": link}} if pull else {}
    issue = {"number": number, "title": "$(touch owned)", **under}
    return models.answer(COMMENT, {"action": "created", "comment": written, "issue": issue, **_about(repository)})


def _user(login: str) -> dict[str, Any]:
    return {"login": login, "id": 1}


def _about(repository: str) -> dict[str, Any]:
    owner, _, name = repository.partition("/")
    about = {"full_name": repository, "name": name, "default_branch": "main", "owner": _user(owner)}
    return {"repository": about, "sender": _user("somebody")}
