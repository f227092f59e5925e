"""The paired bootstrap: both models on the same resampled rows, again and again.

Each resample draws as many rows as there are, with replacement. What is drawn is the number of times each row, or
each kind of row, occurs; a metric that only depends on counts or sums never sees the rows themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.compute import MetricUndefinedError, measure
from mlopsctl.metrics.confusion import CONFUSION
from mlopsctl.metrics.moments import MOMENTS
from mlopsctl.metrics.ranked import RANKED, rankings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Numbers held at once; 32 MiB as float64.
_CHUNK = 1 << 22


def paired_bootstrap(
    name: str, candidate: Answers, baseline: Answers, *, resamples: int, seed: int
) -> tuple[Floats, Floats]:
    """The metric of both models on each resample; NaN where it is undefined. The same seed gives the same numbers.

    Raises:
        ValueError: when the two were not asked the same rows, or there are none.
    """
    import numpy as np

    if candidate.rows != baseline.rows or not candidate.rows or not np.array_equal(candidate.truth, baseline.truth):
        raise ValueError("a paired bootstrap needs the same rows, at least one")
    draw = np.random.default_rng(seed)
    if name in CONFUSION:
        return _by_confusion(name, candidate, baseline, resamples, draw)
    if name in MOMENTS:
        return _by_moments(name, candidate, baseline, resamples, draw)
    if name in RANKED:
        return _by_ranking(name, candidate, baseline, resamples, draw)
    return _by_rows(name, candidate, baseline, resamples, draw)


def _by_moments(
    name: str, candidate: Answers, baseline: Answers, resamples: int, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """Means of numbers of rows. Where they are 0 or 1, only how often each pattern occurs is drawn."""
    import numpy as np

    moments = MOMENTS[name]
    left, right = moments.rows(candidate), moments.rows(baseline)
    width, rows = left.shape[1], candidate.rows
    values = np.concatenate([left, right], axis=1)
    if moments.counts:
        kinds = values.astype(np.int64) @ (1 << np.arange(2 * width))
        counts = np.bincount(kinds, minlength=1 << (2 * width))
        patterns = (np.arange(len(counts))[:, None] >> np.arange(2 * width)) & 1
        sums = draw.multinomial(rows, counts / rows, size=resamples) @ patterns
    else:
        sums = np.concatenate([weights @ values for weights in _weights(rows, resamples, draw)])
    means = sums / rows
    return moments.finish(means[:, :width]), moments.finish(means[:, width:])


def _by_confusion(
    name: str, candidate: Answers, baseline: Answers, resamples: int, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """How often each combination of true label and the two predictions occurs is drawn."""
    import numpy as np

    classes, rows = candidate.classes, candidate.rows
    truth = candidate.truth.astype(np.int64)
    code = (truth * classes + candidate.prediction.astype(np.int64)) * classes + baseline.prediction.astype(np.int64)
    kinds, counts = np.unique(code, return_counts=True)
    cells = [kinds // classes, kinds // classes**2 * classes + kinds % classes]
    values: list[list[Floats]] = [[], []]
    for size in _sizes(resamples, classes * classes + len(kinds)):
        drawn = draw.multinomial(rows, counts / rows, size=size)
        for found, cell, answers in zip(values, cells, (candidate, baseline), strict=True):
            matrices = np.zeros((size, classes * classes))
            for place, times in zip(cell, drawn.T, strict=True):
                matrices[:, place] += times
            found.append(CONFUSION[name](matrices.reshape(size, classes, classes), answers.positive))
    return np.concatenate(values[0]), np.concatenate(values[1])


def _by_ranking(
    name: str, candidate: Answers, baseline: Answers, resamples: int, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """Rows are sorted once by each score and weighted by how often each is drawn."""
    import numpy as np

    ranked = [rankings(candidate), rankings(baseline)]
    values: list[list[Floats]] = [[], []]
    for weights in _weights(candidate.rows, resamples, draw):
        for found, classes in zip(values, ranked, strict=True):
            found.append(np.mean([RANKED[name](*one.groups(weights)) for one in classes], axis=0))
    return np.concatenate(values[0]), np.concatenate(values[1])


def _by_rows(
    name: str, candidate: Answers, baseline: Answers, resamples: int, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """The metric itself, on the rows drawn."""
    import numpy as np

    values = np.full((2, resamples), np.nan)
    for number in range(resamples):
        chosen = draw.integers(0, candidate.rows, candidate.rows)
        for place, answers in enumerate((candidate, baseline)):
            try:
                values[place, number] = measure(name, answers.take(chosen))
            except MetricUndefinedError:
                continue
    return values[0], values[1]


def _weights(rows: int, resamples: int, draw: np.random.Generator) -> Iterator[Floats]:
    """How often each row is drawn, resamples × rows, in chunks."""
    import numpy as np

    for size in _sizes(resamples, rows):
        weights = np.empty((size, rows))
        for one in weights:
            one[:] = np.bincount(draw.integers(0, rows, rows), minlength=rows)
        yield weights


def _sizes(resamples: int, width: int) -> Iterator[int]:
    """The resamples in parts, so that a part times ``width`` numbers fits in memory."""
    size = max(1, _CHUNK // width)
    for start in range(0, resamples, size):
        yield min(size, resamples - start)
