"""Names: unique after every orchestrator's own renaming, and steps whose ids are not taken and not too long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlopsctl.config.semantics.scene import Scene
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.source import DocPath

LONGEST_ID = 63
DATA_STEPS = ("ingest", "statistics", "schema", "validate")
TARGET_STEPS = ("tune", "train")
OURS = "mlopsctl-"
"""What the tasks and parameters begin with that are added to a compiled pipeline."""
SINGLE_STEPS = ("transform", "select", "evaluate", "gate", "preflight", "push", "infer")


def names(scene: Scene) -> Iterator[Diagnostic]:
    """Collisions within a namespace, and between the ids of steps."""
    yield from _namespaces(scene)
    yield from _named_items(scene)
    yield from _ids(scene)


def _folded(name: str) -> str:
    """A name as the strictest orchestrator keeps it."""
    return name.replace("_", "-")


def _namespaces(scene: Scene) -> Iterator[Diagnostic]:
    project = scene.project
    spaces: list[tuple[DocPath, Sequence[str]]] = [
        (("parameters",), tuple(project.parameters)),
        (("vars",), tuple(project.vars)),
        (("data",), tuple(project.data)),
        (("components",), tuple(project.components)),
    ]
    if project.training is not None:
        spaces.append((("training", "targets"), tuple(project.training.targets)))
    for path, taken in spaces:
        yield from _collisions(scene, [(name, (*path, name)) for name in taken], key=True)


def _named_items(scene: Scene) -> Iterator[Diagnostic]:
    """Gates, and the checks of each dataset: lists whose items have names."""
    gates = scene.project.evaluation.gates
    yield from _collisions(scene, [(gate.name, ("evaluation", "gates", i, "name")) for i, gate in enumerate(gates)])
    for dataset, spec in scene.project.data.items():
        named = [(check.name, ("data", dataset, "checks", i, "name")) for i, check in enumerate(spec.checks)]
        yield from _collisions(scene, named)


def _collisions(scene: Scene, named: Sequence[tuple[str, DocPath]], *, key: bool = False) -> Iterator[Diagnostic]:
    first: dict[str, tuple[str, DocPath]] = {}
    for name, path in named:
        other, where = first.setdefault(_folded(name), (name, path))
        if where == path:
            continue
        message = f"the name {name!r} stands twice"
        if other != name:
            message = f"the names {other!r} and {name!r} differ only in '-' and '_'; orchestrators take them for one"
        yield Diagnostic(
            "name-collision",
            message,
            scene.document.span_of(path, key),
            "rename one of them",
            related=((scene.document.span_of(where, key), f"{other!r} stands here"),),
        )


def _ids(scene: Scene) -> Iterator[Diagnostic]:
    """The ids of steps: short enough, and each only once."""
    taken: dict[str, tuple[str, DocPath]] = {id: (id, ()) for id in SINGLE_STEPS}
    for ids, path in _family_ids(scene):
        longest = max(ids, key=len)
        if len(longest) > LONGEST_ID:
            message = f"the step {longest!r} would have {len(longest)} characters; {LONGEST_ID} are allowed"
            hint = f"make the name {len(longest) - LONGEST_ID} or more characters shorter"
            yield scene.error("long-name", message, path, hint, key=True)
        for id in ids:
            taken.setdefault(_folded(id), (id, path))
    for section in ("components", "parameters"):
        for name in getattr(scene.project, section):
            if _folded(name).startswith(OURS):
                message = f"names that begin with {OURS!r} are kept for what is added to a compiled pipeline"
                yield scene.error("reserved-name", message, (section, name), "give it another name", key=True)
    for name in scene.project.components:
        if _folded(name) in taken:
            message = f"the name {name!r} is taken by the standard step {taken[_folded(name)][0]!r}"
            yield scene.error(
                "name-collision", message, ("components", name), "give your component another name", key=True
            )


def _family_ids(scene: Scene) -> Iterator[tuple[tuple[str, ...], DocPath]]:
    """The ids of the steps that each dataset and each target makes."""
    for name in scene.project.data:
        yield tuple(f"{prefix}-{name}" for prefix in DATA_STEPS), ("data", name)
    for name in scene.project.training.targets if scene.project.training is not None else ():
        yield tuple(f"{prefix}-{name}" for prefix in TARGET_STEPS), ("training", "targets", name)
