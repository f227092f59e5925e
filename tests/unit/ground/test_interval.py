"""Intervals: in order, inclusive start, exclusive end, and parts that lose and double no moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.errors import UsageProblem
from mlopsctl.ground.interval import Interval, parse_interval

BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
SECONDS = st.integers(min_value=1, max_value=400 * 86_400)


def of_length(seconds: int) -> Interval:
    return Interval(BEGIN, BEGIN + timedelta(seconds=seconds))


def covers(parts: tuple[Interval, ...], whole: Interval) -> bool:
    return (
        parts[0].start == whole.start
        and parts[-1].end == whole.end
        and all(before.end == after.start for before, after in pairwise(parts))
    )


@given(seconds=SECONDS, parts=st.integers(min_value=1, max_value=500))
def test_parts_of_a_length_lose_and_double_no_moment(seconds: int, parts: int) -> None:
    whole = of_length(seconds)
    every = timedelta(seconds=max(1, seconds // parts))
    if seconds / every.total_seconds() > 10_000:
        return
    tiled = whole.tiled(every)
    assert covers(tiled, whole)
    assert all(part.length == every for part in tiled[:-1])
    assert tiled[-1].length <= every


@given(seconds=SECONDS, at=st.lists(st.integers(min_value=-10, max_value=400 * 86_400), max_size=30))
def test_parts_between_moments_lose_and_double_no_moment(seconds: int, at: list[int]) -> None:
    whole = of_length(seconds)
    assert covers(whole.cut(BEGIN + timedelta(seconds=one) for one in at), whole)


@given(seconds=SECONDS, parts=st.integers(min_value=1, max_value=50), at=st.integers(min_value=0))
def test_each_moment_is_in_one_part(seconds: int, parts: int, at: int) -> None:
    whole = of_length(seconds)
    moment = BEGIN + timedelta(seconds=at % seconds)
    every = timedelta(seconds=max(1.0, seconds / parts))
    assert sum(part.start <= moment < part.end for part in whole.tiled(every)) == 1


def test_moments_without_a_zone_are_of_utc_and_others_are_brought_there() -> None:
    found = parse_interval("2013-01-01", "2013-02-01T06:00:00+02:00")
    assert found == Interval(BEGIN, datetime(2013, 2, 1, 4, tzinfo=UTC))
    assert str(found) == "2013-01-01 … 2013-02-01T04:00:00Z"


def test_a_local_zone_means_the_same_moment() -> None:
    east = datetime(2013, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert parse_interval(east.isoformat(), "2013-01-02") == parse_interval("2013-01-01", "2013-01-02")


@pytest.mark.parametrize(
    ("start", "end"), [("2013-01-02", "2013-01-01"), ("2013-01-01", "2013-01-01"), ("soon", "later"), ("", "")]
)
def test_what_is_no_interval_is_refused_with_a_hint(start: str, end: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        parse_interval(start, end)
    assert refused.value.diagnostics[0].hint


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-1), timedelta(microseconds=1)])
def test_too_many_parts_are_refused(every: timedelta) -> None:
    with pytest.raises(UsageProblem, match="too many intervals"):
        of_length(86_400).tiled(every)
