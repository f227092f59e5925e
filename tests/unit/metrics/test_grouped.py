"""A metric of many groups at once is, group by group, the metric of the group's rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsctl.metrics.catalogue import METRICS
from mlopsctl.metrics.compute import MetricUndefinedError, measure, task_of
from mlopsctl.metrics.grouped import _quick, measure_groups
from tests.unit.metrics.test_compute import classified, predicted

NAMES = sorted(name for name, info in METRICS.items() if info.drawn)


@settings(max_examples=200)
@given(
    st.sampled_from(NAMES), st.sampled_from([2, 3, 5]), st.integers(1, 40), st.integers(0, 10**6), st.integers(1, 6)
)  # fmt: skip
def test_a_group_has_the_metric_of_its_rows_or_its_reason(
    name: str, classes: int, rows: int, seed: int, groups: int
) -> None:
    found = predicted(rows, seed) if METRICS[name].fits("regression") else classified(classes, rows, seed)
    codes = np.unique(np.random.default_rng(seed).integers(0, groups, rows), return_inverse=True)[1]
    values = measure_groups(name, found, codes, int(codes.max()) + 1, lambda group: np.flatnonzero(codes == group))
    for group, value in enumerate(values):
        part = found.take(codes == group)
        try:
            assert value == pytest.approx(measure(name, part), abs=1e-9)
        except MetricUndefinedError as why:
            assert str(value) == str(why)


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "recall", "log_loss", "rmse", "mae", "brier"])
def test_the_usual_metrics_take_one_pass(name: str) -> None:
    found = predicted(50) if METRICS[name].fits("regression") else classified(2, 50)
    assert METRICS[name].fits(task_of(found.classes))
    assert _quick(name, found, np.arange(50) % 3, 3) is not None


def test_too_many_cells_are_not_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found, codes = classified(3, 50), np.arange(50) % 4
    whole = measure_groups("macro_f1", found, codes, 4, lambda group: np.flatnonzero(codes == group))
    monkeypatch.setattr("mlopsctl.metrics.grouped._MOST_CELLS", 1)
    parts = measure_groups("macro_f1", found, codes, 4, lambda group: np.flatnonzero(codes == group))
    assert parts == pytest.approx(whole)
