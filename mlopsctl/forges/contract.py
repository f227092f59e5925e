"""What a forge is asked to do, as values; :mod:`mlopsctl.forges.opening` gives the forge of this repository.

Everything can be asked twice: a branch has one pull request, a key one issue, a commit one check run of a name, a
pull request one comment of a key. Nothing of that name which somebody else made is ever taken for ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mlopsctl.ground.errors import StepProblem

MOST_TEXT = 65_535
"""How many characters GitHub takes in a summary, a text or a comment."""

MOST_ANNOTATIONS = 50
"""How many annotations GitHub takes in one call."""


class ForgeProblem(StepProblem):
    """The forge refused, or did not answer (exit 1)."""


class NoRights(ForgeProblem):
    """The token may not do this; whoever asked can fall back to something that needs fewer rights."""


class TooLarge(ForgeProblem):
    """What was asked for has more bytes than whoever asked takes."""


class Conclusion(StrEnum):
    """How a check ended. There is no neutral and no skipped: a forge counts both as passing."""

    SUCCESS = "success"
    FAILURE = "failure"
    ACTION_REQUIRED = "action_required"


class AnnotationLevel(StrEnum):
    """How much a remark beside a line matters."""

    FAILURE = "failure"
    WARNING = "warning"
    NOTICE = "notice"


class Reaction(StrEnum):
    """A sign beside a comment, before there are words."""

    SEEN = "eyes"
    DONE = "rocket"
    PUZZLED = "confused"
    REFUSED = "-1"


class DeploymentState(StrEnum):
    """What became of a deployment; ``INACTIVE`` is one that a rollback or a newer one replaced."""

    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILURE = "failure"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark beside lines of a file; ``path`` counts from the repository's root, lines from 1."""

    path: str
    start_line: int
    end_line: int
    message: str
    title: str = ""
    level: AnnotationLevel = AnnotationLevel.FAILURE


@dataclass(frozen=True, slots=True)
class Check:
    """A check run on a commit.

    Attributes:
        key: what makes it ours: one check run of a key on a commit.
        summary, text: Markdown, each at most :data:`MOST_TEXT` characters.
        annotations: any number, the most important first.
        details_url: where more is told; empty for nowhere.
    """

    name: str
    commit: str
    key: str
    conclusion: Conclusion
    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()
    details_url: str = ""


@dataclass(frozen=True, slots=True)
class PostedCheck:
    """A check run that stands on a commit; ``conclusion`` is empty while it runs."""

    id: int
    name: str
    commit: str
    key: str
    conclusion: str
    url: str


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """The older, smaller form of a check: a line with a mark. ``context`` is its name."""

    commit: str
    context: str
    conclusion: Conclusion
    description: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request; ``head_commit`` is where its branch stands now, ``fork`` whether that is another repository."""

    number: int
    url: str
    head: str
    base: str
    head_commit: str
    title: str = ""
    state: str = "open"
    fork: bool = False
    merge_commit: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue."""

    number: int
    url: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a pull request."""

    id: int
    url: str
    body: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A commit that was brought into an environment, and what came of it.

    ``key`` makes it ours and unique: asked again with the same key, only the state moves. ``log_url`` is the page of
    the job that brought it there: a later one that finds it so tells nothing. ``transient`` says that the environment
    goes one day, and that a newer deployment into it takes the place of the older ones.
    """

    commit: str
    environment: str
    key: str
    state: DeploymentState
    description: str = ""
    url: str = ""
    log_url: str = ""
    production: bool = False
    transient: bool = False


@dataclass(frozen=True, slots=True)
class PostedDeployment:
    """A deployment that stands."""

    id: int
    url: str


class Forge(Protocol):
    """A repository on a forge. Every method raises :class:`ForgeProblem`, or :class:`NoRights` where rights lack."""

    @property
    def repository(self) -> str:
        """``owner/name``."""
        ...

    def open_pull_request(self, title: str, body: str, head: str, base: str, key: str = "") -> PullRequest:
        """The open pull request of the branch ``head`` into ``base``; title, body and key are brought up to date."""
        ...

    def refused_pull_request(self, head: str, base: str, key: str) -> PullRequest | None:
        """The newest of ours with that key that somebody closed and did not merge; none while one is open."""
        ...

    def pull_request(self, number: int) -> PullRequest:
        """A pull request as it stands now."""
        ...

    def pull_request_of(self, repository: str, branch: str, commit: str, base: str) -> PullRequest | None:
        """The open pull request into ``base`` whose branch, in that repository, stands at this commit."""
        ...

    def may_write(self, login: str) -> bool:
        """Whether that person may write to the repository."""
        ...

    def react(self, comment: int, reaction: Reaction) -> None:
        """Let our sign stand beside a comment."""
        ...

    def artifact(self, run: int, name: str, commit: str, most: int) -> bytes | None:
        """The ZIP archive that a workflow run on a commit left under a name; nothing where it left none.

        Raises:
            TooLarge: when it has more than ``most`` bytes.
        """
        ...

    def reviewers(self, run: int, environment: str) -> Sequence[str]:
        """Who let the jobs of a workflow run begin in an environment, each once; empty where nobody was asked."""
        ...

    def open_issue(self, title: str, body: str, key: str) -> Issue:
        """The open issue of that key; title and body are brought up to date."""
        ...

    def publish_check(self, check: Check) -> PostedCheck:
        """Let exactly one check run of this key stand on the commit, saying this."""
        ...

    def checks(self, commit: str, name: str = "") -> Sequence[PostedCheck]:
        """The check runs on a commit that we made, newest first; all names by default."""
        ...

    def set_status(self, status: CommitStatus) -> None:
        """Set a commit's status of that context; the newest counts."""
        ...

    def sticky_comment(self, number: int, key: str, body: str) -> Comment:
        """Let the one comment of that key on a pull request say this."""
        ...

    def find_comment(self, number: int, key: str) -> Comment | None:
        """The comment of that key on a pull request."""
        ...

    def deploy(self, deployment: Deployment) -> PostedDeployment:
        """Let exactly one deployment of this key stand, in this state."""
        ...

    def end_deployments(self, environment: str, description: str) -> int:
        """Let no deployment of ours into the environment count as active any more; how many did."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
