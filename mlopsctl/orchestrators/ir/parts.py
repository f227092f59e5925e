"""The parts of a compiled document, narrowed as they are read: whatever has another shape is unsound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.ground.digest import Json

NOTHING: Mapping[str, Json] = {}


class Unsound(Exception):
    """A compiled pipeline that no engine may be given: a bug of the compiler."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The root, the components and the executors of a compiled pipeline."""

    root: Mapping[str, Json]
    components: Mapping[str, Mapping[str, Json]]
    executors: Mapping[str, Json]

    @classmethod
    def of(cls, spec: Mapping[str, Json]) -> Parts:
        """The parts of a ``PipelineSpec``.

        Raises:
            Unsound: when it is none.
        """
        components = {name: mapping(found) for name, found in mapping(spec.get("components")).items()}
        executors = mapping(mapping(spec.get("deploymentSpec")).get("executors"))
        return cls(mapping(spec.get("root")), components, executors)

    def held_by(self, component: Mapping[str, Json]) -> set[str]:
        """The names of the components that a component's tasks run."""
        return {text(mapping(task["componentRef"])["name"]) for task in tasks(component).values()}


def tasks(component: Mapping[str, Json]) -> Mapping[str, Mapping[str, Json]]:
    """The tasks of a component that is a graph; none for a container."""
    if "dag" not in component:
        return {}
    return {name: mapping(task) for name, task in mapping(mapping(component["dag"]).get("tasks")).items()}


def declared(component: Mapping[str, Json], side: str, kind: str) -> Mapping[str, Json]:
    """What a component takes (``inputDefinitions``) or leaves (``outputDefinitions``), by name."""
    return mapping(mapping(component.get(side, NOTHING)).get(kind, NOTHING))


def mapping(value: Json) -> Mapping[str, Json]:
    """A mapping."""
    # Nearly all are: asking for the class itself costs a tenth of asking for the protocol.
    if type(value) is dict:
        return value
    if not isinstance(value, Mapping):
        raise Unsound(f"a mapping was expected, not {type(value).__name__}")
    return value


def sequence(value: Json) -> Sequence[Json]:
    """A list."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise Unsound(f"a list was expected, not {type(value).__name__}")
    return value


def text(value: Json) -> str:
    """A text."""
    if not isinstance(value, str):
        raise Unsound(f"a text was expected, not {type(value).__name__}")
    return value
