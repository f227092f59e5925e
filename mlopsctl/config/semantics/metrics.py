"""Metrics: every name is known, and defined for the task and the number of classes."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.words import shown
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.source import DocPath
from mlopsctl.metrics.catalogue import BINARY, CLASSIFICATION, METRICS, default_metrics, suggestion
from mlopsctl.triggers import MetricTrigger


def metrics(scene: Scene) -> Iterator[Diagnostic]:
    """Every metric that is named anywhere; without training there is none."""
    training = scene.project.training
    if training is None:
        return
    two_classes = training.task == CLASSIFICATION and scene.project.classes == 2
    task = BINARY if two_classes else training.task
    seen: set[str] = set()
    for name, path in _named(scene):
        if path[:2] == ("evaluation", "metrics"):
            if name in seen:
                yield scene.error("metric-twice", f"the metric {shown(name)} stands twice", path, "name it once")
            seen.add(name)
        if name not in METRICS:
            near = suggestion(name, task)
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


def _named(scene: Scene) -> Iterator[tuple[str, DocPath]]:
    project = scene.project
    for index, name in enumerate(project.evaluation.metrics):
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
