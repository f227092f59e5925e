"""What a component is: typed inputs, outputs and parameters, and the function the step runtime calls.

A component's file holds ``SPEC: ComponentSpec`` and ``run(work: Work, parameters: <SPEC.parameters>) -> Notes``.
Importing the file is light: libraries are imported inside ``run``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict

from mlopsctl.ground.digest import Json
from mlopsctl.pipeline.ir import ArtifactType, Resources


class Parameters(BaseModel):
    """The base of a component's parameters: read strictly from the step's JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One declared input. ``many`` takes any number of artifacts, wired as ``<name>.<key>``."""

    type: ArtifactType
    optional: bool = False
    many: bool = False
    guard: bool = False


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """The contract of a component.

    Attributes:
        version: raise it when the same inputs and parameters give other outputs.
        packages: distributions whose versions stand in the step's key.
        preload: modules a warm worker may import before it forks the step (installed libraries only).
        state_inputs: what the plan pins for it outside the key (``champion``).
    """

    name: str
    version: int
    inputs: Mapping[str, InputSpec]
    outputs: Mapping[str, ArtifactType]
    parameters: type[Parameters]
    packages: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    state_inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What a running step has: folders of its inputs and outputs, and nothing else of the machine's state.

    Attributes:
        project: the folder of ``mlops.yaml``; user code and relative URIs are found from here.
        inputs: a read-only private copy of each input artifact, a folder, by wired name; skipped optional
            inputs are absent.
        outputs: an empty folder for each declared output; the step fails unless each holds a file at the end.
        state: what the plan pinned, a folder by name (``champion``: a Model artifact); absent where there is none.
        environment: the environment's name, for records only.
        tracking: the MLflow tracking URI, for the components that register.
        run_id: the run's id, for records only.
        seed: the project's ``seed`` parameter.
        clock: the moment of the plan, milliseconds since the epoch; 0 for a step that reads no clock.
        resources: what the step asked of the machine.
    """

    project: Path
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    state: Mapping[str, Path] = field(default_factory=dict)
    environment: str = "default"
    tracking: str = ""
    run_id: str = ""
    seed: int = 0
    clock: int = 0
    resources: Resources = Resources()

    def many(self, name: str) -> dict[str, Path]:
        """The folders wired to a ``many`` input, by key, in wired order."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): path for key, path in self.inputs.items() if key.startswith(prefix)}


@dataclass(frozen=True, slots=True)
class Notes:
    """What a step says of itself beside its artifacts: small numbers and text, kept with the execution.

    ``line`` is the one line a person sees beside the step's name (``accuracy 0.9706 on 34 rows``).
    """

    values: Mapping[str, Json] = field(default_factory=dict)
    line: str = ""


class Component(Protocol):
    """A component's module."""

    SPEC: ComponentSpec

    def run(self, work: Work, parameters: Any) -> Notes: ...


# One line registers a component; its module is imported when a step of it is lowered or run.
MODULES: Mapping[str, str] = {
    name: f"mlopsctl.components.{name}"
    for name in (
        "ingest", "statistics", "schema", "validate", "transform", "tune", "train",
        "select", "evaluate", "gate", "preflight", "push", "adopt", "promoted", "infer", "own",
    )
}  # fmt: skip


def load(name: str) -> Component:
    """The component's module; a name with dots is the module's own full name.

    Raises:
        KeyError: when no component has that name.
        ModuleNotFoundError: when there is no module of that full name.
    """
    return cast(Component, import_module(name if "." in name else MODULES[name]))


def spec(name: str) -> ComponentSpec:
    """The component's contract; see :func:`load`."""
    return load(name).SPEC
