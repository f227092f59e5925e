"""Vertex AI in memory: models with versions, endpoints with traffic, pipeline jobs, schedules, operations.

    vertex = Vertex()
    with serving(vertex.double) as base: ...                      # REST
    with serving_grpc(vertex_front(vertex.double), tmp) as served: ...   # gRPC with TLS

Rules that no schema holds are kept here: traffic adds up to 100 and names deployed models, a model with traffic is not
undeployed, an endpoint with models is not deleted, ids are unique.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.google import Answer, Call, GoogleDouble, GoogleError
from tests.doubles.vertex_endpoints import Endpoints
from tests.doubles.vertex_jobs import Jobs
from tests.doubles.vertex_models import API, NOW, Models

_TYPE = "type.googleapis.com/google.cloud.aiplatform.v1."


@dataclass
class Operation:
    """A long-running operation: how often it must still be asked, what it does then, and what it answers."""

    name: str
    metadata: str
    finish: Callable[[], Answer]
    kind: str
    left: int
    error: Mapping[str, Any] | None = None
    response: Answer | None = None


@dataclass
class Vertex:
    """The state of one location; ``polls`` is how often an operation is asked before it takes effect and is done.

    With ``polls=0`` its effect is there as soon as it is begun.

    Attributes:
        breaks: errors (``{"code": 13, "message": "…"}``), by the name of an operation's metadata such as
            ``DeployModelOperationMetadata``, that end the next such operation instead of its effect.
    """

    polls: int = 1
    double: GoogleDouble = field(
        default_factory=lambda: GoogleDouble(
            "aiplatform.v1",
            "aiplatform.v1beta1",
            messages={"aiplatform.v1": "google.cloud.aiplatform_v1.types"},
        )
    )
    operations: dict[str, Operation] = field(default_factory=dict)
    breaks: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.double, self._operate)
        self.models = Models(self.double, self._operate, lambda *model: self.endpoints.deployed(*model))
        self.endpoints = Endpoints(self.double, self._operate, self.models.version)
        for owner in ("", "endpoints.", "models.", "pipelineJobs.", "schedules."):
            self.double.on(f"{API}{owner}operations.get")(self._operation)

    def _operation(self, call: Call) -> Answer:
        operation = self.operations.get(call.path["name"])
        if operation is None:
            raise GoogleError(404, f"Operation not found: {call.path['name']}")
        metadata = {"@type": _TYPE + operation.metadata, "genericMetadata": {"createTime": NOW, "updateTime": NOW}}
        answer: Answer = {"name": operation.name, "done": operation.left <= 0, "metadata": metadata}
        if operation.left > 0:
            operation.left -= 1
        elif operation.error is not None:
            answer["error"] = dict(operation.error)
        else:
            if operation.response is None:
                operation.response = operation.finish()
            kind = operation.kind if operation.kind.startswith("type.") else _TYPE + operation.kind
            answer["response"] = {"@type": kind, **operation.response}
        return answer

    def _operate(self, parent: str, metadata: str, kind: str, finish: Callable[[], Answer]) -> Answer:
        """Begin an operation. Without ``polls`` its effect is there at once, and it is done when first asked."""
        name = f"{parent}/operations/{next(self.double.ids)}"
        error = self.breaks.pop(metadata, None)
        operation = Operation(name, metadata, finish, kind, self.polls, error)
        if error is None and self.polls == 0:
            operation.response = finish()
        self.operations[name] = operation
        return {"name": name, "done": False, "metadata": {"@type": _TYPE + metadata}}
