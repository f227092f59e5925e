"""The split by time on an interval: rows from its start on and before its end, and cut points that count back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest
from pydantic import ValidationError

from mlopsctl.ground.interval import Interval, parse_interval
from mlopsctl.splits import TimeSplit
from mlopsctl.tables.columns import Column, ColumnType

AT = (Column("at", ColumnType.TIMESTAMP),)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        # A day each from 1 January 2020 to 30 January 2020.
        opened.execute(
            "CREATE TABLE days AS SELECT TIMESTAMP '2020-01-01' + INTERVAL (i) DAY AS at FROM range(30) AS t(i)"
        )
        yield opened


def split(**keys: object) -> TimeSplit:
    return TimeSplit.model_validate({"column": "at", **keys})


def places(connection: duckdb.DuckDBPyConnection, one: TimeSplit, relation: str = "days") -> list[int | None]:
    return [row[0] for row in connection.execute(one.places(connection, relation, AT).query).fetchall()]


def test_cut_points_count_back_from_the_newest_moment(connection: duckdb.DuckDBPyConnection) -> None:
    found = places(connection, split(validation="-10d", test="-5d"))
    # The newest is 30 January: 20 January is the first of validation, 25 January the first of test.
    assert found == [0] * 19 + [1] * 5 + [2] * 6


def test_cut_points_count_back_from_the_end_that_is_written(connection: duckdb.DuckDBPyConnection) -> None:
    found = places(connection, split(validation="-10d", test="-120h", end="2020-01-21"))
    assert found == [0] * 10 + [1] * 5 + [2] * 5 + [None] * 10


def test_an_interval_has_its_start_and_not_its_end(connection: duckdb.DuckDBPyConnection) -> None:
    one = split(validation="-4d", test="-2d")
    interval = parse_interval("2020-01-05", "2020-01-15")
    rows = one.rows_of(connection, "SELECT * FROM days", AT, interval)
    moments = [row[0] for row in connection.execute(rows).fetchall()]
    assert (moments[0], moments[-1], len(moments)) == (datetime(2020, 1, 5), datetime(2020, 1, 14), 10)
    assert places(connection, one.inside(interval), f"({rows})") == [0] * 6 + [1] * 2 + [2] * 2


def test_neighbours_share_no_row_and_lose_none(connection: duckdb.DuckDBPyConnection) -> None:
    one = split(validation="-4d", test="-2d")
    whole = parse_interval("2020-01-01", "2020-01-31")
    found = []
    for part in whole.tiled(whole.length / 3):
        found += connection.execute(one.rows_of(connection, "SELECT * FROM days", AT, part)).fetchall()
    assert found == connection.execute("SELECT * FROM days").fetchall()


def test_an_interval_in_another_zone_takes_the_rows_of_the_same_moments(connection: duckdb.DuckDBPyConnection) -> None:
    one = split(validation="-4d", test="-2d")
    interval = parse_interval("2020-01-05T01:00:00+01:00", "2020-01-15T01:00:00+01:00")
    assert interval == parse_interval("2020-01-05", "2020-01-15")
    assert one.unfit(interval) == ("", "")


@pytest.mark.parametrize(
    ("validation", "test", "named"),
    [
        ("-10d", "-2d", "validation"),
        ("2020-01-06", "2020-01-15", "test"),
        ("2020-01-05", "2020-01-08", "validation"),
        (5, 7, "validation"),
    ],
)
def test_a_cut_point_outside_the_interval_is_named(validation: object, test: object, named: str) -> None:
    interval = parse_interval("2020-01-05", "2020-01-15")
    assert split(validation=validation, test=test).unfit(interval)[0] == named


def test_a_cut_point_inside_the_interval_fits() -> None:
    interval = Interval(datetime(2020, 1, 5, tzinfo=UTC), datetime(2020, 1, 15, tzinfo=UTC))
    assert split(validation="2020-01-06", test="2020-01-14").unfit(interval) == ("", "")


@pytest.mark.parametrize(
    "keys",
    [
        {"validation": "-5d", "test": "-10d"},
        {"validation": "-5d", "test": "-5d"},
        {"validation": "-5d", "test": "2020-01-01"},
        {"validation": "2020-01-01", "test": "-5d"},
        {"validation": "-10d", "test": "-5d", "end": "-1d"},
        {"validation": "-10d", "test": "-5d", "end": 7},
        {"validation": 1, "test": "-5d"},
        {"validation": "-0d", "test": "-5d"},
        {"validation": "-5y", "test": "-1d"},
    ],
)
def test_cut_points_that_do_not_fit_each_other_are_refused(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        split(**keys)
