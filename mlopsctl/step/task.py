"""A step's task and its result: the two values that cross the border of a step's process, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlopsctl.ground.digest import Json
from mlopsctl.pipeline.ir import ArtifactType, Resources


class StepState(StrEnum):
    """How a step ended, in the words of the plan, the metadata, the terminal and GitHub."""

    SUCCESS = "success"
    FAILED = "failed"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"
    CACHED = "cached"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class TaskInput:
    """One bound input: the artifact's digest and type; ``guard`` as in the pipeline."""

    digest: str
    type: ArtifactType
    guard: bool = False


@dataclass(frozen=True, slots=True)
class StepTask:
    """Everything a step's process needs to know; nothing else reaches it.

    Attributes:
        project: absolute path of the folder of ``mlops.yaml``.
        artifacts: the artifact store's fsspec URL or absolute path.
        inputs: by wired name; skipped optional producers are absent.
        state: pinned state inputs, artifact digests by name (``champion``).
        staging: absolute path of a private folder, made for this attempt.
        clock: the moment that the plan pinned, milliseconds since the epoch; 0 for a step that reads no clock.
        resources: what the step asks of the machine.
        python: the interpreter of the step's own environment, an absolute path; empty: the one that runs mlopsctl.
    """

    run_id: str
    step: str
    component: str
    environment: str
    project: str
    artifacts: str
    staging: str
    parameters: Mapping[str, Json]
    inputs: Mapping[str, TaskInput]
    outputs: Mapping[str, ArtifactType]
    state: Mapping[str, str] = field(default_factory=dict)
    tracking: str = ""
    seed: int = 0
    clock: int = 0
    resources: Resources = Resources()
    python: str = ""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came out: the state, the digest of every output, and what to tell a person.

    ``problem`` is empty unless the step failed or was skipped; then it says why in one sentence, ``hint`` what to
    do. ``notes`` and ``line`` are the component's :class:`~mlopsctl.components.spec.Notes`. Seconds are wall time
    inside the step's process.
    """

    state: StepState
    outputs: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Json] = field(default_factory=dict)
    line: str = ""
    problem: str = ""
    hint: str = ""
    seconds: float = 0.0
