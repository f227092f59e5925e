"""An absolute bound says little: a constant answer may reach it."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.bounds import bound_of
from mlopsctl.lints.lint import Finding, Lint, Scene
from mlopsctl.metrics.catalogue import METRICS


def look(scene: Scene) -> Iterator[Finding]:
    """Gates that a model with one and the same answer for every row may pass."""
    gates = scene.project.evaluation.gates
    if scene.project.training is None or not gates or any(gate.stops_constant for gate in gates):
        return
    metric = next((gate.metric for gate in gates if gate.metric in METRICS and METRICS[gate.metric].drawn), "")
    gate = f"{{name: beats-trivial, kind: change, metric: {metric}, against: trivial, "
    gate += f"{bound_of(scene.project, metric, 'apart')}}}"
    yield Finding(
        ("evaluation", "gates"),
        "no gate compares with the trivial model: one that answers always the same may pass",
        f"add {gate}" if metric else "add a change gate against the trivial model",
        (scene.edit.appended(("evaluation", "gates"), gate),) if metric else (),
        key=True,
    )


LINT = Lint("no-trivial-gate", Severity.WARNING, "No gate compares with the trivial model", ("D13",), look)
