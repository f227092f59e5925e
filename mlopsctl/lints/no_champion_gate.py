"""A model is released, and no gate asks whether it is as good as the one that it replaces."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.gates import Change
from mlopsctl.ground.errors import Severity
from mlopsctl.lints.bounds import bound_of
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """Gates without one against the champion."""
    gates = scene.project.evaluation.gates
    if scene.project.training is None or not gates:
        return
    if any(isinstance(gate, Change) and gate.against == "champion" for gate in gates):
        return
    bound = bound_of(scene.project, gates[0].metric, "0")
    gate = f"{{name: not-worse, kind: change, metric: {gates[0].metric}, against: champion, {bound}}}"
    yield Finding(
        ("evaluation", "gates"),
        "no gate compares with the champion: a worse model may take its place",
        f"add {gate}",
        (scene.edit.appended(("evaluation", "gates"), gate),),
        key=True,
    )


LINT = Lint("no-champion-gate", Severity.WARNING, "No gate compares with the champion", ("D1",), look)
