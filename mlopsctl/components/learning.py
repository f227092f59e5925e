"""What training and tuning share: the splits as an estimator sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlopsctl.components.spec import Parameters, Work
from mlopsctl.frameworks import Target
from mlopsctl.frameworks.fitting import Fittable, Job, Split
from mlopsctl.frameworks.labels import Label, Labels, learn, numbers, require_complete
from mlopsctl.frameworks.pack import About
from mlopsctl.frameworks.packed import CODE_FOLDER, TRANSFORM_FILE, OwnModules
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.examples import split_file

if TYPE_CHECKING:
    import pandas as pd

_DESCRIPTION_FILE = "transform.json"


class LearningParameters(Parameters):
    """What is trained: the target as written, the task, the label column, and the positive class if one is named."""

    target: Target
    task: Literal["classification", "regression"]
    label: str
    positive: Label | None = None

    @property
    def fittable(self) -> Fittable:
        """The target, which this version can execute.

        Raises:
            StepProblem: when it cannot.
        """
        if self.target.not_yet or not isinstance(self.target, Fittable):
            raise StepProblem.because("not-yet", f"this version cannot execute {self.target.not_yet}")
        return self.target


@dataclass(frozen=True, slots=True)
class Lesson:
    """The rows of train and validation, raw and as an estimator sees them, and what a model of them is for."""

    train: pd.DataFrame
    validation: pd.DataFrame
    transform: Transform
    labels: Labels | None
    job: Job

    @property
    def about(self) -> About:
        """See :class:`About`."""
        return About(self.job.task, self.job.label, self.labels, self.transform.inputs)


def lesson(work: Work, parameters: LearningParameters, scratch: Path) -> Lesson:
    """Read the splits, learn the classes, transform.

    Raises:
        StepProblem: when there is nothing to learn, or labels that cannot be learned.
    """
    label = parameters.label
    train, validation = (_labelled_rows(work.inputs["examples"], split, label) for split in ("train", "validation"))
    transform = Transform.load(work.inputs["transform_graph"])
    labels = learn(train[label], parameters.positive) if parameters.task == "classification" else None
    job = Job(
        train=_split(train, train, "train", transform, label, labels),
        validation=_split(validation, train, "validation", transform, label, labels),
        label=label,
        task=parameters.task,
        seed=work.seed,
        project=work.project,
        scratch=scratch,
        classes=labels.classes if labels else (),
    )
    return Lesson(train, validation, transform, labels, job)


@dataclass(frozen=True, slots=True)
class Transform:
    """The fitted transformer, the raw columns it reads, each with its name and type, and the modules it is made of."""

    fitted: Any
    inputs: tuple[dict[str, str], ...]
    modules: OwnModules

    @classmethod
    def load(cls, folder: Path) -> Transform:
        """Read a TransformGraph artifact; this runs its pickle."""
        import pickle

        modules = OwnModules.of(folder / CODE_FOLDER)
        with (folder / TRANSFORM_FILE).open("rb") as stream, modules():
            fitted = pickle.load(stream)
        described = json.loads((folder / _DESCRIPTION_FILE).read_text(encoding="utf-8"))
        inputs = tuple({"name": one["name"], "type": one["type"]} for one in described["inputs"])
        return cls(fitted, inputs, modules)

    def features(self, rows: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
        """The rows as numbers. Some transformers refuse to see no rows at all: none become none of ``like``'s."""
        names = [one["name"] for one in self.inputs]
        with self.modules():
            made: pd.DataFrame = self.fitted.transform((like.head(1) if rows.empty else rows)[names])
        return made.iloc[:0] if rows.empty else made


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
