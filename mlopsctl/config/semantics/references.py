"""References by name: datasets, checks, environments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.checks import Drift, Skew
from mlopsctl.config.semantics.scene import Scene, unknown
from mlopsctl.ground.digest import Json
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
    yield from _previews(scene)


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
    elif scene.environment in (ring := _ring(scene)):
        yield _promoted_in_a_circle(scene, ring)


def _previews(scene: Scene) -> Iterator[Diagnostic]:
    previews = scene.project.previews
    if previews is not None and previews.of not in scene.environments:
        path = ("previews", "of")
        yield scene.error("unknown-reference", *_at(unknown("environment", previews.of, scene.environments), path))


def _ring(scene: Scene) -> list[str]:
    """The environments that are promoted from each other in a circle, from where this one's chain first closes."""
    chain, name = [scene.environment], _source(scene, scene.environment)
    while name and name not in chain:
        chain.append(name)
        name = _source(scene, name)
    return chain[chain.index(name) :] if name else []


def _source(scene: Scene, environment: str) -> str:
    """The environment that another one is promoted from, or empty text."""
    node: Json = scene.whole.data
    for key in map(str, _from(environment)):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, str) else ""


def _from(environment: str) -> DocPath:
    return ("environments", environment, "promotion", "from")


def _promoted_in_a_circle(scene: Scene, ring: list[str]) -> Diagnostic:
    """The same for every environment of the circle: it is told once, where the first of them in the text stands."""
    first = min(range(len(ring)), key=lambda at: scene.environments.index(ring[at]))
    ring = ring[first:] + ring[:first]
    path = " <- ".join([*ring, ring[0]])
    places = [(scene.whole.span_of(_from(name)), f"{name} is promoted from {_source(scene, name)}") for name in ring]
    return Diagnostic(
        "promotion-cycle", f"environments are promoted in a circle: {path}", places[0][0],
        "let one of them be promoted from nothing", related=tuple(places[1:]),
    )  # fmt: skip
