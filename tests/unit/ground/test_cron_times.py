"""Schedules and clocks that change: what the clocks jump over, what they show twice, and days that are seldom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.cron_times import Times

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "now", "last", "next"),
    [
        ("0 3 * * 1", "UTC", "2026-11-22T10:00Z", "2026-11-16T03:00Z", "2026-11-23T03:00Z"),
        ("0 3 * * 1", "UTC", "2026-11-16T03:00Z", "2026-11-16T03:00Z", "2026-11-23T03:00Z"),
        ("@weekly", "UTC", "2026-11-22T00:00Z", "2026-11-22T00:00Z", "2026-11-29T00:00Z"),
        ("0 12 * * 7", "UTC", "2026-11-21T00:00Z", "2026-11-15T12:00Z", "2026-11-22T12:00Z"),
        # Both days restricted: one of them is enough.
        ("0 0 13 * 5", "UTC", "2026-11-14T00:00Z", "2026-11-13T00:00Z", "2026-11-20T00:00Z"),
        # Summer time begins: 02:30 is jumped over, and comes as 03:30.
        ("30 2 * * *", BERLIN, "2026-03-29T12:00Z", "2026-03-29T01:30Z", "2026-03-30T00:30Z"),
        # Winter time begins: 02:30 is shown twice, and comes the first time.
        ("30 2 * * *", BERLIN, "2026-10-25T12:00Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"),
        # Every hour stays every hour on both days.
        ("30 * * * *", BERLIN, "2026-10-25T00:45Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z"),
        ("30 * * * *", BERLIN, "2026-03-29T00:45Z", "2026-03-29T00:30Z", "2026-03-29T01:30Z"),
        ("0 9 * * *", "America/New_York", "2026-07-01T12:59Z", "2026-06-30T13:00Z", "2026-07-01T13:00Z"),
        ("0 0 29 2 *", "UTC", "2026-11-22T00:00Z", "2024-02-29T00:00Z", "2028-02-29T00:00Z"),
        ("0 0 29 2 *", "UTC", "1904-02-28T00:00Z", "1896-02-29T00:00Z", "1904-02-29T00:00Z"),
        ("0 0 1 1 *", "Pacific/Kiritimati", "2026-12-31T09:59Z", "2025-12-31T10:00Z", "2026-12-31T10:00Z"),
    ],
)
def test_the_last_and_the_next_time(cron: str, zone: str, now: str, last: str, next: str) -> None:
    times = Times(cron, zone)
    assert times.last(at(now)) == at(last)
    assert times.next(at(now)) == at(next)


@given(
    st.sampled_from(["*/20 * * * *", "5 */3 * * *", "30 2 * * *", "0 1,2,3 * * 0", "0 0 31 * *", "@monthly"]),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_next_and_last_are_each_others_opposite(cron: str, zone: str, now: datetime) -> None:
    times = Times(cron, zone)
    following = times.next(now)
    assert following is not None
    assert following > now
    assert times.last(following) == following
    before = times.last(following - timedelta(microseconds=1))
    assert before is not None
    assert before <= now


@given(st.integers(0, 24 * 60))
def test_a_schedule_of_every_hour_comes_every_hour_whatever_the_clocks_do(minutes: int) -> None:
    for day in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        now = day + timedelta(minutes=minutes)
        following = Times("15 * * * *", BERLIN).next(now)
        assert following is not None
        assert timedelta(0) < following - now <= timedelta(hours=1)
        assert following.astimezone(ZoneInfo(BERLIN)).minute == 15
