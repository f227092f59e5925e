"""Metrics: every name is known, and defined for the task and the number of classes."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.words import shown
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.source import DocPath
from mlopsctl.metrics.catalogue import BINARY, CLASSIFICATION, METRICS, MetricInfo, default_metrics, suggestion
from mlopsctl.triggers import MetricTrigger


def metrics(scene: Scene) -> Iterator[Diagnostic]:
    """Every metric that is named anywhere; without training there is none."""
    training = scene.project.training
    if training is None:
        return
    two_classes = training.task == CLASSIFICATION and scene.project.classes == 2
    task = BINARY if two_classes else training.task
    own = scene.project.evaluation.own
    seen: set[str] = set()
    for name, path in _named(scene):
        if path[:2] == ("evaluation", "metrics"):
            if name in seen:
                yield scene.error("metric-twice", f"the metric {shown(name)} stands twice", path, "name it once")
            seen.add(name)
        if name in own:
            yield from _misused(scene, own[name].info, path)
        elif name not in METRICS:
            near = did_you_mean(name, own) or suggestion(name, task)
            hint = f"did you mean {near!r}?" if near else f"the usual ones: {', '.join(default_metrics(task))}"
            yield scene.error("unknown-metric", f"there is no metric called {shown(name)}", path, hint)
        elif not METRICS[name].fits(task):
            what = "a classification with two classes" if two_classes else f"a {training.task}"
            near = suggestion(name, task)
            hint = f"did you mean {near!r}? " if near else ""
            yield scene.error(
                "wrong-task", f"the metric {name!r} is not defined for {what}", path,
                f"{hint}the usual ones: {', '.join(default_metrics(task))}",
            )  # fmt: skip
        else:
            yield from _misused(scene, METRICS[name], path)


def _misused(scene: Scene, metric: MetricInfo, path: DocPath) -> Iterator[Diagnostic]:
    """What selection and searches cannot do with it, and bounds that make no sense for one of the project's own."""
    if path[:1] == ("training",) and metric.needs in ("own", "model"):
        what = "a function of yours" if metric.needs == "own" else "measured on the model"
        yield scene.error(
            "wrong-metric", f"models are not compared by {metric.name!r} on the validation split: it is {what}", path,
            "name a metric of the catalogue here; gates may use this one",
        )  # fmt: skip
    if path[:2] == ("evaluation", "gates") and metric.needs == "own" and isinstance(path[2], int):
        problem = scene.project.evaluation.gates[path[2]].contradiction(metric)
        if problem is not None:
            message, hint, key = problem
            yield scene.error("gate-bounds", message, (*path[:3], key) if key else path[:3], hint)


def _named(scene: Scene) -> Iterator[tuple[str, DocPath]]:
    project = scene.project
    for index, name in enumerate(project.evaluation.names):
        yield name, ("evaluation", "metrics", index)
    for index, gate in enumerate(project.evaluation.gates):
        yield gate.metric, ("evaluation", "gates", index, "metric")
    if project.training is not None and project.training.select is not None:
        yield project.training.select.metric, ("training", "select", "metric")
    for target, spec in (project.training.targets if project.training else {}).items():
        if spec.tune is not None and spec.tune.metric is not None:
            yield spec.tune.metric, ("training", "targets", target, "tune", "metric")
    for index, trigger in enumerate(project.triggers):
        if isinstance(trigger, MetricTrigger):
            yield trigger.metric, ("triggers", index, "metric")
