"""What happened on GitHub, read from the file that a workflow's job has of it (``GITHUB_EVENT_PATH``)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import UsageProblem

_MOST_BYTES = 32 << 20
_COMMIT = re.compile(r"[0-9a-f]{40,64}\Z")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9._-]{1,100}\Z")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z")


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A workflow run of a pull request that ended.

    Attributes:
        repository: where its commit comes from, as ``owner/name``; ``branch`` the branch there.
        base: the default branch of the repository that is asked to take it.
        page: where the run is shown.
    """

    id: int
    commit: str
    repository: str
    branch: str
    base: str
    succeeded: bool
    page: str


@dataclass(frozen=True, slots=True)
class WrittenComment:
    """A comment that somebody wrote under an issue, or a pull request where ``is_pull_request``."""

    id: int
    number: int
    login: str
    body: str
    is_pull_request: bool


def finished_run(environ: Mapping[str, str] | None = None) -> FinishedRun:
    """The run that this job was started by.

    Raises:
        UsageProblem: when it was started by anything else, or by a run of this repository's own code.
    """
    event = _event(os.environ if environ is None else environ)
    run, repository = _part(event, "workflow_run"), _part(event, "repository")
    head = _part(run, "head_repository")
    if run.get("event") != "pull_request" or event.get("action") != "completed":
        raise _not_this("a run of a pull request that ended (`workflow_run`)")
    found = FinishedRun(
        id=_number(run, "id"),
        commit=_matching(_COMMIT, run.get("head_sha"), "a commit"),
        repository=_matching(_REPOSITORY, head.get("full_name"), "the repository of a fork"),
        branch=str(run.get("head_branch") or ""),
        base=str(repository.get("default_branch") or ""),
        succeeded=run.get("conclusion") == "success",
        page=str(run.get("html_url") or ""),
    )
    if found.repository.lower() == str(repository.get("full_name") or "").lower():
        raise UsageProblem.because(
            "own-run", "the run is of this repository's own branch, which reports with `mlopsctl publish`"
        )
    return found


def written_comment(environ: Mapping[str, str] | None = None) -> WrittenComment | None:
    """The comment that this job was started by; nothing where a program wrote it.

    Raises:
        UsageProblem: when the job was started by anything else.
    """
    event = _event(os.environ if environ is None else environ)
    comment, issue = _part(event, "comment"), _part(event, "issue")
    author = _part(comment, "user")
    if event.get("action") != "created" or not comment or not issue:
        raise _not_this("a comment that was written (`issue_comment`)")
    if author.get("type") != "User":
        return None
    return WrittenComment(
        id=_number(comment, "id"),
        number=_number(issue, "number"),
        login=_matching(_LOGIN, author.get("login"), "the name of a user"),
        body=str(comment.get("body") or ""),
        is_pull_request=issue.get("pull_request") is not None,
    )


def _event(environ: Mapping[str, str]) -> Mapping[str, Json]:
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        hint = "this command is for a job of GitHub Actions; `mlopsctl ci init` writes its workflow"
        raise UsageProblem.because("no-event", "GITHUB_EVENT_PATH names no event", hint=hint)
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        read = json.loads(content) if len(content) <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageProblem.because("no-event", f"the event in {path} cannot be read") from error
    return read if isinstance(read, Mapping) else {}


def _part(event: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = event.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(event: Mapping[str, Json], name: str) -> int:
    found = event.get(name)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise _not_this(f"something with a {name}")
    return found


def _matching(pattern: re.Pattern[str], value: Json, what: str) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        raise _not_this(f"something that names {what}")
    return value


def _not_this(wanted: str) -> UsageProblem:
    return UsageProblem.because("another-event", f"this job was not started by {wanted}")
