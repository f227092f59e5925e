"""The fields of a step as it travels, checked when the container reads them."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)

from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType, Rule


class Order(StrEnum):
    """Who looks at the steps before a step, when its container starts.

    * ``data``: the engine, and the inputs that are missing tell the container what was skipped.
    * ``judged``: the container, by the ledger. A step that left no record there has failed.
    * ``carried``: the same, and the engine is told that all went well whatever came of the step, so that it starts
      what comes after a failure too. The last task says how the run really ended.
    * ``told``: the engine, by the step's own rule. A step that left no record was skipped by the engine.
    """

    DATA = "data"
    JUDGED = "judged"
    CARRIED = "carried"
    TOLD = "told"


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


_T = TypeVar("_T", bound=_Wire)


class _Input(_Wire):
    step: str
    output: str
    type: ArtifactType
    optional: bool
    guard: bool


class _Retry(_Wire):
    attempts: int
    delay: float


class _Resources(_Wire):
    cpu: float | None
    memory: int | None
    accelerators: dict[str, int]


class WireDecision(_Wire):
    """What a step hangs on."""

    step: str
    output: str
    equals: StrictStr | StrictBool | StrictInt | StrictFloat


class Asked(_Wire):
    """A step."""

    id: str
    component: str
    component_version: int
    inputs: dict[str, _Input]
    outputs: dict[str, ArtifactType]
    parameters: dict[str, JsonValue]
    bindings: dict[str, str]
    sources: dict[str, str]
    code: list[str]
    packages: list[str]
    state_inputs: list[str]
    seed: int | None
    requirements: list[str]
    image: str
    when: bool
    retry: _Retry
    timeout: float | None
    resources: _Resources
    after: list[str] = []
    rule: Rule = Rule.ALL_SUCCESS
    decision: WireDecision | None = None
    reuse: bool = True
    pool: str = ""
    priority: int | None = None


class WireStep(_Wire):
    """A step with what its container must know."""

    project: str
    environment: str
    step: Asked
    artifacts: str
    tracking: str
    code: dict[str, str]
    order: Order = Order.DATA


class WireRun(_Wire):
    """What the first and the last task must know."""

    project: str
    environment: str
    pipeline: str
    artifacts: str
    tracking: str
    metadata: JsonValue
    wanted: list[str]
    notify: JsonValue
    steps: list[str]
    carried: bool = False


def read(kind: type[_T], text: str) -> _T:
    """The fields in a task's text.

    Raises:
        StepProblem: when they are not those of that kind.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        raise StepProblem.because(
            "bad-task",
            f"the step's task cannot be read: {where}: {first['msg']}",
            hint="compile the pipeline with the version of mlopsctl that the image holds",
        ) from error
