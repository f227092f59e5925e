"""Slices: every value is a text that no other value has, and the rows are those that hold it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.components.slicing import Slices, sliced
from mlopsctl.gates.rule import slice_key
from mlopsctl.ground.errors import StepProblem


def values(column: Sequence[object], dtype: object = None) -> dict[str, list[int]]:
    """Which rows have which value."""
    found = sliced(pd.DataFrame({"c": pd.Series(column, dtype=dtype)}), ["c"])  # type: ignore[call-overload]
    return rows_of(found)


def rows_of(found: Slices) -> dict[str, list[int]]:
    assert found.counts() == {value: len(found.rows(place)) for place, value in enumerate(found.values)}
    return {value: found.rows(place).tolist() for place, value in enumerate(found.values)}


@pytest.mark.parametrize(
    ("column", "dtype", "expected"),
    [
        (["b", "a", "b", None], None, {"a": [1], "b": [0, 2], "(missing)": [3]}),
        ([2, 10, 1], None, {"1": [2], "2": [0], "10": [1]}),
        ([2.0, np.nan, 0.5, -0.0, 0.0], None, {"0": [3, 4], "0.5": [2], "2": [0], "(missing)": [1]}),
        ([np.inf, -np.inf, 1e300, 2.0**53], None,
         {"-inf": [1], "9007199254740992": [3], "1e+300": [2], "inf": [0]}),
        ([True, False, True], None, {"false": [1], "true": [0, 2]}),
        ([True, None, False], "boolean", {"false": [2], "true": [0], "(missing)": [1]}),
        ([True, None, False], object, {"false": [2], "true": [0], "(missing)": [1]}),
        ([3, None, 1], "Int64", {"1": [2], "3": [0], "(missing)": [1]}),
        (pd.to_datetime(["2026-01-02", None, "2026-01-01 10:00"], format="ISO8601"), None,
         {"2026-01-01 10:00:00": [2], "2026-01-02 00:00:00": [0], "(missing)": [1]}),
        (pd.to_datetime(["2026-01-02T00:00:00Z"]), None, {"2026-01-02 00:00:00+00:00": [0]}),
        (pd.Categorical(["x", "y", None, "x"], categories=["z", "y", "x"]), None,
         {"x": [0, 3], "y": [1], "(missing)": [2]}),
        (["(missing)", None], None, {"\\(missing)": [0], "(missing)": [1]}),
        (["", " ", "a,b", "é"], None, {"": [0], " ": [1], "a,b": [2], "é": [3]}),
        ([1, "1", "a"], object, {"1": [0, 1], "a": [2]}),
        ([], "float64", {}),
        ([None, None], "float64", {"(missing)": [0, 1]}),
    ],
)  # fmt: skip
def test_a_value_is_its_text(column: Sequence[object], dtype: object, expected: dict[str, list[int]]) -> None:
    assert values(column, dtype) == expected


def test_long_texts_are_cut_and_stay_apart() -> None:
    found = values(["x" * 500 + "a", "x" * 500 + "b"])
    assert len(found) == 2
    assert all(len(value) < 140 and "…" in value for value in found)


def test_crossed_columns_hold_what_occurs() -> None:
    rows = pd.DataFrame({"a": ["x", "y,z", None, "x"], "b": [1, 2, 1, 3], "c": [True] * 4})
    found = sliced(rows, ["a", "b", "c"])
    assert found.key == "a,b,c"
    assert rows_of(found) == {"x,1,true": [0], "x,3,true": [3], r"y\,z,2,true": [1], "(missing),1,true": [2]}


def test_no_two_slices_are_called_the_same() -> None:
    keys = [slice_key(columns) for columns in (("a,b",), ("a", "b"), ("a=b",), ("a",), ("a\\", "b"), ("a\\,b",))]
    assert len(set(keys)) == len(keys)
    # A column "a=b" with the value "c" and a column "a" with the value "b=c".
    left = sliced(pd.DataFrame({"a=b": ["c"]}), ["a=b"]).names()
    right = sliced(pd.DataFrame({"a": ["b=c"]}), ["a"]).names()
    assert left != right


@given(
    st.lists(st.tuples(st.text(",\\=a", max_size=3), st.text(",\\=a", max_size=3)), min_size=1, max_size=20),
)
def test_different_combinations_never_share_a_text(pairs: list[tuple[str, str]]) -> None:
    rows = pd.DataFrame(pairs, columns=["a", "b"])
    found = rows_of(sliced(rows, ["a", "b"]))
    expected: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(pairs):
        expected.setdefault(pair, []).append(place)
    assert sorted(found.values()) == sorted(expected.values())


def test_too_many_values_are_told_before_they_are_named() -> None:
    rows = pd.DataFrame({"id": np.arange(200_000), "b": np.arange(200_000) % 2, "c": np.arange(200_000) % 600})
    with pytest.raises(StepProblem, match="the slice id has 200,000 values; at most 1,000"):
        sliced(rows, ["id"])
    with pytest.raises(StepProblem, match=r"the slice b,id has 200,000 values"):
        sliced(rows, ["b", "id"])
    with pytest.raises(StepProblem, match=r"the slice c,d has 1,200 values"):
        sliced(rows.assign(d=rows["id"] // 100_000), ["c", "d"])
