"""A repository on GitHub: what the forge is asked, put together from check runs, talk and deployments."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.forges.calls import Calls
from mlopsctl.forges.contract import (
    Check,
    Comment,
    CommitStatus,
    Deployment,
    Issue,
    PostedCheck,
    PostedDeployment,
    PullRequest,
    Reaction,
)
from mlopsctl.forges.github_checks import CheckRuns
from mlopsctl.forges.github_deployments import Deployments
from mlopsctl.forges.github_identity import Identity
from mlopsctl.forges.github_runs import Runs
from mlopsctl.forges.github_talk import Talk


class GitHubForge:
    """One repository, through one client."""

    def __init__(self, calls: Calls, repository: str, identity: Identity) -> None:
        self.repository = repository
        self._calls = calls
        path = f"/repos/{repository}"
        self._checks = CheckRuns(calls, path, identity)
        self._talk = Talk(calls, path, identity)
        self._deployments = Deployments(calls, path, identity)
        self._runs = Runs(calls, path)

    def open_pull_request(self, title: str, body: str, head: str, base: str, key: str = "") -> PullRequest:
        return self._talk.open_pull_request(title, body, head, base, key)

    def refused_pull_request(self, head: str, base: str, key: str) -> PullRequest | None:
        return self._talk.refused_pull_request(head, base, key)

    def pull_request(self, number: int) -> PullRequest:
        return self._talk.pull_request(number)

    def pull_request_of(self, repository: str, branch: str, commit: str, base: str) -> PullRequest | None:
        return self._talk.pull_request_of(repository, branch, commit, base)

    def may_write(self, login: str) -> bool:
        return self._talk.may_write(login)

    def react(self, comment: int, reaction: Reaction) -> None:
        self._talk.react(comment, reaction)

    def artifact(self, run: int, name: str, commit: str, most: int) -> bytes | None:
        return self._runs.artifact(run, name, commit, most)

    def reviewers(self, run: int, environment: str) -> Sequence[str]:
        return self._runs.reviewers(run, environment)

    def open_issue(self, title: str, body: str, key: str) -> Issue:
        return self._talk.open_issue(title, body, key)

    def publish_check(self, check: Check) -> PostedCheck:
        return self._checks.publish(check)

    def checks(self, commit: str, name: str = "") -> Sequence[PostedCheck]:
        return self._checks.listed(commit, name)

    def set_status(self, status: CommitStatus) -> None:
        self._deployments.set_status(status)

    def sticky_comment(self, number: int, key: str, body: str) -> Comment:
        return self._talk.sticky_comment(number, key, body)

    def find_comment(self, number: int, key: str) -> Comment | None:
        return self._talk.find_comment(number, key)

    def deploy(self, deployment: Deployment) -> PostedDeployment:
        return self._deployments.deploy(deployment)

    def end_deployments(self, environment: str, description: str) -> int:
        return self._deployments.end(environment, description)

    def close(self) -> None:
        self._calls.client.close()
