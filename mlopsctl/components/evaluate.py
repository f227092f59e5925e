"""``evaluate``: measure the challenger on rows that nothing was fitted or selected on, beside its baselines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.baselines import Contest, Contestant, champion, trivial
from mlopsctl.components.scoring import answers, ask, classes_in, load_model, measured, united
from mlopsctl.components.slicing import rows_by_value
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.evidence import EVALUATION_FILE, Comparison, Evaluation, Measurement, write
from mlopsctl.frameworks.packed import PREDICTION, class_name
from mlopsctl.gates.needs import Baseline, Need
from mlopsctl.gates.rule import slice_key, slice_name
from mlopsctl.gates.shown import shown
from mlopsctl.ground.errors import StepProblem
from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.confusion import confusion
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables.examples import split_file

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Slices = dict[str, dict[str, NDArray[np.int64]]]

CONFUSION_FILE = "confusion.json"
PREDICTIONS_FILE = "predictions.parquet"


def _columns(value: object) -> object:
    """One column may stand for a list of one."""
    return (value,) if isinstance(value, str) else value


Slice = Annotated[tuple[str, ...], BeforeValidator(_columns)]


class EvaluateParameters(Parameters):
    """What is measured.

    Attributes:
        split: whose rows.
        slices: columns, or lists of columns that are crossed.
        needs: what the gates ask for beyond ``metrics`` and ``slices``.
        resamples: how many times the bootstrap draws.
    """

    task: Literal["classification", "regression"]
    label: str
    metrics: tuple[str, ...]
    split: Literal["train", "validation", "test"] = "test"
    slices: tuple[Slice, ...] = ()
    needs: tuple[Need, ...] = ()
    resamples: int = 1000


SPEC = ComponentSpec(
    name="evaluate",
    version=1,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "model": InputSpec(ArtifactType.MODEL),
        "anomalies": InputSpec(ArtifactType.ANOMALIES, guard=True),
    },
    outputs={"evaluation": ArtifactType.EVALUATION, "predictions": ArtifactType.PREDICTIONS},
    parameters=EvaluateParameters,
    packages=("numpy", "pandas", "pyarrow", "scikit-learn", "scipy"),
    preload=("numpy", "pandas", "pyarrow.parquet", "sklearn.metrics"),
    state_inputs=("champion",),
)


def run(work: Work, parameters: EvaluateParameters) -> Notes:
    """Ask the challenger once, measure all rows and every slice, and compare with the baselines on the same rows."""
    rows = _rows(work.inputs["examples"], parameters)
    truth = rows[parameters.label]
    model = load_model(work.inputs["model"])
    if model.task != parameters.task:
        raise StepProblem.because("wrong-task", f"the model does {model.task}, and the task is {parameters.task}")
    given = ask(model, rows)
    classes = united(given.classes, classes_in(truth.dropna())) if parameters.task == "classification" else ()
    challenger = answers(given, truth, classes, parameters.split)
    slices, absent = _slices(rows, parameters)
    contest = Contest(given, truth, rows, parameters.split, parameters.resamples, work.seed)
    baselines = _baselines(work, contest, parameters)
    evaluation = Evaluation(
        task=parameters.task,
        split=parameters.split,
        rows=len(rows),
        model=folder_digest(work.inputs["model"]),
        champion=folder_digest(work.state["champion"]) if "champion" in work.state else "",
        measurements=tuple(_measurements(challenger, slices, parameters)),
        comparisons=tuple(_comparisons(baselines, slices, parameters)),
        slices={
            column: {value: len(positions) for value, positions in values.items()} for column, values in slices.items()
        },
    )
    write(evaluation, work.outputs["evaluation"], EVALUATION_FILE)
    _write_confusion(work.outputs["evaluation"], challenger, classes)
    _write_predictions(work.outputs["predictions"], rows, challenger, classes, parameters)
    return _notes(evaluation, parameters.metrics, absent)


def _rows(examples: Path, parameters: EvaluateParameters) -> pd.DataFrame:
    import pandas as pd

    rows = pd.read_parquet(split_file(examples, parameters.split))
    if parameters.label not in rows.columns:
        raise StepProblem.because("unknown-column", f"there is no column {parameters.label} to judge by")
    return rows


def _slices(rows: pd.DataFrame, parameters: EvaluateParameters) -> tuple[Slices, list[str]]:
    """The rows of every value of every slice, asked for by the project or a gate; and the slices whose columns the
    rows do not have, which stay unmeasured."""
    wanted = dict.fromkeys([*parameters.slices, *(need.slice for need in parameters.needs if need.slice)])
    known = [columns for columns in wanted if set(columns) <= set(rows.columns)]
    absent = [slice_key(columns) for columns in wanted if columns not in known]
    return {slice_key(columns): rows_by_value(rows, columns) for columns in known}, absent


def _baselines(work: Work, contest: Contest, parameters: EvaluateParameters) -> dict[Baseline, Contestant]:
    """Every baseline there is, by the word that a gate uses for it."""
    found: dict[Baseline, Contestant] = {"trivial": trivial(contest, work.inputs["examples"], parameters.label)}
    if "champion" in work.state:
        found["champion"] = champion(contest, work.state["champion"], parameters.label, parameters.task)
    return found


def _measurements(challenger: Answers, slices: Slices, parameters: EvaluateParameters) -> Iterator[Measurement]:
    """Every metric on all rows, and on every value of the slices that the project or a gate asks for."""
    metrics = dict.fromkeys([*parameters.metrics, *(need.metric for need in parameters.needs)])
    for metric in metrics:
        yield measured(metric, challenger)
    for column, values in slices.items():
        for value, positions in values.items():
            part = challenger.take(positions)
            for metric in metrics:
                yield measured(metric, part, slice_name(column, value))


def _comparisons(
    baselines: dict[Baseline, Contestant], slices: Slices, parameters: EvaluateParameters
) -> Iterator[Comparison]:
    """What gates need, and every metric on all rows against every baseline."""
    metrics = dict.fromkeys([*parameters.metrics, *(need.metric for need in parameters.needs)])
    needed = [need for need in parameters.needs if need.against]
    asked = {(need.metric, need.against) for need in needed if not need.slice}
    needed += [
        Need(metric=metric, against=against)
        for metric in metrics
        for against in baselines
        if (metric, against) not in asked
    ]
    for need in needed:
        if need.against == "" or need.against not in baselines:
            continue
        baseline = baselines[need.against]
        if not need.slice:
            yield baseline.compared(need)
            continue
        column = slice_key(need.slice)
        for value, positions in slices.get(column, {}).items():
            yield baseline.compared(need, slice_name(column, value), positions)


def _write_confusion(folder: Path, challenger: Answers, classes: Sequence[object]) -> None:
    """How often each true class (down) was answered with each class (across); nothing in a regression."""
    if not classes:
        return
    matrix = confusion(challenger.truth, challenger.prediction, len(classes)).tolist()
    text = json.dumps({"classes": list(classes), "rows": matrix}, ensure_ascii=False, indent=1)
    (folder / CONFUSION_FILE).write_text(text + "\n", encoding="utf-8")


def _write_predictions(
    folder: Path, rows: pd.DataFrame, given: Answers, classes: Sequence[object], parameters: EvaluateParameters
) -> None:
    """Per row: slice columns, the true label, the prediction and the probabilities."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = [name for columns in parameters.slices for name in columns if name in rows.columns]
    columns = {name: rows[name].reset_index(drop=True) for name in dict.fromkeys([*kept, parameters.label])}
    answered = pd.Series([classes[code] for code in given.prediction] if classes else given.prediction)
    columns[PREDICTION] = answered.astype(columns[parameters.label].dtype) if classes else answered
    if given.probability is not None:
        for place, label in enumerate(classes):
            columns[f"probability_{class_name(label)}"] = pd.Series(given.probability[:, place])
    table = pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, folder / PREDICTIONS_FILE, compression="zstd", store_schema=False)


def _notes(evaluation: Evaluation, metrics: Sequence[str], absent: Sequence[str]) -> Notes:
    overall = {name: evaluation.measurement(name) for name in metrics}
    values = {name: found.value for name, found in overall.items() if found is not None}
    told = [f"{name} {'undefined' if value is None else shown(value)}" for name, value in values.items()]
    return Notes(
        values={
            "rows": evaluation.rows,
            "metrics": values,
            "problems": {name: found.problem for name, found in overall.items() if found and found.problem},
            "unmeasured_slices": list(absent),
        },
        line=f"{', '.join(told)} on {evaluation.rows} row{'s' * (evaluation.rows != 1)}",
    )
