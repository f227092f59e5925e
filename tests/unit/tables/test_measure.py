"""Statistics against an independent count in Python."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlopsctl import evidence
from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import opened
from mlopsctl.tables.measure import measure
from mlopsctl.tables.statistics import (
    QUANTILES,
    STATISTICS_FILE,
    TOP,
    ColumnStatistics,
    Statistics,
    TableStatistics,
)

NAN, INF = float("nan"), float("inf")


def _measure(folder: Path, values: dict[str, Any], types: dict[str, str]) -> TableStatistics:
    file = folder / "rows.parquet"
    pq.write_table(pa.table(values), file)
    with opened(reads=[file]) as connection:
        return measure(connection, file, [Column(name, ColumnType(type)) for name, type in types.items()])


def _one(folder: Path, values: Any, type: str) -> ColumnStatistics:
    table = _measure(folder, {"x": values}, {"x": type})
    return table.columns[0]


def test_numbers_are_what_an_independent_count_gives(tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=5000)
    found = _one(tmp_path, values, "float")
    assert found.numbers is not None
    assert (found.numbers.min, found.numbers.max) == (values.min(), values.max())
    assert found.numbers.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.numbers.std == pytest.approx(statistics.stdev(values.tolist()), rel=1e-12)
    assert found.numbers.quantiles == pytest.approx(np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist())
    assert sum(found.numbers.histogram) == 5000
    assert found.numbers.histogram == pytest.approx(np.histogram(values, bins=20)[0].tolist(), abs=1)


def test_missing_nan_and_infinite_are_counted_apart_and_leave_the_moments_alone(tmp_path: Path) -> None:
    found = _one(tmp_path, pa.array([1.0, 3.0, None, NAN, INF, -INF], pa.float64(), from_pandas=False), "float")
    assert (found.rows, found.missing, found.nan, found.infinite) == (6, 1, 1, 2)
    assert found.numbers is not None
    assert (found.numbers.min, found.numbers.max, found.numbers.mean) == (1.0, 3.0, 2.0)
    assert found.numbers.histogram == (1, *[0] * 18, 1)


@pytest.mark.parametrize(
    ("values", "type"), [([None, None], "int"), ([NAN, INF], "float"), ([None], "float"), ([None], "string")]
)
def test_a_column_without_a_finite_value_has_no_numbers(tmp_path: Path, values: list[Any], type: str) -> None:
    arrow = {"int": pa.int64(), "float": pa.float64(), "string": pa.string()}[type]
    assert _one(tmp_path, pa.array(values, arrow, from_pandas=False), type).numbers is None


def test_a_constant_column_has_no_spread(tmp_path: Path) -> None:
    found = _one(tmp_path, [0.1] * 7, "float")
    assert found.numbers is not None
    assert (found.numbers.min, found.numbers.max, found.distinct) == (0.1, 0.1, 1)
    assert sum(found.numbers.histogram) == 7


def test_a_sum_beyond_the_range_of_floats_is_undefined_and_nothing_is_lost(tmp_path: Path) -> None:
    found = _one(tmp_path, [-1.7e308, 1.7e308, 1e308], "float")
    assert found.numbers is not None
    assert found.numbers.std is None or math.isfinite(found.numbers.std)
    assert sum(found.numbers.histogram) == 3


def test_text_counts_its_most_frequent_values(tmp_path: Path) -> None:
    values = ["b", "a", "b", None, "it's", 'say "x"', "line\nbreak", "a"]
    found = _one(tmp_path, values, "string")
    assert (found.missing, found.distinct, found.distinct_exact) == (1, 5, True)
    expected = sorted(Counter(v for v in values if v).items(), key=lambda item: (-item[1], item[0]))
    assert [(entry.value, entry.rows) for entry in found.top] == expected


def test_text_of_many_values_is_estimated(tmp_path: Path) -> None:
    found = _one(tmp_path, [f"v{n}" for n in range(5000)], "string")
    assert not found.distinct_exact
    assert found.distinct == pytest.approx(5000, rel=0.1)
    assert len(found.top) == TOP
    assert not found.complete


def test_up_to_a_thousand_values_are_listed_with_their_rows(tmp_path: Path) -> None:
    found = _one(tmp_path, [f"v{n % TOP}" for n in range(3 * TOP)], "string")
    assert (found.distinct, found.distinct_exact, found.complete) == (TOP, True, True)
    assert {entry.rows for entry in found.top} == {3}
    assert _one(tmp_path, list(range(TOP)), "int").complete
    assert not _one(tmp_path, list(range(TOP + 1)), "int").complete


@pytest.mark.parametrize("repeats", [1, 7, 1000])
def test_bins_hold_about_a_tenth_of_the_rows_and_all_of_them_together(tmp_path: Path, repeats: int) -> None:
    values = np.random.default_rng(2).integers(0, 5000 // repeats, 5000)
    found = _one(tmp_path, values, "int").numbers
    assert found is not None
    assert found.bins is not None
    edges, rows = found.bins.edges, found.bins.rows
    assert (edges[-1], sum(rows)) == (values.max(), 5000)
    assert list(edges) == sorted(set(edges))
    assert list(rows) == np.diff([0, *((values <= edge).sum() for edge in edges)]).tolist()
    if repeats == 1:
        assert all(480 <= count <= 520 for count in rows)


def test_more_rows_than_can_be_sorted_have_estimated_bins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlopsctl.tables.measure._SORTED", 1000)
    values = np.random.default_rng(4).normal(size=20_000)
    found = _measure(tmp_path, {"x": values, "y": values}, {"x": "float", "y": "float"})
    for column in found.columns:
        assert column.numbers is not None
        assert column.numbers.quantiles == pytest.approx(np.quantile(values, QUANTILES).tolist(), abs=0.05)
        assert column.numbers.bins is not None
        assert sum(column.numbers.bins.rows) == 20_000
        assert all(1800 <= count <= 2200 for count in column.numbers.bins.rows)


def test_truth_and_time_have_their_own_words(tmp_path: Path) -> None:
    values = {"b": [True, None, True], "t": [datetime(2020, 1, 1), None, datetime(2021, 1, 1)]}
    table = _measure(tmp_path, values, {"b": "bool", "t": "timestamp"})
    b, t = table.columns
    assert [(entry.value, entry.rows) for entry in b.top] == [(True, 2)]
    assert (t.first, t.last) == ("2020-01-01 00:00:00", "2021-01-01 00:00:00")


def test_statistics_are_the_same_bytes_each_time_and_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = {"f": rng.normal(size=30_000), "t": rng.choice(["a", "b"], 30_000), "i": rng.integers(0, 9, 30_000)}
    written = []
    for n in range(2):
        table = _measure(tmp_path, values, {"f": "float", "t": "string", "i": "int"})
        folder = tmp_path / str(n)
        folder.mkdir()
        evidence.write(Statistics("d", {"source": table}), folder, STATISTICS_FILE)
        assert evidence.read(Statistics, folder, STATISTICS_FILE).tables["source"] == table
        written.append((folder / STATISTICS_FILE).read_bytes())
    assert written[0] == written[1]
