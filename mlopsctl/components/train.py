"""``train``: fit one target on the train split and pack it with the transform into a model that takes raw rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.frameworks import Target
from mlopsctl.frameworks.fitting import Fittable, Fitted, Job, Split, fit
from mlopsctl.frameworks.labels import Label, Labels, learn, numbers, require_complete
from mlopsctl.frameworks.pack import About, pack
from mlopsctl.frameworks.packed import TRANSFORM_FILE
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables.examples import split_file

if TYPE_CHECKING:
    import pandas as pd

_DESCRIPTION_FILE = "transform.json"
_PROBED = 5
_TOLD = 20


class TrainParameters(Parameters):
    """What is trained: the target as written, the task, the label column, and the positive class if one is named."""

    target: Target
    task: Literal["classification", "regression"]
    label: str
    positive: Label | None = None


SPEC = ComponentSpec(
    name="train",
    version=1,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "transform_graph": InputSpec(ArtifactType.TRANSFORM_GRAPH),
        "anomalies": InputSpec(ArtifactType.ANOMALIES, guard=True),
    },
    outputs={"model": ArtifactType.MODEL},
    parameters=TrainParameters,
    packages=("numpy", "pandas", "pyarrow", "scikit-learn", "scipy"),
    preload=("numpy", "pandas", "pyarrow.parquet", "sklearn.base", "sklearn.utils.validation"),
)


def run(work: Work, parameters: TrainParameters) -> Notes:
    """Read the splits, learn the classes, fit, pack."""
    target = _fittable(parameters.target)
    train, validation = (
        _labelled_rows(work.inputs["examples"], split, parameters.label) for split in ("train", "validation")
    )
    transform = Transform.load(work.inputs["transform_graph"])
    labels = learn(train[parameters.label], parameters.positive) if parameters.task == "classification" else None
    job = Job(
        train=_split(train, train, "train", transform, parameters.label, labels),
        validation=_split(validation, train, "validation", transform, parameters.label, labels),
        label=parameters.label,
        task=parameters.task,
        seed=work.seed,
        project=work.project,
    )
    fitted = fit(target, job)
    pack(
        work.outputs["model"],
        fitted,
        About(parameters.task, parameters.label, labels, transform.inputs),
        transform=work.inputs["transform_graph"] / TRANSFORM_FILE,
        project=work.project,
        probe=train.head(_PROBED),
    )
    return _notes(fitted, len(train), labels)


def _fittable(target: Target) -> Fittable:
    if target.not_yet or not isinstance(target, Fittable):
        raise StepProblem.because("not-yet", f"this version cannot execute {target.not_yet}")
    return target


def _labelled_rows(examples: Path, split: str, label: str) -> pd.DataFrame:
    import pandas as pd

    rows = pd.read_parquet(split_file(examples, split))
    if label not in rows.columns:
        known = ", ".join(map(str, rows.columns))
        raise StepProblem.because("unknown-column", f"there is no column {label} to learn; there are {known}")
    if split == "train" and rows.empty:
        raise StepProblem.because(
            "empty-split", "the train split has no rows", hint="check the dataset's source, filter and split"
        )
    return rows


@dataclass(frozen=True, slots=True)
class Transform:
    """The fitted transformer, and the raw columns it reads, each with its name and type."""

    fitted: Any
    inputs: tuple[dict[str, str], ...]

    @classmethod
    def load(cls, folder: Path) -> Transform:
        """Read a TransformGraph artifact; this runs its pickle."""
        import pickle

        with (folder / TRANSFORM_FILE).open("rb") as stream:
            fitted = pickle.load(stream)
        described = json.loads((folder / _DESCRIPTION_FILE).read_text(encoding="utf-8"))
        return cls(fitted, tuple({"name": one["name"], "type": one["type"]} for one in described["inputs"]))

    def features(self, rows: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
        """The rows as numbers. Some transformers refuse to see no rows at all: none become none of ``like``'s."""
        names = [one["name"] for one in self.inputs]
        made: pd.DataFrame = self.fitted.transform((like.head(1) if rows.empty else rows)[names])
        return made.iloc[:0] if rows.empty else made


def _split(
    rows: pd.DataFrame, train: pd.DataFrame, split: str, transform: Transform, label: str, labels: Labels | None
) -> Split:
    """The split as an estimator sees it: numbers, and the label encoded."""
    if not labels:
        return Split(features=transform.features(rows, train), target=numbers(rows[label], split))
    require_complete(rows[label], split)
    codes = labels.encode(rows[label])
    # Only the validation split can hold a class that the train split has not; nothing can be learned of it.
    known = codes >= 0
    return Split(features=transform.features(rows[known], train), target=codes[known])


def _notes(fitted: Fitted, rows: int, labels: Labels | None) -> Notes:
    classes = f", {len(labels.classes)} classes" if labels else ""
    warned = f", {len(fitted.warnings)} warning{'s' * (len(fitted.warnings) != 1)}" if fitted.warnings else ""
    return Notes(
        values={
            "rows": rows,
            "estimator": fitted.name,
            "classes": list(labels.classes) if labels else [],
            "warnings": list(fitted.warnings[:_TOLD]),
        },
        line=f"{fitted.name.rpartition('.')[2]} on {rows} rows{classes}{warned}",
    )
