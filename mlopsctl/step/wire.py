"""The border of a step's process: tasks go in and results come out as JSON text, checked when it is read.

What comes out was written by a process that ran user code, so a result is believed only as far as its types go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from mlopsctl.pipeline.ir import ArtifactType, Resources
from mlopsctl.step.task import StepResult, StepState, StepTask, TaskInput

MAX_RESULT = 4 << 20
"""The largest result that is read back, in bytes."""

LENGTH_BYTES = 8
"""A message on a socket that stays open is its length, big-endian in this many bytes, and then its text."""


MAX_LOG = 64 << 20
"""How much of an attempt's output is kept, in bytes, before only its end is."""


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt, as the orchestrator asks for it.

    Attributes:
        log: the attempt's log file; ``max_log`` bytes of it are kept, and then its end.
        timeout: seconds it may take; ``None``: as long as it wants.
        grace: seconds between TERM and KILL.
        secrets: the values of the secrets that the task names; they stand in this message and in the step's process
            only.
    """

    task: StepTask
    log: Path
    timeout: float | None
    grace: float
    max_log: int = MAX_LOG
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Wire(BaseModel):
    # Built when first used: each side of the border reads only the other's messages.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class _Input(_Wire):
    digest: str
    type: ArtifactType
    guard: bool


class _Resources(_Wire):
    cpu: float | None
    memory: int | None
    accelerators: dict[str, int]


class _Task(_Wire):
    run_id: str
    step: str
    component: str
    environment: str
    project: str
    artifacts: str
    staging: str
    parameters: dict[str, JsonValue]
    inputs: dict[str, _Input]
    outputs: dict[str, ArtifactType]
    state: dict[str, str]
    tracking: str
    seed: int
    clock: int
    resources: _Resources
    python: str


class _Request(_Wire):
    task: _Task
    log: str
    timeout: float | None
    grace: float
    max_log: int
    secrets: dict[str, str]


class _Result(_Wire):
    state: StepState
    outputs: dict[str, str]
    notes: dict[str, JsonValue]
    line: str
    problem: str
    hint: str
    seconds: float


def build_readers() -> None:
    """Build now what would be built at the first message: once in the worker instead of in each of its children."""
    for model in (_Request, _Result):
        model.model_rebuild()


def write_request(request: Request) -> bytes:
    """The request as one line of JSON."""
    return _line({**_fields(request), "task": _fields(request.task)})


def read_request(line: bytes) -> Request:
    """The request that :func:`write_request` wrote.

    Raises:
        ValueError: for any other bytes.
    """
    read = _Request.model_validate_json(line)
    inputs = {name: TaskInput(one.digest, one.type, one.guard) for name, one in read.task.inputs.items()}
    resources = Resources(**dict(read.task.resources))
    task = StepTask(**{**dict(read.task), "inputs": inputs, "resources": resources})
    return Request(task, Path(read.log), read.timeout, read.grace, read.max_log, read.secrets)


def write_result(result: StepResult) -> bytes:
    """The result as one line of JSON.

    Raises:
        ValueError: when its notes are not JSON.
    """
    return _line(_fields(result))


def read_result(line: bytes) -> StepResult | None:
    """The result that a step's process wrote, or ``None`` when it did not finish writing one."""
    try:
        return StepResult(**dict(_Result.model_validate_json(line)))
    except ValidationError:
        return None


def framed(text: bytes) -> bytes:
    """The text as a message on a socket."""
    return len(text).to_bytes(LENGTH_BYTES, "big") + text


def _fields(value: Request | StepTask | StepResult) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _line(fields: dict[str, object]) -> bytes:
    # Escaped to ASCII: a lone surrogate in a file's name must not stop a message, and no line end stands inside.
    return json.dumps(fields, allow_nan=False, default=_as_json).encode("ascii") + b"\n"


def _as_json(value: object) -> object:
    """Frozen containers and our own values in the shapes that ``json`` knows."""
    if isinstance(value, TaskInput):
        return {"digest": value.digest, "type": value.type, "guard": value.guard}
    if isinstance(value, Resources):
        return {"cpu": value.cpu, "memory": value.memory, "accelerators": dict(value.accelerators)}
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} is not JSON")
