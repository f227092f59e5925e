"""Requirements: every package is pinned to one version, at its line; what loads several models can hold all of them."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.semantics.scene import Scene
from mlopsctl.ground.errors import Diagnostic, Span
from mlopsctl.ground.pins import Slip, name_of, pins, written_in
from mlopsctl.ground.source import DocPath

_Requirements = str | tuple[str, ...]


def packages(scene: Scene) -> Iterator[Diagnostic]:
    """Problems of every ``requirements``: the project's, a component's, a target's."""
    project = scene.project
    if project.requirements is not None:
        yield from _problems(scene, ("requirements",), project.requirements)
    for name, component in project.components.items():
        if component.requirements is not None:
            yield from _problems(scene, ("components", name, "requirements"), component.requirements)
    targets = project.training.targets if project.training is not None else {}
    for name, target in targets.items():
        if target.requirements is not None:
            yield from _problems(scene, ("training", "targets", name, "requirements"), target.requirements)
    yield from _conflicts(scene)


def _problems(scene: Scene, path: DocPath, requirements: _Requirements) -> Iterator[Diagnostic]:
    try:
        written = written_in(scene.folder, requirements)
    except FileNotFoundError:
        hint = "write it, or list the packages here: [name==version, …]"
        yield scene.error("missing-file", f"there is no file {requirements}", path, hint)
        return
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8 text"
        yield scene.error("unreadable-file", f"the file {requirements} cannot be read: {reason}", path, "correct it")
        return
    if not written:
        yield scene.error("unpinned-package", "no package is required here", path, "name one, or take the key out")
    for slip in pins(written)[1]:
        yield Diagnostic(slip.id, slip.message, _place(scene, path, requirements, slip), slip.hint)


def _place(scene: Scene, path: DocPath, requirements: _Requirements, slip: Slip) -> Span:
    if not isinstance(requirements, str):
        return scene.document.span_of((*path, slip.at))
    beside = scene.document.name.rpartition("/")[0]
    line = max(1, slip.at)
    return Span(f"{beside}/{requirements}" if beside else requirements, line, 1, line, 1)


def _conflicts(scene: Scene) -> Iterator[Diagnostic]:
    """Selecting and judging load the models of all targets in one process."""
    targets = scene.project.training.targets if scene.project.training is not None else {}
    if all(target.requirements is None for target in targets.values()):
        return
    seen: dict[str, tuple[str, str]] = {}
    for name, target in targets.items():
        requirements = target.requirements if target.requirements is not None else scene.project.requirements
        try:
            found = pins(written_in(scene.folder, requirements))[0] if requirements is not None else ()
        except (OSError, ValueError):
            return
        for pin in found:
            other, where = seen.setdefault(name_of(pin), (pin, name))
            if other != pin:
                told = f"{where} pins {other.split()[0]} and {name} pins {pin.split()[0]}"
                yield scene.error(
                    "package-conflict",
                    f"{told}, and models of both are loaded together",
                    ("training", "targets", name, "requirements"),
                    "pin the same version for all targets",
                )
