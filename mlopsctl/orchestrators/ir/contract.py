"""What an engine adds to a pipeline when it is compiled, and what cannot be compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Span

EXECUTOR_INPUT = "{{$}}"
"""KFP's placeholder for all that a container is told, as JSON."""

JOB_ID = "{{$.pipeline_job_uuid}}"
JOB_NAME = "{{$.pipeline_job_name}}"
"""KFP's placeholders for the job: Kubeflow's API knows it by its id, Vertex AI's by its name."""

PLACEHOLDERS = frozenset({EXECUTOR_INPUT, JOB_ID, JOB_NAME})

STEPS = "mlopsctl-steps"
"""The task that holds the project's steps; the last task waits for it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a step's container runs.

    Attributes:
        accelerator, count: the engine's own name for it, and how many; empty and 0 for none.
        kubernetes: the executor's part of the Kubernetes platform spec; empty: it has none.
    """

    accelerator: str = ""
    count: int = 0
    kubernetes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an engine adds to a pipeline.

    Attributes:
        name: the pipeline's name there.
        project, environment: whose it is.
        parameters: the run-time parameters with their defaults.
        artifacts, tracking: URLs that every step reaches.
        metadata: the address of the records for the first task; empty where it cannot reach them.
        notify: the notifiers, as they stand in ``mlops.yaml``.
        code: the digests of all user code, by file.
        job: the placeholder by which a container learns the engine's id of the job.
        root: the URL under which the engine keeps its files; empty: the engine's own choice.
        caching: whether the engine may take results of earlier runs.
        placed: where the containers run, by the id of the step or the name of our own task.
        spans: where the steps stand in ``mlops.yaml``.
    """

    name: str
    project: str
    environment: str
    parameters: Mapping[str, Json]
    artifacts: str
    job: str
    tracking: str = ""
    metadata: Json = ""
    notify: Json = ()
    code: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    caching: bool = False
    placed: Mapping[str, Placed] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
