"""``evaluate``: measure the challenger on rows that nothing was fitted or selected on, beside its baselines."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.baselines import Contest, Contestant, champion, trivial
from mlopsctl.components.importances import importances
from mlopsctl.components.pictures import pictures
from mlopsctl.components.scores import Scores
from mlopsctl.components.scoring import answers, ask, classes_in, load_model, united
from mlopsctl.components.slicing import Slices, sliced
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.curves import CURVES_FILE, Curves
from mlopsctl.evidence import EVALUATION_FILE, Evaluation, MetricRange, write
from mlopsctl.frameworks.labels import Label
from mlopsctl.frameworks.packed import PREDICTION, PackedModel, class_name
from mlopsctl.gates.needs import Baseline, Need
from mlopsctl.gates.rule import slice_key
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.numbers import shown
from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.catalogue import METRICS
from mlopsctl.metrics.confusion import confusion
from mlopsctl.metrics.own import OwnMetric
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables.examples import split_file

if TYPE_CHECKING:
    import pandas as pd

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
        own: the metrics that are functions of the project.
        resamples: how many times the bootstrap draws.
    """

    task: Literal["classification", "regression"]
    label: str
    metrics: tuple[str, ...]
    split: Literal["train", "validation", "test"] = "test"
    slices: tuple[Slice, ...] = ()
    needs: tuple[Need, ...] = ()
    own: tuple[OwnMetric, ...] = ()
    resamples: int = 1000

    @property
    def measured(self) -> tuple[str, ...]:
        """The names of all metrics, each once."""
        return tuple(dict.fromkeys([*self.metrics, *(need.metric for need in self.needs)]))


SPEC = ComponentSpec(
    name="evaluate",
    version=3,
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
    scores = Scores(challenger, model, work, contest, baselines, slices, parameters.measured, parameters.needs,
                    parameters.own)  # fmt: skip
    evaluation = Evaluation(
        task=parameters.task,
        split=parameters.split,
        rows=len(rows),
        model=folder_digest(work.inputs["model"]),
        champion=folder_digest(work.state["champion"]) if "champion" in work.state else "",
        measurements=tuple(scores.measurements()),
        comparisons=tuple(scores.comparisons()),
        slices={key: one.counts() for key, one in slices.items()},
        own={metric.name: MetricRange(metric.direction, *metric.range) for metric in parameters.own},
    )
    write(evaluation, work.outputs["evaluation"], EVALUATION_FILE)
    curves = _curves(challenger, classes, baselines, contest, parameters, model)
    write(curves, work.outputs["evaluation"], CURVES_FILE)
    _write_confusion(work.outputs["evaluation"], challenger, classes)
    _write_predictions(work.outputs["predictions"], rows, challenger, classes, parameters)
    return _notes(evaluation, parameters.metrics, absent)


def _rows(examples: Path, parameters: EvaluateParameters) -> pd.DataFrame:
    import pandas as pd

    rows = pd.read_parquet(split_file(examples, parameters.split))
    if parameters.label not in rows.columns:
        raise StepProblem.because("unknown-column", f"there is no column {parameters.label} to judge by")
    return rows


def _slices(rows: pd.DataFrame, parameters: EvaluateParameters) -> tuple[dict[str, Slices], list[str]]:
    """The rows of every value of every slice, asked for by the project or a gate; and the slices whose columns the
    rows do not have, which stay unmeasured."""
    wanted = dict.fromkeys([*parameters.slices, *(need.slice for need in parameters.needs if need.slice)])
    known = [columns for columns in wanted if set(columns) <= set(rows.columns)]
    absent = [slice_key(columns) for columns in wanted if columns not in known]
    for key in absent:
        print(f"the slice {key} stays unmeasured: the rows have the columns {', '.join(map(str, rows.columns))}",
              file=sys.stderr)  # fmt: skip
    return {slice_key(columns): sliced(rows, columns) for columns in known}, absent


def _baselines(work: Work, contest: Contest, parameters: EvaluateParameters) -> dict[Baseline, Contestant]:
    """Every baseline there is, by the word that a gate uses for it."""
    found: dict[Baseline, Contestant] = {"trivial": trivial(contest, work.inputs["examples"], parameters.label)}
    if "champion" in work.state:
        found["champion"] = champion(contest, work.state["champion"], parameters.label, parameters.task)
    return found


def _curves(
    challenger: Answers,
    classes: Sequence[Label],
    baselines: Mapping[Baseline, Contestant],
    contest: Contest,
    parameters: EvaluateParameters,
    model: PackedModel,
) -> Curves:
    """The pictures of the challenger with its importances, and of the champion where it answered."""
    ours = pictures(challenger, classes, contest.seed)
    metric = next((name for name in parameters.metrics if name in METRICS and METRICS[name].drawn), "")
    if metric:
        found = importances(metric, model, contest.rows, parameters.label, classes, contest.seed)
        ours = replace(ours, importances=found, importance_metric=metric if found else "")
    theirs = baselines.get("champion")
    if theirs is None or theirs.baseline is None or theirs.given is None:
        return Curves(ours)
    known = united(contest.challenger.classes, classes_in(contest.truth), theirs.given.classes) if classes else ()
    return Curves(ours, pictures(theirs.baseline, known, contest.seed))


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

    kept = [name for one in parameters.slices for name in one if name in rows.columns]
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
