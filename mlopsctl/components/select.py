"""``select``: score every target's model on the validation split and keep the best one, byte for byte."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlopsctl.components.scoring import answers, ask, classes_in, load_model, measured, united
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.evidence import Measurement
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.numbers import shown
from mlopsctl.metrics.catalogue import METRICS
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables.examples import split_file

if TYPE_CHECKING:
    import pandas as pd

SPLIT = "validation"


class SelectParameters(Parameters):
    """By which metric the targets are compared, for which task, and the label column."""

    metric: str
    task: Literal["classification", "regression"]
    label: str


SPEC = ComponentSpec(
    name="select",
    version=1,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "models": InputSpec(ArtifactType.MODEL, many=True),
        "anomalies": InputSpec(ArtifactType.ANOMALIES, guard=True),
    },
    outputs={"model": ArtifactType.MODEL},
    parameters=SelectParameters,
    packages=("numpy", "pandas", "pyarrow", "scikit-learn", "scipy"),
    preload=("numpy", "pandas", "pyarrow.parquet", "sklearn.metrics"),
)


def run(work: Work, parameters: SelectParameters) -> Notes:
    """Score, pick the first of the best, copy it."""
    import pandas as pd

    rows = pd.read_parquet(split_file(work.inputs["examples"], SPLIT))
    models = work.many("models")
    scores = {target: _score(folder, rows, parameters) for target, folder in models.items()}
    winner = _winner(scores, parameters.metric)
    shutil.copytree(models[winner], work.outputs["model"], copy_function=shutil.copyfile, dirs_exist_ok=True)
    return Notes(
        values={
            "winner": winner,
            "metric": parameters.metric,
            "rows": len(rows),
            "scores": {target: score.value for target, score in scores.items()},
            "problems": {target: score.problem for target, score in scores.items() if score.problem},
        },
        line=_line(winner, scores, parameters.metric, len(rows)),
    )


def _score(folder: Path, rows: pd.DataFrame, parameters: SelectParameters) -> Measurement:
    """The metric of one model; a model that cannot be asked has no score."""
    truth = rows[parameters.label]
    try:
        given = ask(load_model(folder), rows)
    except StepProblem as problem:
        return Measurement(metric=parameters.metric, value=None, rows=len(rows), problem=str(problem))
    classes = united(given.classes, classes_in(truth)) if parameters.task == "classification" else ()
    return measured(parameters.metric, answers(given, truth, classes, SPLIT))


def _winner(scores: Mapping[str, Measurement], metric: str) -> str:
    """The best target; among equals the first in declared order. Where there is one and no rows, it needs no score."""
    best: tuple[str, float] | None = None
    for target, score in scores.items():
        if score.value is not None and (best is None or METRICS[metric].better(score.value, best[1])):
            best = target, score.value
    if best is not None:
        return best[0]
    if len(scores) == 1 and all(score.rows == 0 for score in scores.values()):
        return next(iter(scores))
    reasons = "; ".join(f"{target}: {score.problem}" for target, score in scores.items())
    raise StepProblem.because(
        "no-winner",
        f"no target has a {metric} on the validation split ({reasons or 'there is no target'})",
        hint="give the validation split more rows, or select by another metric",
    )


def _line(winner: str, scores: Mapping[str, Measurement], metric: str, rows: int) -> str:
    values = {score.value for score in scores.values() if score.value is not None}
    told = {
        target: "no score" if score.value is None else shown(score.value, *(values - {score.value}))
        for target, score in scores.items()
    }
    if len(scores) == 1:
        return f"{winner} is the only target: {metric} {told[winner]} on {rows} rows"
    others = ", ".join(f"{target} {text}" for target, text in told.items() if target != winner)
    return f"{winner} wins: {metric} {told[winner]} on {rows} rows ({others})"
