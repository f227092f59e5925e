"""Where each kind of split puts rows: every row once, bad values nowhere, and a word on those."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from mlopsctl.ground.errors import StepProblem
from mlopsctl.splits import FarmFingerprint, Placed, Split
from mlopsctl.splits.farm_fingerprint import bucket_of
from mlopsctl.tables.columns import Column
from mlopsctl.tables.engine import opened
from mlopsctl.tables.rows import Value, group_position
from mlopsctl.tables.scan import column_type
from tests.unit.tables.farm import fingerprint

SPLIT: TypeAdapter[Any] = TypeAdapter(Split)
NAN, INF = float("nan"), float("inf")


def placed(split: dict[str, Any], **columns: Sequence[Any]) -> tuple[list[int | None], Placed]:
    """The place of each row of a table, and what the split says."""
    table = pa.table({name: _array(values) for name, values in columns.items()})
    with opened() as connection:
        connection.register("arrow", table)
        connection.execute("CREATE TEMP TABLE source AS FROM arrow")
        described = connection.execute("DESCRIBE source").fetchall()
        found = [Column(str(row[0]), column_type(str(row[1]))) for row in described]
        answer = SPLIT.validate_python(split).places(connection, "source", found)
        return [row[0] for row in connection.execute(answer.query).fetchall()], answer


def _array(values: Sequence[Any]) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(list(values), from_pandas=False)


TIME = {"kind": "time", "column": "t", "validation": 10, "test": 20}
DATES = {"kind": "time", "column": "t", "validation": "2020-01-10", "test": "2020-01-20T12:00:00"}


@pytest.mark.parametrize(
    ("split", "values", "expected", "told"),
    [
        (TIME, [9, 10, 19, 20, 10**12, -5], [0, 1, 1, 2, 2, 0], ""),
        (TIME, [9.999, 10.0, 19.5, 20.0], [0, 1, 1, 2], ""),
        (TIME, [None, 5, None], [None, 0, None], "2 rows without a moment in 't'"),
        (TIME, [NAN, INF, -INF, 5.0], [None, None, None, 0], "3 rows without a moment in 't'"),
        ({**TIME, "end": 30}, [5, 15, 25, 30, 31], [0, 1, 2, None, None], "2 rows from `end: 30` on"),
        ({**TIME, "validation": 9.5}, [9, 10], [0, 1], ""),
        ({**TIME, "test": 2**63 - 1}, [2**63 - 2, 2**63 - 1], [1, 2], ""),
        ({**TIME, "test": 1e300}, [2**63 - 1], [1], ""),
        (DATES, ["2020-01-09", "2020-01-10", "2020-01-20", "2020-01-21"], [0, 1, 1, 2], ""),
        (DATES, ["2020-01-09T23:59:59Z", "2020-01-10T00:30:00+01:00", "2020-01-20 12:00"], [0, 0, 2], ""),
        (DATES, [" 2020-01-10 ", None, "2020-01-20T11:59:59.999999"], [1, None, 1], "1 row without a moment"),
        (DATES, [dt.datetime(2020, 1, 9, 23), dt.datetime(2020, 1, 20, 12), None], [0, 2, None], "1 row without"),
        (DATES, [dt.date(2020, 1, 9), dt.date(2020, 1, 10)], [0, 1], ""),
        ({**DATES, "validation": "2020-01-10T00:00:00+02:00"}, ["2020-01-09T22:00:00Z"], [1], ""),
    ],
)
def test_time_cuts_where_it_says(
    split: dict[str, Any], values: Sequence[Any], expected: list[int | None], told: str
) -> None:
    found, answer = placed(split, t=values)
    assert found == expected
    assert told in "; ".join(answer.remarks)
    assert bool(answer.remarks) == bool(told)


@pytest.mark.parametrize(
    ("split", "values", "words"),
    [
        (TIME, ["2020-01-01"], "reads numbers, such as `validation: 10`, from the column 't', which holds .* string"),
        (TIME, [dt.datetime(2020, 1, 1)], "which holds values of type timestamp"),
        (TIME, [True, False], "type bool"),
        (TIME, [[1], [2]], "type other"),
        (DATES, [2020, 2021], "reads dates, such as `validation: 2020-01-10`, .* type int"),
        (DATES, [1.5], "type float"),
        (DATES, ["2020-01-01", "yesterday", "2020-02-30"], "holds other text in 2 rows: '2020-02-30'"),
        (DATES, ["01/02/2020"], "other text in 1 row: '01/02/2020'"),
        (DATES, ["2020-01-01; DROP TABLE x"], "'2020-01-01; DROP TABLE x'"),
        (DATES, ["", "2020-01-01"], "in 1 row: ''"),
        (DATES, ["infinity", "epoch"], "other text in 2 rows"),
        (DATES, ["2020-01-01\x1b[31m"], r"x1b"),
        ({**TIME, "column": "when"}, [1], "`split` names the column 'when', which the data does not have"),
    ],
)
def test_a_column_that_time_cannot_read_is_named_with_what_it_holds(
    split: dict[str, Any], values: Sequence[Any], words: str
) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        placed(split, t=values)
    assert caught.value.diagnostics[0].hint
    assert "\x1b" not in str(caught.value)


def test_time_says_from_where_to_where_the_column_goes() -> None:
    assert placed(TIME, t=[3, None, 8])[1].range == "column 't' runs from 3 to 8"
    assert placed(DATES, t=["2020-03-01", "2020-02-01"])[1].range == "column 't' runs from 2020-02-01 to 2020-03-01"
    assert placed(TIME, t=pa.array([None, None], pa.int64()))[1].range == "column 't' is empty"


GROUP = {"kind": "group", "column": "g"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1, 2, 3, 1, 2], ""),
        (["a", "", " ", "a"], ""),
        ([1.5, NAN, None, INF], "2 rows without a group in 'g'"),
        ([None, "x", None], "2 rows without a group in 'g'"),
        ([True, False, True], ""),
        ([dt.datetime(2020, 1, 1), None], "1 row without a group"),
        (["x'; DROP TABLE source; --", "é\u2028\x00"], ""),
    ],
)
def test_a_group_goes_where_its_bytes_say_and_rows_without_one_nowhere(values: Sequence[Any], told: str) -> None:
    found, answer = placed(GROUP, g=values)
    for place, value in zip(found, values, strict=True):
        missing = value is None or value != value
        assert place == (None if missing else _by_share(value))
    assert told in "; ".join(answer.remarks)
    assert bool(answer.remarks) == bool(told)


def _by_share(value: Value) -> int:
    position = group_position(value) / 2**64
    return 0 if position < 0.8 else 1 if position < 0.9 else 2


def test_no_group_stands_in_two_splits_and_whole_floats_are_whole_numbers() -> None:
    groups = np.random.default_rng(0).integers(0, 500, 4000)
    found, answer = placed(GROUP, g=groups.tolist(), n=range(4000))
    assert pd.Series(found).groupby(groups).nunique().max() == 1
    assert 0.7 < found.count(0) / 4000 < 0.9
    assert answer.range == "column 'g' names 500 groups"
    assert placed(GROUP, g=groups.astype(float).tolist())[0] == found


def test_a_groups_bytes_never_change() -> None:
    def number(text: str) -> int:
        return int.from_bytes(hashlib.sha256(f"mlopsctl/group-split/v1\n{text}".encode()).digest()[:8], "big")

    assert group_position("a") == number("t1:a")
    assert group_position(7) == group_position(7.0) == number("n1:7")
    assert group_position("7") == number("t1:7")
    assert group_position(True) == number("b4:true")


COLUMN = {"kind": "column", "column": "fold"}


@pytest.mark.parametrize(
    ("split", "values", "expected", "told"),
    [
        (COLUMN, ["train", "validation", "test", "test"], [0, 1, 2, 2], ""),
        (COLUMN, ["Train", " test", "test\n", "dev"], [None] * 4, "4 rows with another value in 'fold': ' test' (1)"),
        (COLUMN, [None, "train"], [None, 0], "1 row with nothing in 'fold'"),
        ({**COLUMN, "train": 0, "validation": 1, "test": 2}, [0, 1, 2, 7], [0, 1, 2, None], "'7' (1)"),
        ({**COLUMN, "train": 0, "validation": "1", "test": 2}, ["0", "1", "2"], [0, 1, 2], ""),
        ({**COLUMN, "train": 0, "validation": 1, "test": 2}, [0.0, 1.0, 1.5, NAN], [0, 1, None, None], "'nan' (1)"),
        ({**COLUMN, "train": "false", "validation": "x", "test": "true"}, [True, False], [2, 0], ""),
        ({**COLUMN, "train": "' OR 1=1 --"}, ["' OR 1=1 --", "x"], [0, None], "1 row with another value"),
    ],
)
def test_a_column_names_the_split_and_other_values_are_told(
    split: dict[str, Any], values: Sequence[Any], expected: list[int | None], told: str
) -> None:
    found, answer = placed(split, fold=values)
    assert found == expected
    assert told in "; ".join(answer.remarks)
    assert bool(answer.remarks) == bool(told)


def test_many_other_values_are_counted_not_listed() -> None:
    _, answer = placed(COLUMN, fold=[f"v{n}" for n in range(9)] + ["v0"])
    assert answer.remarks == (
        "10 rows with another value in 'fold': 'v0' (2), 'v1' (1), 'v2' (1), 'v3' (1), 'v4' (1) and 4 more",
    )


@pytest.mark.parametrize("values", [[[1]], [dt.datetime(2020, 1, 1)]])
def test_a_column_of_moments_or_lists_names_no_split(values: Sequence[Any]) -> None:
    with pytest.raises(StepProblem, match="reads the names of splits"):
        placed(COLUMN, fold=values)


FARM = {"kind": "farm_fingerprint", "buckets": 10, "train": "0-6", "validation": 7, "test": "8-9"}


def _by_bucket(text: str, buckets: int = 10) -> int:
    bucket = abs(fingerprint(text.encode())) % buckets
    return 0 if bucket <= 6 else 1 if bucket == 7 else 2


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([77516, -1, 0, 2**63 - 1], ["77516", "-1", "0", str(2**63 - 1)]),
        (["a", "", "é", "x" * 500], ["a", "", "é", "x" * 500]),
        (["'; DROP TABLE source; --", '{"a":1}', "\x00\n"], ["'; DROP TABLE source; --", '{"a":1}', "\x00\n"]),
        ([1.0, 0.1, NAN, INF, -INF], ["1", "0.1", "nan", "inf", "-inf"]),
        ([True, False], ["true", "false"]),
        ([dt.datetime(2020, 1, 31, 12)], ["2020-01-31 12:00:00+00"]),
        (["constant"] * 5, ["constant"] * 5),
    ],
)
def test_a_fingerprint_of_one_column_is_that_of_its_text(values: Sequence[Any], texts: list[str]) -> None:
    found, answer = placed({**FARM, "column": "x"}, x=values, y=range(len(values)))
    assert found == [_by_bucket(text) for text in texts]
    assert answer.remarks == ()


def test_rows_without_a_value_in_the_column_go_nowhere() -> None:
    found, answer = placed({**FARM, "column": "x"}, x=["a", None, "b", None])
    assert found == [_by_bucket("a"), None, _by_bucket("b"), None]
    assert answer.remarks == ("2 rows with nothing in 'x'",)
    assert placed({**FARM, "column": "x"}, x=pa.array([None] * 3, pa.string()))[0] == [None] * 3


def test_a_fingerprint_of_the_row_is_that_of_its_json_in_the_sources_order() -> None:
    found, _ = placed(FARM, b=[1, None], a=["x", 'say "hi"'])
    assert found == [_by_bucket('{"b":1,"a":"x"}'), _by_bucket('{"b":null,"a":"say \\"hi\\""}')]


def test_a_whole_row_with_a_list_is_refused() -> None:
    with pytest.raises(StepProblem, match="these columns have others: 'tags'"):
        placed(FARM, n=[1], tags=[[1]])


def test_buckets_that_no_split_names_are_unused_over_many_batches() -> None:
    split = {"kind": "farm_fingerprint", "column": "x", "buckets": 100, "train": "10-59", "validation": 60, "test": 61}
    found, _ = placed(split, x=range(20_000))
    buckets = [abs(fingerprint(str(n).encode())) % 100 for n in range(20_000)]
    assert found == [0 if 10 <= b <= 59 else {60: 1, 61: 2}.get(b) for b in buckets]


def test_the_one_fingerprint_without_an_absolute_value_fails_as_in_bigquery() -> None:
    assert bucket_of(np.array([-(2**63) + 1, -13, 13], dtype=np.int64), 10).tolist() == [7, 3, 3]
    with pytest.raises(StepProblem, match="absolute value"):
        bucket_of(np.array([5, -(2**63)], dtype=np.int64), 10)


@pytest.mark.parametrize(
    ("parts", "ranges", "whole"),
    [
        ({"train": "0-7", "validation": 8, "test": 9}, ((0, 9),), True),
        ({"train": "5-9", "validation": "0-3", "test": 4}, ((0, 9),), True),
        ({"train": "1-4", "validation": 6, "test": 8}, ((1, 4), (6, 6), (8, 8)), False),
        ({"train": "1-4", "validation": 5, "test": 8}, ((1, 5), (8, 8)), False),
    ],
)
def test_the_buckets_a_fingerprint_uses_are_told_in_order(
    parts: dict[str, Any], ranges: tuple[tuple[int, int], ...], whole: bool
) -> None:
    used = FarmFingerprint(buckets=10, column="a", **parts).used()
    assert (used.column, used.buckets, used.ranges, used.whole) == ("a", 10, ranges, whole)
