"""The packages that each step stands on, where the project, a component or a target pins some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
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
    loads = tuple(sorted(models))
    for step in steps:
        chosen = own.get(step.id, loads if step.component in _LOAD_MODELS else common)
        yield replace(step, requirements=chosen) if chosen else step


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
