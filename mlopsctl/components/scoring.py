"""Score packed models on raw rows: their answers beside the truth, over the classes that both know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsctl.evidence import Measurement
from mlopsctl.frameworks.labels import Label, Labels, label_key, numbers, require_complete
from mlopsctl.frameworks.packed import PackedModel, load
from mlopsctl.ground.errors import StepProblem
from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.compute import MetricUndefinedError, measure

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Given:
    """What a model answered: numbers, or positions in its own ``classes`` with their probabilities."""

    prediction: NDArray[Any]
    probability: NDArray[np.float64] | None
    classes: tuple[Label, ...]


def load_model(folder: Path) -> PackedModel:
    """The model in a folder; this runs its code.

    Raises:
        StepProblem: when it cannot be loaded here.
    """
    try:
        return load(folder)
    except Exception as error:
        raise StepProblem.because(
            "unusable-model",
            f"the model cannot be loaded: {type(error).__name__}: {error}",
            hint="it needs the packages it was trained with, and its folder as it was stored",
        ) from error


def ask(model: PackedModel, rows: pd.DataFrame) -> Given:
    """The model's answers to raw rows; it is not asked where there is none.

    Raises:
        StepProblem: when it cannot answer.
    """
    import numpy as np

    classes = tuple(model.classes)
    if rows.empty:
        return Given(np.zeros(0, dtype=np.int64), np.zeros((0, len(classes))) if classes else None, classes)
    try:
        prediction, probability = model.answer(rows)
    except Exception as error:
        raise StepProblem.because(
            "unusable-model", f"the model does not answer: {type(error).__name__}: {error}"
        ) from error
    return Given(prediction, probability, classes)


def united(*groups: Iterable[Label]) -> tuple[Label, ...]:
    """Every class once, in the order of the groups."""
    found: dict[tuple[bool, Label], Label] = {}
    for group in groups:
        for label in group:
            found.setdefault(label_key(label), label)
    return tuple(found.values())


def classes_in(column: pd.Series[Any]) -> tuple[Label, ...]:
    """The labels that occur, sorted."""
    return tuple(sorted(column.drop_duplicates().tolist()))


def answers(given: Given, truth: pd.Series[Any], classes: Sequence[Label], split: str) -> Answers:
    """A model's answers over the given classes (none in a regression), which hold all of its own and of the truth.

    A class that the model does not know has probability 0.

    Raises:
        StepProblem: when a label is missing or, in a regression, not a number.
    """
    import numpy as np

    if not classes:
        return Answers(truth=numbers(truth, split), prediction=np.asarray(given.prediction, dtype=np.float64))
    require_complete(truth, split)
    places = {label_key(label): place for place, label in enumerate(classes)}
    own = np.array([places[label_key(label)] for label in given.classes], dtype=np.int64)
    spread: NDArray[np.float64] | None = None
    if given.probability is not None:
        spread = np.zeros((len(given.prediction), len(classes)))
        spread[:, own] = given.probability
    return Answers(
        truth=Labels(tuple(classes)).encode(truth),
        prediction=own[given.prediction],
        probability=spread,
        classes=len(classes),
    )


def measured(metric: str, given: Answers, slice: str = "") -> Measurement:
    """The metric with the number of rows, or the reason why it is undefined."""
    try:
        return Measurement(metric=metric, value=measure(metric, given), rows=given.rows, slice=slice)
    except MetricUndefinedError as why:
        return Measurement(metric=metric, value=None, rows=given.rows, slice=slice, problem=str(why))
