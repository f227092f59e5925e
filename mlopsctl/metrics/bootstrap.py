"""The bootstrap: one model, or two side by side, on the same resampled rows, again and again.

Each resample draws as many rows as there are, with replacement. What is drawn is the number of times each row, or
each kind of row, occurs; a metric that only depends on counts or sums never sees the rows themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor
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
# Rows whose places are all the values of 16 bits, which are the quickest numbers to draw.
_BLOCK = 1 << 16
# Rows times resamples that an interval may draw one by one: about half a second.
_DRAWN = 40_000_000
# The same for a metric that is computed anew on every resample.
_MEASURED = 2_000_000
_FEW, _MANY = 200, 1000


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
    left, right = _resampled(name, (candidate, baseline), resamples, np.random.default_rng(seed))
    return left, right


def interval(name: str, answers: Answers, *, seed: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """The two-sided percentile interval of a metric; ``None`` where it would take long or a resample is undefined.

    1,000 resamples where that is quick, 200 where it is not, none where even those are too many.
    """
    import numpy as np

    resamples = affordable(name, answers.rows)
    if not resamples:
        return None
    values = _resampled(name, (answers,), resamples, np.random.default_rng(seed))[0]
    if not np.isfinite(values).all():
        return None
    values.sort()
    rank = floor((resamples + 1) * (1 - confidence) / 2 + 1e-9)
    return float(values[rank - 1]), float(values[-rank])


def affordable(name: str, rows: int) -> int:
    """How many resamples an interval gets; 0 for none."""
    if not rows:
        return 0
    if name in CONFUSION or (name in MOMENTS and MOMENTS[name].counts):
        return _MANY
    if name in MOMENTS and _DRAWN // rows >= _MANY:
        return _MANY
    most = (_DRAWN if name in MOMENTS or name in RANKED else _MEASURED) // rows
    return _FEW if most >= _FEW else 0


def _resampled(name: str, models: Sequence[Answers], resamples: int, draw: np.random.Generator) -> list[Floats]:
    """The metric of every model on each resample, by the quickest exact way there is for it."""
    if name in CONFUSION:
        return _by_confusion(name, models, resamples, draw)
    if name in MOMENTS:
        return _by_moments(name, models, resamples, draw)
    if name in RANKED:
        return _by_ranking(name, models, resamples, draw)
    return _by_rows(name, models, resamples, draw)


def _by_moments(name: str, models: Sequence[Answers], resamples: int, draw: np.random.Generator) -> list[Floats]:
    """Means of numbers of rows. Where they are 0 or 1, only how often each pattern occurs is drawn."""
    import numpy as np

    moments = MOMENTS[name]
    parts = [moments.numbers(answers) for answers in models]
    width, rows = parts[0].shape[1], models[0].rows
    values = np.concatenate(parts, axis=1)
    if moments.counts:
        places = np.arange(values.shape[1])
        counts = np.bincount(values.astype(np.int64) @ (1 << places), minlength=1 << len(places))
        patterns = (np.arange(len(counts))[:, None] >> places) & 1
        sums = draw.multinomial(rows, counts / rows, size=resamples) @ patterns
    else:
        sums = np.concatenate([weights @ values for weights in _weights(rows, resamples, draw)])
    means = sums / rows
    return [moments.finish(means[:, start : start + width]) for start in range(0, means.shape[1], width)]


def _by_confusion(name: str, models: Sequence[Answers], resamples: int, draw: np.random.Generator) -> list[Floats]:
    """How often each combination of the true label and the predictions occurs is drawn."""
    import numpy as np

    classes, rows = models[0].classes, models[0].rows
    code = models[0].truth.astype(np.int64)
    for answers in models:
        code = code * classes + answers.prediction.astype(np.int64)
    kinds, counts = np.unique(code, return_counts=True)
    truth = kinds // classes ** len(models)
    cells = [
        truth * classes + kinds // classes ** (len(models) - 1 - number) % classes for number in range(len(models))
    ]
    values: list[list[Floats]] = [[] for _ in models]
    for size in _sizes(resamples, classes * classes + len(kinds)):
        drawn = draw.multinomial(rows, counts / rows, size=size)
        for found, cell, answers in zip(values, cells, models, strict=True):
            matrices = np.zeros((size, classes * classes))
            for place, times in zip(cell, drawn.T, strict=True):
                matrices[:, place] += times
            found.append(CONFUSION[name](matrices.reshape(size, classes, classes), answers.positive))
    return [np.concatenate(found) for found in values]


def _by_ranking(name: str, models: Sequence[Answers], resamples: int, draw: np.random.Generator) -> list[Floats]:
    """Rows are sorted once by each score and weighted by how often each is drawn."""
    import numpy as np

    # Neighbours in the first ranking are neighbours in memory too.
    first = rankings(models[0])[0]
    order = np.concatenate([first.own, first.rest])
    ranked = [rankings(answers.take(order)) for answers in models]
    values = np.empty((len(models), resamples))
    for number in range(resamples):
        weights = _drawn(models[0].rows, draw)
        for place, classes in enumerate(ranked):
            values[place, number] = np.mean([RANKED[name](one, weights) for one in classes])
    return list(values)


def _by_rows(name: str, models: Sequence[Answers], resamples: int, draw: np.random.Generator) -> list[Floats]:
    """The metric itself, on the rows drawn."""
    import numpy as np

    values = np.full((len(models), resamples), np.nan)
    for number in range(resamples):
        chosen = draw.integers(0, models[0].rows, models[0].rows)
        for place, answers in enumerate(models):
            try:
                values[place, number] = measure(name, answers.take(chosen))
            except MetricUndefinedError:
                continue
    return list(values)


def _drawn(rows: int, draw: np.random.Generator) -> NDArray[np.uint8]:
    """How often each row is drawn in one resample.

    First how many draws fall into each block of rows, then which rows of it: a block's counts stay in the cache.
    A count above 255 has a probability below 1e-500.
    """
    import numpy as np

    if rows <= _BLOCK:
        return np.bincount(draw.integers(0, rows, rows), minlength=rows).astype(np.uint8)
    sizes = [_BLOCK] * (rows // _BLOCK) + [rows % _BLOCK] * (rows % _BLOCK > 0)
    counts = draw.multinomial(rows, [size / rows for size in sizes])
    weights = np.empty(rows, dtype=np.uint8)
    for number, (size, count) in enumerate(zip(sizes, counts.tolist(), strict=True)):
        chosen = draw.integers(0, size, count, dtype=np.uint16 if size == _BLOCK else np.int64)
        start = number * _BLOCK
        weights[start : start + size] = np.bincount(chosen.astype(np.int64), minlength=size)
    return weights


def _weights(rows: int, resamples: int, draw: np.random.Generator) -> Iterator[Floats]:
    """How often each row is drawn, resamples × rows, in chunks."""
    import numpy as np

    for size in _sizes(resamples, rows):
        weights = np.empty((size, rows))
        for one in weights:
            one[:] = _drawn(rows, draw)
        yield weights


def _sizes(resamples: int, width: int) -> Iterator[int]:
    """The resamples in parts, so that a part times ``width`` numbers fits in memory."""
    size = max(1, _CHUNK // width)
    for start in range(0, resamples, size):
        yield min(size, resamples - start)
