"""Schedules as the server of Kubeflow Pipelines takes them mean the same there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.cron import NICKNAMES, cron_problem
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.orchestrators.contract import Schedule
from mlopsctl.orchestrators.kfp.cron import check_timezone, our_cron, same_timezone, server_cron

pytestmark = pytest.mark.unit

DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def days(field: str, last: int) -> set[int]:
    """The weekdays of a field, 0 for Sunday, where ``last`` is the highest number that there is."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        ends = [DAYS.index(end.upper()) if end.upper() in DAYS else int(end) for end in span.split("-") if end != "*"]
        low, high = (0, last) if span == "*" else (ends[0], ends[-1] if len(ends) > 1 or not step else last)
        assert 0 <= low <= high <= last, f"{item} is out of range"
        found |= {day % 7 for day in range(low, high + 1, int(step or 1))}
    return found


day = st.one_of(st.integers(0, 7).map(str), st.sampled_from(DAYS), st.sampled_from([name.lower() for name in DAYS]))
item = st.one_of(
    st.just("*"),
    st.integers(1, 7).map(lambda step: f"*/{step}"),
    day,
    st.tuples(day, day).map("-".join),
    st.tuples(day, st.integers(1, 7)).map(lambda both: f"{both[0]}/{both[1]}"),
    st.tuples(day, day, st.integers(1, 7)).map(lambda all: f"{all[0]}-{all[1]}/{all[2]}"),
)
weekdays = st.lists(item, min_size=1, max_size=4).map(",".join).filter(lambda one: not cron_problem(f"0 3 * * {one}"))


@given(weekdays)
def test_the_weekdays_are_the_same_on_a_server_that_knows_no_seventh_day(field: str) -> None:
    *_, converted = server_cron(f"0 3 * * {field}").split(" ")
    # A star starts the week at 0 and has no day twice there.
    assert days(converted, 6) == days(field, 7)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("30 4 * * *", "0 30 4 * * *"),
        ("*/15 0-6 1,15 JAN-MAR mon-fri", "0 */15 0-6 1,15 JAN-MAR 1,2,3,4,5"),
        ("0 3 * * 7", "0 0 3 * * 0"),
        ("0 3 * * 5-7", "0 0 3 * * 0,5,6"),
        ("0 3 * * 1/3", "0 0 3 * * 0,1,4"),
        ("@hourly", "0 0 * * * *"),
        ("@weekly", "0 0 0 * * 0"),
    ],
)
def test_a_schedule_has_seconds_first_there(ours: str, theirs: str) -> None:
    assert server_cron(ours) == theirs
    assert our_cron(theirs, ours) == ours


@pytest.mark.parametrize("nickname", NICKNAMES)
def test_a_nickname_is_written_out(nickname: str) -> None:
    assert len(server_cron(nickname).split(" ")) == 6


def test_what_somebody_wrote_there_is_shown_as_we_write_it_where_it_can_be() -> None:
    assert our_cron("0 0 4 * * *", "0 3 * * *") == "0 4 * * *"
    assert our_cron("30 0 4 * * *", "0 3 * * *") == "30 0 4 * * *"
    assert our_cron("@every 1h", "0 3 * * *") == "@every 1h"
    assert our_cron("0  0 3 * *  *", "0 3 * * *") == "0 3 * * *"


def test_a_schedule_in_another_time_zone_than_the_servers_is_refused() -> None:
    check_timezone(Schedule("nightly", "0 3 * * *", "Etc/UTC"), "UTC")
    with pytest.raises(InvalidProject, match="Asia/Tokyo") as problem:
        check_timezone(Schedule("nightly", "0 3 * * *", "Asia/Tokyo"), "UTC")
    assert "orchestrator: {timezone: Asia/Tokyo}" in problem.value.diagnostics[0].hint
    assert not same_timezone("Europe/Zurich", "Europe/Berlin")
