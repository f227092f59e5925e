"""Range, unique and freshness on rows: what is counted, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from mlopsctl.evidence import Verdict
from tests.unit.checks.making import Made, making

PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
INF = float("inf")
NOW = datetime(2020, 6, 3, 12, 0, tzinfo=UTC)
CLOCK = int(NOW.timestamp() * 1000)
FRESH: dict[str, Any] = {"kind": "freshness", "column": "x", "max_age": "90d"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with making(tmp_path_factory.mktemp("made")) as found:
        yield found


def test_a_range_tells_how_many_rows_lie_outside_and_which(made: Made) -> None:
    found = made.judged({"x": [1, 2, 30, 30, -4, None]}, {"kind": "range", "column": "x", "min": 0, "max": 10})
    assert found.verdict is FAIL
    assert found.reason == "x: 1 row less than 0 and 2 rows more than 10"
    (anomaly,) = found.anomalies
    assert (anomaly.rows, anomaly.of, anomaly.examples) == (3, 6, ("30", "-4"))


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ({"min": 1, "max": 5}, PASS),
        ({"min": 1.5}, FAIL),
        ({"max": 4.5}, FAIL),
        ({"min": -1e300, "max": 1e300}, PASS),
    ],
)
def test_both_bounds_of_a_range_are_inclusive(made: Made, bounds: dict[str, Any], verdict: Verdict) -> None:
    assert made.judged({"x": [1, 5, None]}, {"kind": "range", "column": "x", **bounds}).verdict is verdict


def test_an_infinite_value_that_no_bound_excludes_is_not_judged(made: Made) -> None:
    assert made.judged({"x": [1.0, -INF]}, {"kind": "range", "column": "x", "max": 10}).verdict is ERROR
    assert made.judged({"x": [11.0, -INF]}, {"kind": "range", "column": "x", "max": 10}).verdict is FAIL


def test_a_share_that_is_missing_is_told_exactly_enough(made: Made) -> None:
    values = pa.array([None] * 10001 + [1] * 89999)
    found = made.judged({"x": values}, {"kind": "null_fraction", "column": "x", "max": 0.1})
    assert found.verdict is FAIL
    assert found.reason == "0.10001 of x is missing (10,001 of 100,000 rows), more than 0.1"


def test_a_key_of_several_columns(made: Made) -> None:
    check = {"kind": "unique", "columns": ["a", "b"]}
    assert made.judged({"a": [1, 1, 2], "b": ["x", "y", "x"]}, check).verdict is PASS
    found = made.judged({"a": [1, 1, 1, 2, 2, 3], "b": ["x", "x", "x", "y", "y", "z"]}, check)
    assert (found.verdict, found.reason) == (FAIL, "3 rows repeat the key of an earlier one in a, b")
    assert found.anomalies[0].examples == ("1, x", "2, y")


def test_a_row_without_a_complete_key_is_an_error_unless_another_repeats_one(made: Made) -> None:
    check = {"kind": "unique", "columns": ["a", "b"]}
    assert made.judged({"a": [1, None], "b": [1, 1]}, check).verdict is ERROR
    assert made.judged({"a": [1, None, 1], "b": [1, 1, 1]}, check).verdict is FAIL


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([int(NOW.timestamp()) - 3600], "s"),
        ([CLOCK - 3_600_000], "ms"),
        ([(CLOCK - 3_600_000) * 1000], "us"),
        ([(CLOCK - 3_600_000) * 1_000_000], "ns"),
        ([NOW.timestamp() - 3600.5], "s"),
        ([datetime(2020, 6, 3, 11, 0)], None),
        (pa.array([datetime(2020, 6, 3, 11, 0, tzinfo=UTC)]), None),
        (pa.array([date(2020, 6, 3)]), None),
        (["2020-06-03"], None),
        (["2020-06-03 11:00:00 UTC", "2019-01-01"], None),
        (["2020-06-03T11:00:00Z"], None),
        (["2020-06-03T13:00:00+02:00"], None),
        (["2020-06-03 11:00:00", None], None),
    ],
)
def test_time_is_read_in_every_form(made: Made, values: Any, unit: str | None) -> None:
    given = {} if unit is None else {"unit": unit}
    found = made.judged({"x": values}, {**FRESH, "max_age": "13h", **given}, clock=CLOCK)
    assert found.verdict is PASS, found.reason
    assert "the newest row is of 2020-06-03 " in found.reason
    later = CLOCK + int(timedelta(days=1).total_seconds() * 1000)
    assert made.judged({"x": values}, {**FRESH, "max_age": "13h", **given}, clock=later).verdict is FAIL


def test_a_time_with_an_offset_is_that_moment(made: Made) -> None:
    found = made.judged({"x": ["2020-06-03T13:30:00+02:00"]}, FRESH, clock=CLOCK)
    assert "2020-06-03 11:30:00 UTC, 30m old" in found.reason


def test_the_age_is_told_with_what_it_may_be(made: Made) -> None:
    found = made.judged({"x": [datetime(2020, 1, 1)]}, FRESH, clock=CLOCK)
    assert found.verdict is FAIL
    assert found.reason == "the newest row is of 2020-01-01 00:00:00 UTC, 154.5d old, more than 90d"


def test_the_newest_row_may_be_as_old_as_the_bound(made: Made) -> None:
    exactly = NOW.replace(tzinfo=None) - timedelta(days=90)
    assert made.judged({"x": [exactly]}, FRESH, clock=CLOCK).verdict is PASS
    assert made.judged({"x": [exactly - timedelta(milliseconds=1)]}, FRESH, clock=CLOCK).verdict is FAIL


def test_a_newest_row_in_the_future_is_told_and_one_far_ahead_is_an_error(made: Made) -> None:
    soon = made.judged({"x": [datetime(2020, 6, 3, 20, 0)]}, FRESH, clock=CLOCK)
    assert (soon.verdict, "in the future" in soon.reason) == (PASS, True)
    far = made.judged({"x": [datetime(2020, 1, 1), datetime(2099, 1, 1)]}, FRESH, clock=CLOCK)
    assert (far.verdict, "in the future" in far.reason) == (ERROR, True)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["2020-06-03", "yesterday"], "1 row without a readable time, such as yesterday"),
        (["03/06/2020"], "such as 03/06/2020"),
        (["infinity"], "such as infinity"),
        ([1591178400], "add `unit`"),
        (pa.array([None], pa.timestamp("us")), "no value at all"),
    ],
)
def test_what_is_no_time_is_an_error(made: Made, values: Any, words: str) -> None:
    found = made.judged({"x": values}, FRESH, clock=CLOCK)
    assert found.verdict is ERROR
    assert words in found.reason


def test_without_a_pinned_moment_nothing_is_fresh(made: Made) -> None:
    assert made.judged({"x": [datetime(2020, 6, 3)]}, FRESH).verdict is ERROR


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_a_time_beyond_all_calendars_does_not_crash(made: Made, unit: str) -> None:
    found = made.judged({"x": [2**63 - 1]}, {**FRESH, "unit": unit}, clock=CLOCK)
    assert found.verdict is ERROR
