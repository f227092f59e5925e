"""Continuous training without model validation."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.bounds import bound_of
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """Triggers for a training without any gate."""
    project = scene.project
    if project.training is None or project.evaluation.gates or not project.starting:
        return
    metric = project.select_metric
    bound = bound_of(project, metric, "apart")
    gate = f"{{name: beats-trivial, kind: change, metric: {metric}, against: trivial, {bound}}}"
    yield Finding(
        ("triggers",),
        "runs start by themselves, and no gate judges what they train",
        f"add {gate} under `evaluation.gates`",
        (scene.edit.appended(("evaluation", "gates"), gate),),
        key=True,
    )


LINT = Lint("unguarded-training", Severity.ERROR, "Runs by themselves without a gate", ("D9",), look)
