"""The packages that each step stands on, where the project, a component or a target pins some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.ground.pins import pins, written_in
from mlopsctl.pipeline.ir import Step

# They load models that targets made, whatever those stand on.
_LOAD_MODELS = frozenset({"select", "evaluate", "preflight", "push", "adopt", "infer"})


def with_requirements(loaded: Loaded, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps with their pins: a component's or target's own, else the project's.

    A step that loads models stands on what all targets stand on together.

    Raises:
        InvalidProject: when a requirements file changed while it was read.
    """
    found = _read(loaded)
    for step in steps:
        chosen = found.own.get(step.id, found.loads if step.component in _LOAD_MODELS else found.common)
        yield replace(step, requirements=chosen) if chosen else step


def pin_sets(loaded: Loaded) -> tuple[tuple[str, ...], ...]:
    """Every set of pins that a step of the project may stand on, each once, in one order.

    Raises:
        InvalidProject: when a requirements file changed while it was read.
    """
    found = _read(loaded)
    return tuple(sorted({pinned for pinned in (found.common, found.loads, *found.own.values()) if pinned}))


@dataclass(frozen=True, slots=True)
class _Pins:
    """The project's pins, those of steps with pins of their own by step id, and those of steps that load models."""

    common: tuple[str, ...]
    own: Mapping[str, tuple[str, ...]]
    loads: tuple[str, ...]


def _read(loaded: Loaded) -> _Pins:
    project = loaded.project
    common = _pinned(loaded.folder, project.requirements)
    own = {
        name: _pinned(loaded.folder, component.requirements) or common for name, component in project.components.items()
    }
    models: set[str] = set()
    for name, target in project.training.targets.items() if project.training is not None else ():
        found = _pinned(loaded.folder, target.requirements) or common
        own |= {f"train-{name}": found, f"tune-{name}": found}
        models.update(found)
    return _Pins(common, own, tuple(sorted(models)))


def serving_notes(loaded: Loaded) -> Iterator[str]:
    """That a server does not stand on the pins of what it serves, where there are any and a model is served."""
    project = loaded.project
    if project.deployment is None or project.training is None:
        return
    if project.requirements or any(target.requirements for target in project.training.targets.values()):
        yield "the model is served by mlopsctl's own environment, not by the project's requirements"


def _pinned(folder: Path, requirements: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if requirements is None:
        return ()
    try:
        found, slips = pins(written_in(folder, requirements))
    except (OSError, ValueError) as error:
        raise InvalidProject.because("unreadable-file", f"{requirements} cannot be read: {error}") from error
    if slips:
        raise InvalidProject.because(slips[0].id, slips[0].message, hint=slips[0].hint)
    return found
