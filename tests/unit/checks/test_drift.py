"""Drift and skew on rows: which rows are compared, in which bins, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlopsctl.checks.distance import psi
from mlopsctl.checks.drift import Drift
from mlopsctl.checks.facts import Categories, Share
from mlopsctl.checks.rule import DataEvidence
from mlopsctl.evidence import Verdict
from mlopsctl.tables.statistics import TOP
from tests.unit.checks.making import Made, making

PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
KINDS: dict[str, Any] = {"kind": "drift", "column": "x", "metric": "l_infinity", "max": 0.1}
NUMBERS: dict[str, Any] = {"kind": "drift", "column": "x", "metric": "psi", "max": 0.1}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with making(tmp_path_factory.mktemp("made")) as found:
        yield found


def test_the_value_that_moved_most_is_told(made: Made) -> None:
    before = made.statistics(made.examples({"x": ["a"] * 50 + ["b"] * 50}))
    found = made.judged({"x": ["a"] * 50 + ["b"] * 20 + ["new"] * 30}, KINDS, previous=before)
    assert found.verdict is FAIL
    assert found.reason == "l_infinity of x is 0.3, more than 0.1 ('b' from 0.5 to 0.2 of the rows)"


def test_missing_values_are_no_value_of_a_distribution(made: Made) -> None:
    before = made.statistics(made.examples({"x": ["a", "b"] * 10}))
    found = made.judged({"x": ["a", "b", None, None] * 10}, KINDS, previous=before)
    assert (found.verdict, found.reason[:24]) == (PASS, "l_infinity of x is 0 ('a")


def test_a_bound_that_is_met_exactly_passes(made: Made) -> None:
    before = made.statistics(made.examples({"x": ["a"] * 50 + ["b"] * 50}))
    assert made.judged({"x": ["a"] * 75 + ["b"] * 25}, {**KINDS, "max": 0.25}, previous=before).verdict is PASS
    assert made.judged({"x": ["a"] * 76 + ["b"] * 24}, {**KINDS, "max": 0.25}, previous=before).verdict is FAIL


@pytest.mark.parametrize("values", [[True, False] * 20, [3, 4] * 20])
def test_truth_and_whole_numbers_are_categories_too(made: Made, values: list[Any]) -> None:
    before = made.statistics(made.examples({"x": values}))
    assert made.judged({"x": values}, KINDS, previous=before).verdict is PASS
    assert made.judged({"x": values[:1] * 5}, KINDS, previous=before).verdict is FAIL


def test_numbers_are_counted_in_the_deciles_of_the_reference(made: Made) -> None:
    draw = np.random.default_rng(5)
    then, now = draw.normal(0, 1, 5000), draw.normal(0.4, 1.2, 3000)
    edges = np.quantile(then, np.arange(1, 10) / 10)
    bins = [-np.inf, np.nextafter(then.min(), -np.inf), *edges, then.max(), np.inf]
    # Upper edges belong to their bin, as in the statistics.
    cuts = np.array(bins[1:-1])
    expected = psi(*(np.bincount(np.searchsorted(cuts, side), minlength=12).tolist() for side in (then, now)))
    found = made.judged({"x": now}, NUMBERS, previous=made.statistics(made.examples({"x": then})))
    assert found.verdict is FAIL
    assert f"is {expected:.3g}"[:7] in found.reason
    assert "over 12 bins" in found.reason


def test_values_that_often_repeat_make_fewer_bins(made: Made) -> None:
    before = made.statistics(made.examples({"x": [0] * 90 + [1] * 10}))
    same = made.judged({"x": [0] * 9 + [1]}, NUMBERS, previous=before)
    assert same.verdict is PASS
    assert made.judged({"x": [0] * 5 + [1] * 5}, NUMBERS, previous=before).verdict is FAIL
    assert made.judged({"x": [0] * 9 + [2]}, NUMBERS, previous=before).verdict is FAIL


def test_against_train_compares_the_rows_that_nothing_was_fitted_on(made: Made) -> None:
    splits = (slice(0, 60), slice(60, 80), slice(80, 100))
    check = {**KINDS, "against": "train"}
    even = ["a", "b"] * 50
    assert made.judged({"x": even}, check, splits=splits).verdict is PASS
    moved = made.judged({"x": [*even[:80], *["b"] * 20]}, check, splits=splits)
    assert (moved.verdict, moved.reason[:25]) == (FAIL, "l_infinity of x is 0.25, ")
    assert made.judged({"x": even}, check).verdict is ERROR


def test_another_dataset_may_be_the_reference(made: Made) -> None:
    other = made.statistics(made.examples({"x": [1.0, 2.0, 3.0, 4.0] * 10}))
    check = {**NUMBERS, "against": "other"}
    assert made.judged({"x": [1.0, 2.0, 3.0, 4.0]}, check, references={"other": other}).verdict is PASS
    assert made.judged({"x": [9.0]}, check, references={"other": other}).verdict is FAIL
    assert made.judged({"x": [9.0]}, check, previous=other).verdict is ERROR


def test_skew_compares_the_train_split_with_the_served_rows(made: Made) -> None:
    served = made.statistics(made.examples({"x": ["a", "b"] * 10}))
    check = {"kind": "skew", "column": "x", "metric": "l_infinity", "max": 0.1, "serving": "served"}
    values = ["a", "b"] * 10 + ["c"] * 10
    splits = (slice(0, 20), slice(20, 25), slice(25, 30))
    assert made.judged({"x": values}, check, splits=splits, references={"served": served}).verdict is PASS
    assert made.judged({"x": values}, check, references={"served": served}).verdict is FAIL


def test_more_values_than_statistics_list_are_judged_between_two_bounds(made: Made) -> None:
    many = [f"v{n}" for n in range(TOP + 200)]
    before = made.statistics(made.examples({"x": [*many, *["often"] * 800]}))
    column = before.tables["source"].column("x")
    assert column is not None
    assert not column.complete
    same = made.judged({"x": [*many, *["often"] * 800]}, KINDS, previous=before)
    assert same.verdict is PASS
    moved = made.judged({"x": [*many, *["often"] * 8000]}, KINDS, previous=before)
    assert (moved.verdict, "'often' from 0.4" in moved.reason) == (FAIL, True)
    new = made.judged({"x": [*many, *["often"] * 800, *["new"] * 800]}, KINDS, previous=before)
    assert new.verdict is FAIL


def test_a_distance_that_lies_on_both_sides_of_the_bound_is_not_decided() -> None:
    fact = Categories((Share("a", 400, 400),), reference=1000, current=1000, unlisted=200, unlisted_now=250)
    check = Drift(name="c", column="x", metric="l_infinity", max=0.1)
    assert check.judge(DataEvidence(1000, fact)).verdict is ERROR
    assert check.judge(DataEvidence(1000, replace(fact, unlisted_now=301))).verdict is FAIL
    assert check.judge(DataEvidence(1000, replace(fact, unlisted=50, unlisted_now=90))).verdict is PASS


def test_whole_numbers_of_many_values_are_no_categories(made: Made) -> None:
    before = made.statistics(made.examples({"x": list(range(3000))}))
    found = made.judged({"x": list(range(3000))}, KINDS, previous=before)
    assert found.verdict is ERROR
    assert "use jensen_shannon or psi" in found.reason


def test_statistics_of_an_earlier_version_are_a_missing_reference(made: Made) -> None:
    before = made.statistics(made.examples({"x": [1.0, 2.0, 3.0]}))
    (column,) = before.tables["source"].columns
    assert column.numbers is not None
    old = replace(column, numbers=replace(column.numbers, bins=None))
    before.tables["source"] = replace(before.tables["source"], columns=(old,))
    found = made.judged({"x": [1.0, 2.0]}, {**NUMBERS, "on_missing": "warn"}, previous=before)
    assert (found.verdict, found.severity) == (ERROR, "warn")
