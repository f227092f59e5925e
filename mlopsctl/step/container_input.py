"""What an engine tells a container: KFP's executor input (``{{$}}``), the same on Kubeflow and Vertex AI.

``{"inputs": {"parameterValues": {…}, "artifacts": {name: {"artifacts": [{"uri", "metadata", "type"}]}}},
"outputs": {"parameters": {name: {"outputFile"}}, "artifacts": {…}, "outputFile"}}``. Engines may say more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.step.ports import from_port

# Where the engines mount what their URIs name.
_MOUNTS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/", "file://": ""}


@dataclass(frozen=True, slots=True)
class Pointer:
    """An artifact of the engine's, which only says where ours is.

    Attributes:
        schema: the engine's type (``system.Model``).
    """

    name: str
    uri: str
    schema: str
    metadata: Mapping[str, Json]

    @property
    def digest(self) -> str:
        """The digest of our artifact; empty where its step was skipped."""
        return str(self.metadata.get("digest") or "")

    @property
    def type(self) -> str:
        """Our type of it."""
        return str(self.metadata.get("type") or "")

    @property
    def path(self) -> Path:
        """Where its file is in this container."""
        for scheme, mount in _MOUNTS.items():
            if self.uri.startswith(scheme):
                return Path(mount + self.uri.removeprefix(scheme))
        return Path(self.uri)


@dataclass(frozen=True, slots=True)
class ExecutorInput:
    """What the engine gives a container, and where it wants what comes out.

    Attributes:
        parameters: input parameters by our name; ``artifacts`` input artifacts by the name of the step's input.
        outputs: the artifacts to fill in, by name; ``files`` where output parameters go, by name.
        output_file: where the executor output goes.
    """

    parameters: Mapping[str, Json]
    artifacts: Mapping[str, Pointer]
    outputs: Mapping[str, Pointer]
    files: Mapping[str, Path]
    output_file: Path

    def text(self, name: str) -> str:
        """An input parameter as text; empty where it is not given."""
        value = self.parameters.get(name)
        if value is None or isinstance(value, str):
            return value or ""
        return json.dumps(value)


def read_executor_input(text: str) -> ExecutorInput:
    """The executor input in a text.

    Raises:
        StepProblem: when it is none.
    """
    try:
        read = _Input.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        raise StepProblem.because(
            "bad-executor-input",
            f"the engine's executor input cannot be read: {where}: {first['msg']}",
            hint="the container is started by a compiled pipeline, with --executor-input '{{$}}'",
        ) from error
    return ExecutorInput(
        parameters={from_port(name): value for name, value in read.inputs.parameter_values.items()},
        artifacts={from_port(name): pointer for name, pointer in _pointers(read.inputs.artifacts).items()},
        outputs=_pointers(read.outputs.artifacts),
        files={name: Path(file.output_file) for name, file in read.outputs.parameters.items()},
        output_file=Path(read.outputs.output_file),
    )


def _pointers(found: Mapping[str, _List]) -> dict[str, Pointer]:
    """The first artifact of each list; a list of none counts as not given."""
    firsts = {name: one.artifacts[0] for name, one in found.items() if one.artifacts}
    return {
        name: Pointer(one.name or name, one.uri, one.type.schema_title, one.metadata) for name, one in firsts.items()
    }


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


class _Type(_Wire):
    schema_title: str = Field("", alias="schemaTitle")


class _Artifact(_Wire):
    name: str = ""
    uri: str = ""
    type: _Type = Field(default_factory=lambda: _Type(schemaTitle=""))
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class _List(_Wire):
    artifacts: tuple[_Artifact, ...] = ()


class _File(_Wire):
    output_file: str = Field(alias="outputFile")


class _Inputs(_Wire):
    parameter_values: dict[str, JsonValue] = Field(default_factory=dict, alias="parameterValues")
    artifacts: dict[str, _List] = Field(default_factory=dict)


class _Outputs(_Wire):
    parameters: dict[str, _File] = Field(default_factory=dict)
    artifacts: dict[str, _List] = Field(default_factory=dict)
    output_file: str = Field(alias="outputFile")


class _Input(_Wire):
    inputs: _Inputs = Field(default_factory=lambda: _Inputs(parameterValues={}))
    outputs: _Outputs
