"""The values that go into the metadata store and come back. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlopsctl.ground.digest import Json
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepState


@dataclass(frozen=True, slots=True)
class GitInfo:
    """Where the code of a run comes from; all empty outside a git repository."""

    commit: str = ""
    branch: str = ""
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a pipeline in an environment. ``id`` sorts by time.

    ``state`` is running, success, failed or canceled. ``cause`` is what started it besides a person, as
    ``schedule: …``, ``data: …``, ``drift: …`` or ``metric: …``; empty for a person, and where nobody said so.
    """

    id: str
    project: str
    environment: str
    pipeline_digest: str
    plan_digest: str
    started: int
    git: GitInfo = GitInfo()
    tool_version: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    finished: int | None = None
    state: str = "running"
    exit_code: int | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """One artifact: its type, digest (identity) and where the store has it."""

    digest: str
    type: ArtifactType
    uri: str


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """One attempt of a step, or a reuse of an earlier one (state ``cached``).

    Attributes:
        key: the step key; ``material`` the JSON it was computed from, for reasons in a later plan.
        inputs, state_inputs: artifact digests by name.
        outputs: by output name; complete for success, cached (those of the execution reused) and nothing else.
        notes, line, problem, hint: as in :class:`~mlopsctl.step.task.StepResult`.
        log: path of the attempt's output, relative to the project's folder.
    """

    run: str
    step: str
    component: str
    state: StepState
    key: str
    material: Json
    started: int
    finished: int
    attempt: int = 1
    inputs: Mapping[str, ArtifactRecord] = field(default_factory=dict)
    outputs: Mapping[str, ArtifactRecord] = field(default_factory=dict)
    state_inputs: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Json] = field(default_factory=dict)
    line: str = ""
    problem: str = ""
    hint: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """What an environment follows: one model, by digest, with the evidence that let it go.

    ``number`` counts releases of the environment from 1. ``overrides`` names gates broken by hand, with the reason.
    ``withdrawn`` is set by the state store on a release in the history that was rolled back from.
    """

    number: int
    model: str
    run: str
    evaluation: str
    blessing: str
    registry_name: str
    registry_version: str
    released: int
    gates: Json = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """The release state of one environment of one project. ``history``: what was left, in that order.

    ``serial`` grows by one with each write and ``lineage`` names the database, as Terraform's do; together they
    say whether a plan is stale. ``gates`` is the policy applied last. ``hold`` is the reason of a rollback; while it
    is set, no newer release goes out by itself.
    """

    project: str
    environment: str
    lineage: str
    serial: int = 0
    release: Release | None = None
    history: tuple[Release, ...] = ()
    gates: Json = None
    hold: str = ""

    @property
    def next_number(self) -> int:
        """The number that the next release takes."""
        known = (*self.history, self.release) if self.release else self.history
        return max((release.number for release in known), default=0) + 1


@dataclass(frozen=True, slots=True)
class Intent:
    """What was about to be done to an outside system, recorded before the call; ``outcome`` after it."""

    key: str
    kind: str
    payload: Json
    outcome: Json = None
    done: bool = False
