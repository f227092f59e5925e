"""What splits accept and refuse, before any row is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mlopsctl.splits import HashSplit, Split
from mlopsctl.splits.farm_fingerprint import bucket_range

SPLIT: TypeAdapter[Any] = TypeAdapter(Split)


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "hash"},
        {"kind": "hash", "train": 0.5, "validation": 0.2, "test": 0.1},
        {"kind": "hash", "train": 1, "validation": 0, "test": 0},
        {"kind": "farm_fingerprint", "buckets": 10, "train": "1-4", "validation": 8, "test": 9},
        {
            "kind": "farm_fingerprint",
            "column": "id",
            "buckets": 100,
            "train": "0-79",
            "validation": "80-89",
            "test": 90,
        },
        {"kind": "time", "column": "t", "validation": 10, "test": 20},
        {"kind": "time", "column": "t", "validation": "2020-01-01", "test": "2020-02-01T00:00:00", "end": "2021-01-01"},
        {"kind": "group", "column": "customer"},
        {"kind": "column", "column": "fold", "validation": "dev"},
    ],
)
def test_a_good_split_reads_back_what_it_writes(written: dict[str, Any]) -> None:
    split = SPLIT.validate_python(written)
    assert SPLIT.validate_python(split.model_dump(mode="json", by_alias=True)) == split


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"kind": "hash", "train": 0.9}, "add up to 1.1, more than 1"),
        ({"kind": "hash", "train": 0}, "no row is left to train on"),
        ({"kind": "hash", "train": 80}, "never percent"),
        ({"kind": "hash", "train": True}, "not a fraction"),
        ({"kind": "farm_fingerprint", "buckets": 10, "train": "1-8", "validation": 8, "test": 9}, "share buckets"),
        (
            {"kind": "farm_fingerprint", "buckets": 10, "train": "4-1", "validation": 8, "test": 9},
            "not within the buckets",
        ),
        (
            {"kind": "farm_fingerprint", "buckets": 9, "train": "1-4", "validation": 8, "test": 9},
            "not within the buckets",
        ),
        ({"kind": "farm_fingerprint", "buckets": 10, "train": "1-", "validation": 8, "test": 9}, "train"),
        ({"kind": "time", "column": "t", "validation": 20, "test": 10}, "does not lie after"),
        ({"kind": "time", "column": "t", "validation": 20, "test": "2020-01-01"}, "not of one kind"),
        ({"kind": "time", "column": "t", "validation": "yesterday", "test": 10}, "neither a number nor a date"),
        ({"kind": "column", "column": "fold", "validation": "train"}, "named by the same value"),
        ({"kind": "hash", "seed": 3}, "seed"),
    ],
)
def test_a_bad_split_is_refused_with_its_reason(written: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SPLIT.validate_python(written)
    told = " ".join(
        f"{error['msg']} {error['loc']} {error.get('ctx', {}).get('hint', '')}" for error in caught.value.errors()
    )
    assert message in told


def test_decimal_fractions_that_add_up_to_one_leave_no_row_out() -> None:
    assert HashSplit(train=0.8, validation=0.1, test=0.1).cuts()[-1] == 2**64
    assert HashSplit(train=0.7, validation=0.2, test=0.1).place(2**64 - 1) == "test"


def test_cuts_are_where_the_fractions_say() -> None:
    split = HashSplit(train=0.5, validation=0.25, test=0.125)
    places = [
        split.place(position) for position in (0, 2**63 - 1, 2**63, 3 * 2**62 - 1, 3 * 2**62, 7 * 2**61 - 1, 7 * 2**61)
    ]
    assert places == ["train", "train", "validation", "validation", "test", "test", None]


def test_a_bucket_may_be_a_number_or_a_range() -> None:
    assert list(bucket_range(8)) == [8]
    assert list(bucket_range("1-4")) == [1, 2, 3, 4]
    assert list(bucket_range("8")) == [8]
