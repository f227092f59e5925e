"""Gates: a model that is released must have proved something, on rows that nothing was fitted or selected on."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.words import shown
from mlopsctl.ground.errors import Diagnostic


def gates(scene: Scene) -> Iterator[Diagnostic]:
    """Missing gates, gates on used rows, and slices that are measured for nothing."""
    project = scene.project
    evaluation = project.evaluation
    if project.training is None:
        return
    add = "add one under `evaluation.gates`, such as {name: floor, kind: threshold, metric: …, min: …}"
    if not evaluation.gates:
        if project.deployment is not None:
            yield scene.error("no-gate", "a project with no gate cannot push a model", ("deployment",), add, key=True)
        else:
            yield scene.warning(
                "no-gate", "there is no gate: the model is trained and never registered", ("training",), add, key=True
            )
        return
    if evaluation.split != "test":
        used = "fitted" if evaluation.split == "train" else "selected"
        yield scene.error(
            "used-rows", f"gates cannot judge the {evaluation.split} split: models are {used} on its rows",
            ("evaluation", "split"), "write `split: test`",
        )  # fmt: skip
    judged = {column for gate in evaluation.gates for column in gate.columns}
    for index, column in enumerate(evaluation.slices):
        if column not in judged:
            yield scene.warning(
                "unused-slice", f"slice {shown(column)} is measured, and no gate judges it",
                ("evaluation", "slices", index), f"add `slice: {column}` to a gate, or leave it for reports only",
            )  # fmt: skip
