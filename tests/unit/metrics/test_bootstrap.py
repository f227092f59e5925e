"""The fast ways of the bootstrap agree with the metric itself, and with a slow bootstrap in what they draw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.bootstrap import _BLOCK, _by_rows, _drawn, affordable, interval, paired_bootstrap
from mlopsctl.metrics.catalogue import METRICS
from mlopsctl.metrics.compute import MetricUndefinedError, measure, task_of
from mlopsctl.metrics.confusion import CONFUSION, confusion
from mlopsctl.metrics.moments import MOMENTS
from mlopsctl.metrics.ranked import RANKED, rankings
from tests.unit.metrics.test_compute import classified, predicted


def quick(name: str, found: Answers, weights: np.ndarray) -> float:
    """The metric of weighted rows by the way that the bootstrap takes."""
    if name in CONFUSION:
        rows = np.repeat(np.arange(found.rows), weights.astype(int))
        drawn = found.take(rows)
        matrix = confusion(drawn.truth, drawn.prediction, found.classes)[None].astype(float)
        return float(CONFUSION[name](matrix, found.positive)[0])
    if name in MOMENTS:
        means = (weights @ MOMENTS[name].rows(found)) / weights.sum()
        return float(MOMENTS[name].finish(means[None])[0])
    return float(np.mean([RANKED[name](one, weights.astype(np.int64)) for one in rankings(found)]))


FAST = sorted({*CONFUSION, *MOMENTS, *RANKED})


def tied(found: Answers) -> Answers:
    """The same with probabilities of few distinct values, so that scores tie."""
    if found.probability is None:
        return found
    rough = np.round(found.probability * 4) + 0.01
    rough /= rough.sum(axis=1, keepdims=True)
    return Answers(found.truth, rough.argmax(axis=1), rough, found.classes, found.positive)


@settings(max_examples=300)
@given(
    st.sampled_from(FAST), st.sampled_from([2, 3, 5]), st.integers(2, 30), st.integers(0, 10**6), st.integers(0, 1),
    st.booleans(),
)  # fmt: skip
def test_a_fast_way_gives_the_metric_of_the_drawn_rows(
    name: str, classes: int, rows: int, seed: int, positive: int, ties: bool
) -> None:
    found = predicted(rows, seed) if METRICS[name].fits("regression") else classified(classes, rows, seed, positive)
    if not METRICS[name].fits(task_of(found.classes)):
        return
    found = tied(found) if ties else found
    drawn = np.random.default_rng(seed).integers(0, rows, rows)
    value = quick(name, found, np.bincount(drawn, minlength=rows).astype(float))
    try:
        expected = measure(name, found.take(drawn))
    except MetricUndefinedError:
        # A count of top labels exists where the metric is refused for being trivial.
        assert np.isnan(value) or name.startswith("top_")
        return
    if np.isnan(value):
        # No spread among the drawn labels: scikit-learn calls it 0 or 1, the bootstrap calls it undefined.
        assert name in {"r2", "explained_variance"}
        assert np.ptp(found.take(drawn).truth) == 0
        return
    assert value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", RANKED)
@pytest.mark.parametrize("classes", [2, 3])
def test_ties_in_a_ranking_count_as_scikit_learn_counts_them(name: str, classes: int) -> None:
    found = tied(classified(classes, 60))
    assert len(np.unique(found.probability[:, 0])) < 15  # type: ignore[index]
    weights = np.random.default_rng(1).integers(1, 4, 60).astype(float)
    drawn = found.take(np.repeat(np.arange(60), weights.astype(int)))
    assert quick(name, found, weights) == pytest.approx(measure(name, drawn), abs=1e-12)


def pair(classes: int, rows: int, seed: int = 1) -> tuple[Answers, Answers]:
    left = classified(classes, rows, seed) if classes else predicted(rows, seed)
    draw = np.random.default_rng(seed + 1)
    changed = draw.random(rows) < 0.3
    probability = (
        None if left.probability is None else np.where(changed[:, None], left.probability[::-1], left.probability)
    )
    answer = left.prediction + changed * draw.normal(0, 1, rows) ** 2 if not classes else probability.argmax(1)  # type: ignore[union-attr]
    return left, Answers(left.truth, answer, probability, classes, left.positive)


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "log_loss", "roc_auc", "average_precision", "rmse", "r2"])
def test_what_is_drawn_spreads_like_a_bootstrap_of_rows(name: str) -> None:
    classes = 0 if METRICS[name].fits("regression") else 2
    left, right = pair(classes, 80)
    fast = np.subtract(*paired_bootstrap(name, left, right, resamples=3000, seed=1))
    slow = np.subtract(*_by_rows(name, (left, right), 250, np.random.default_rng(2)))
    spread = slow.std()
    assert abs(fast.mean() - slow.mean()) < 0.2 * spread
    assert 0.85 < fast.std() / spread < 1.18
    for share in (0.05, 0.95):
        assert abs(np.quantile(fast, share) - np.quantile(slow, share)) < 0.4 * spread


@pytest.mark.parametrize("name", sorted(name for name, info in METRICS.items() if info.drawn))
def test_the_same_seed_draws_the_same_and_another_does_not(name: str) -> None:
    many = 12 if name.startswith("top_") else 4
    classes = 0 if METRICS[name].fits("regression") else (2 if METRICS[name].fits("binary") else many)
    left, right = pair(classes, 60)
    first, again, other = (paired_bootstrap(name, left, right, resamples=10, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "roc_auc", "rmse", "max_error"])
def test_a_model_never_differs_from_itself(name: str) -> None:
    left, _ = pair(0 if METRICS[name].fits("regression") else 3, 60)
    ours, theirs = paired_bootstrap(name, left, left, resamples=50, seed=1)
    assert np.array_equal(ours, theirs)


def test_a_resample_without_a_class_is_undefined() -> None:
    truth = np.array([1, *[0] * 9])
    found = Answers(truth, truth, np.full((10, 2), 0.5), 2)
    values, _ = paired_bootstrap("roc_auc", found, found, resamples=200, seed=1)
    # The one positive row is drawn with probability 1 - 0.9 ** 10.
    assert 0.2 < np.isnan(values).mean() < 0.5


def test_chunks_do_not_change_the_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, classes in (("macro_f1", 3), ("roc_auc", 2), ("rmse", 0)):
        left, right = pair(classes, 50)
        whole = paired_bootstrap(name, left, right, resamples=30, seed=1)
        with monkeypatch.context() as patch:
            patch.setattr("mlopsctl.metrics.bootstrap._CHUNK", 1)
            parts = paired_bootstrap(name, left, right, resamples=30, seed=1)
        np.testing.assert_allclose(whole, parts, rtol=1e-12)


def test_other_rows_are_no_pair() -> None:
    left, right = pair(2, 20)
    with pytest.raises(ValueError, match="the same rows"):
        paired_bootstrap("accuracy", left, right.take(np.arange(19)), resamples=5, seed=1)
    nothing = np.arange(0)
    with pytest.raises(ValueError, match="the same rows"):
        paired_bootstrap("accuracy", left.take(nothing), right.take(nothing), resamples=5, seed=1)


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "log_loss", "roc_auc", "rmse", "max_error"])
def test_an_interval_holds_the_value(name: str) -> None:
    found = pair(0 if METRICS[name].fits("regression") else 3, 80)[1]
    bounds = interval(name, found, seed=1)
    assert bounds is not None
    assert bounds[0] <= measure(name, found) <= bounds[1]
    assert bounds == interval(name, found, seed=1)


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(200):
        truth = (np.random.default_rng(seed).random(100) < 0.7).astype(int)
        bounds = interval("accuracy", Answers(truth, np.ones(100, dtype=int), classes=2), seed=seed)
        assert bounds is not None
        inside += bounds[0] <= 0.7 <= bounds[1]
    assert 180 <= inside <= 199


def test_an_interval_is_left_out_where_a_resample_is_undefined_or_it_would_take_long() -> None:
    truth = np.array([1, *[0] * 9])
    found = Answers(truth, truth, np.full((10, 2), 0.5), 2)
    assert interval("roc_auc", found, seed=1) is None
    assert interval("accuracy", found.take(np.arange(0)), seed=1) is None
    assert [affordable("accuracy", rows) for rows in (0, 10, 10**8)] == [0, 1000, 1000]
    assert [affordable("rmse", rows) for rows in (10, 40_000, 100_000, 10**6)] == [1000, 1000, 200, 0]
    assert [affordable("roc_auc", rows) for rows in (10, 100_000, 10**6)] == [200, 200, 0]
    assert [affordable("max_error", rows) for rows in (10, 10_000, 20_000)] == [200, 200, 0]


def test_large_rows_are_drawn_in_blocks_and_evenly() -> None:
    rows = 2 * _BLOCK + 1000
    drawn = sum(_drawn(rows, np.random.default_rng(seed)).astype(int) for seed in range(20))
    assert drawn.sum() == 20 * rows
    for part in (drawn[:_BLOCK], drawn[_BLOCK : 2 * _BLOCK], drawn[-1000:]):
        assert abs(part.mean() - 20) < 5 * (20 / len(part)) ** 0.5
        # A sum of twenty counts with a mean and a variance of one each.
        assert 0.85 < part.var() / 20 < 1.15
