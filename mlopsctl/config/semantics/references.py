"""References by name: datasets, checks, environments."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.checks import Drift, Skew
from mlopsctl.config.semantics.scene import Scene, unknown
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.source import DocPath
from mlopsctl.triggers import DataTrigger, DriftTrigger

_REFERENCES = ("previous", "train")


def references(scene: Scene) -> Iterator[Diagnostic]:
    """Every name that should name something."""
    project = scene.project
    if project.training is not None and project.training.data is not None:
        yield from _dataset(scene, project.training.data, ("training", "data"))
    yield from _checks(scene)
    for index, trigger in enumerate(project.triggers):
        if isinstance(trigger, DataTrigger | DriftTrigger):
            yield from _dataset(scene, trigger.dataset, ("triggers", index, "dataset"))
        if isinstance(trigger, DriftTrigger):
            yield from _watched(scene, trigger, ("triggers", index, "check"))
    yield from _inputs(scene)
    yield from _promotion(scene)


def _dataset(scene: Scene, name: str, path: DocPath) -> Iterator[Diagnostic]:
    if name not in scene.project.data:
        yield scene.error("unknown-reference", *_at(unknown("dataset", name, scene.project.data), path))


def _at(told: tuple[str, str], path: DocPath) -> tuple[str, DocPath, str]:
    return told[0], path, told[1]


def _checks(scene: Scene) -> Iterator[Diagnostic]:
    for name, dataset in scene.project.data.items():
        for index, check in enumerate(dataset.checks):
            path = ("data", name, "checks", index)
            if isinstance(check, Drift) and check.against not in {*_REFERENCES, *scene.project.data}:
                told = unknown("reference", check.against, (*_REFERENCES, *scene.project.data))
                yield scene.error("unknown-reference", *_at(told, (*path, "against")))
            if isinstance(check, Skew) and check.serving is not None:
                yield from _dataset(scene, check.serving, (*path, "serving"))


def _watched(scene: Scene, trigger: DriftTrigger, path: DocPath) -> Iterator[Diagnostic]:
    """A drift trigger needs a drift or skew check to watch."""
    dataset = scene.project.data.get(trigger.dataset)
    if dataset is None:
        return
    watchable = [check.name for check in dataset.checks if isinstance(check, Drift | Skew)]
    if trigger.check is None and not watchable:
        yield scene.error(
            "unknown-reference", f"the dataset {trigger.dataset!r} has no drift or skew check to watch", path[:-1],
            "add one to its `checks`",
        )  # fmt: skip
    if trigger.check is not None and trigger.check not in watchable:
        yield scene.error("unknown-reference", *_at(unknown("drift or skew check", trigger.check, watchable), path))


def _inputs(scene: Scene) -> Iterator[Diagnostic]:
    """A bare name is a dataset; ``step.output`` is checked where the pipeline is wired."""
    for name, component in scene.project.components.items():
        for input, text in component.inputs.items():
            path = ("components", name, "inputs", input)
            step, dot, output = text.partition(".")
            if not dot:
                yield from _dataset(scene, text, path)
            elif not step or not output or "." in output:
                yield scene.error(
                    "unknown-reference", f"{text!r} is neither a dataset's name nor `step.output`", path,
                    "write it like select.model",
                )  # fmt: skip


def _promotion(scene: Scene) -> Iterator[Diagnostic]:
    promotion = scene.project.promotion
    if promotion is None or promotion.source is None:
        return
    path = ("promotion", "from")
    if promotion.source == scene.environment:
        message = f"the environment {scene.environment!r} cannot be promoted from itself"
        yield scene.error("unknown-reference", message, path, "name the environment before it")
    elif promotion.source not in scene.environments:
        others = [name for name in scene.environments if name != scene.environment]
        yield scene.error("unknown-reference", *_at(unknown("environment", promotion.source, others), path))
