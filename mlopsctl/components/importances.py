"""Permutation importances: how much worse a metric gets when the values of one column are shuffled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlopsctl.components.scoring import Given, answers
from mlopsctl.curves import Importance
from mlopsctl.frameworks.labels import Label
from mlopsctl.frameworks.packed import PackedModel
from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.catalogue import METRICS
from mlopsctl.metrics.compute import MetricUndefinedError, measure

if TYPE_CHECKING:
    import pandas as pd

REPEATS = 3
MOST_ROWS = 200
# Rows that the model answers in all, whatever the number of columns.
_BUDGET = 30_000
_FEWEST_ROWS = 20


def importances(
    metric: str, model: PackedModel, rows: pd.DataFrame, label: str, classes: Sequence[Label], seed: int
) -> tuple[Importance, ...]:
    """Of every column the model reads, the most important first; the order of the columns decides among equals.

    On at most 200 of the rows, drawn with the seed, each column is shuffled three times. Nothing for a model that
    reads so many columns that fewer than 20 rows could be asked, or where the metric is undefined on these rows.
    """
    import numpy as np
    import pandas as pd

    columns = model.features
    size = min(len(rows), MOST_ROWS, _BUDGET // max(1, len(columns) * REPEATS))
    if not columns or size < min(_FEWEST_ROWS, len(rows)) or not size:
        return ()
    draw = np.random.default_rng(seed)
    sample = rows.iloc[np.sort(draw.choice(len(rows), size, replace=False))].reset_index(drop=True)
    shuffled = [sample]
    for column in columns:
        for _ in range(REPEATS):
            # One frame with all copies below each other: the model is asked once.
            changed = sample.copy(deep=False)
            changed[column] = sample[column].iloc[draw.permutation(size)].reset_index(drop=True)
            shuffled.append(changed)
    try:
        prediction, probability = model.answer(pd.concat(shuffled, ignore_index=True)[columns])
    except Exception as error:
        # It answered the rows as they are; what it makes of shuffled ones is a picture less, and no failure.
        print(f"no importances: the model does not answer shuffled rows: {type(error).__name__}: {error}")
        return ()
    everything = answers(
        Given(prediction, probability, tuple(model.classes)),
        pd.concat([sample[label]] * len(shuffled), ignore_index=True),
        classes,
        "evaluated",
    )
    return _ranked(metric, everything, columns, size)


def _ranked(metric: str, everything: Answers, columns: Sequence[str], size: int) -> tuple[Importance, ...]:
    """From the answers to all copies, the first of which is unchanged."""
    import numpy as np

    try:
        values = [
            measure(metric, everything.take(np.arange(start, start + size)))
            for start in range(0, everything.rows, size)
        ]
    except MetricUndefinedError:
        return ()
    losses = np.array(values[1:]).reshape(len(columns), REPEATS) - values[0]
    match METRICS[metric].direction:
        case "higher":
            losses = -losses
        case "zero":
            losses = np.abs(np.array(values[1:]).reshape(len(columns), REPEATS)) - abs(values[0])
    means, deviations = losses.mean(axis=1), losses.std(axis=1)
    order = sorted(range(len(columns)), key=lambda place: -means[place])
    return tuple(Importance(columns[place], _short(means[place]), _short(deviations[place])) for place in order)


def _short(value: float) -> float:
    # Adding zero makes a negative zero a plain one.
    return float(f"{value:.6g}") + 0.0
