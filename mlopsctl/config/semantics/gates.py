"""Gates: a model that is released must have proved something, on rows that nothing was fitted or selected on."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.words import shown
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.metrics.catalogue import METRICS


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
    judged = {frozenset(gate.columns) for gate in evaluation.gates}
    for index, columns in enumerate(evaluation.sliced):
        if frozenset(columns) not in judged:
            named = " × ".join(map(shown, columns))
            written = columns[0] if len(columns) == 1 else f"[{', '.join(columns)}]"
            yield scene.warning(
                "unused-slice", f"slice {named} is measured, and no gate judges it",
                ("evaluation", "slices", index), f"add `slice: {written}` to a gate, or leave it for reports only",
            )  # fmt: skip


def constant_answers(scene: Scene) -> Iterator[Diagnostic]:
    """Gates that a model with one and the same answer for every row may pass on its way into service.

    Where nothing is served, only the verdict itself says so, with the numbers.
    """
    gates = scene.project.evaluation.gates
    served = scene.project.training is not None and scene.project.deployment is not None
    if not served or not gates or any(gate.stops_constant for gate in gates):
        return
    higher = METRICS.get(scene.project.metrics[0]) is None or METRICS[scene.project.metrics[0]].direction == "higher"
    bound = "min: 0.05" if higher else "max: …"
    yield scene.warning(
        "constant-passes", "no gate compares with the trivial model: one that answers always the same may pass",
        ("evaluation", "gates"),
        f"add {{name: beats-trivial, kind: change, metric: {scene.project.metrics[0]}, against: trivial, {bound}}}",
        key=True,
    )  # fmt: skip
