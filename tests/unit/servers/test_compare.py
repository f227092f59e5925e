"""What a server answers against what the model predicts."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.numbers import percentile
from mlopsctl.servers.compare import Difference, difference, plain_rows

EXPECTED = {"prediction": "Adelie", "probability_Adelie": 0.75}


def answered(**row: object) -> bytes:
    return json.dumps({"predictions": [row]}).encode()


def test_the_same_answer_has_no_difference() -> None:
    assert difference(answered(**EXPECTED), EXPECTED, 0.0) == 0.0


def test_a_small_difference_is_measured_and_taken() -> None:
    found = difference(answered(prediction="Adelie", probability_Adelie=0.75 + 1e-12), EXPECTED, 1e-9)
    assert isinstance(found, float)
    assert found == pytest.approx(1e-12, rel=1e-3)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (answered(prediction="Gentoo", probability_Adelie=0.75), "answers prediction 'Gentoo'"),
        (answered(prediction="Adelie", probability_Adelie=0.7501), "probability_Adelie 0.7501"),
        (answered(prediction="Adelie", probability_Adelie=None), "probability_Adelie None"),
        (answered(prediction="Adelie", probability_Adelie=math.nan), "probability_Adelie nan"),
        (answered(prediction="Adelie"), "the server answers with prediction, the model with"),
        (b'{"predictions": ["Adelie"]}', "does not hold one prediction"),
        (b'{"predictions": []}', "does not hold one prediction"),
        (b'{"error": 1}', "not JSON with predictions"),
        (b"<html>", "not JSON with predictions"),
    ],
)
def test_another_answer_is_said(body: bytes, said: str) -> None:
    found = difference(body, EXPECTED, 1e-9)
    assert isinstance(found, Difference)
    assert said in str(found)


def test_a_model_that_predicts_no_number_is_never_right() -> None:
    expected = plain_rows(pd.DataFrame({"prediction": [math.nan]}))[0]
    assert isinstance(difference(answered(prediction=math.nan), expected, 1e-9), Difference)


def test_true_is_not_one() -> None:
    assert isinstance(difference(answered(prediction=1), {"prediction": True}, 1e-9), Difference)


def test_large_numbers_are_compared_relatively() -> None:
    assert isinstance(difference(answered(prediction=1e12 + 1), {"prediction": 1e12}, 1e-9), float)
    assert isinstance(difference(answered(prediction=1e12 + 1e6), {"prediction": 1e12}, 1e-9), Difference)


def test_rows_become_plain_json() -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "number": [0.1, math.nan],
            "flag": [True, False],
            "text": ["a", None],
            "when": [pd.Timestamp("2026-01-02T03:04:05"), pd.NaT],
        }
    )
    assert plain_rows(frame) == [
        {"whole": 1, "number": 0.1, "flag": True, "text": "a", "when": "2026-01-02T03:04:05"},
        {"whole": None, "number": None, "flag": False, "text": None, "when": None},
    ]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_a_value_that_enough_values_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)


def test_a_percentile_is_not_one_too_high_because_of_floats() -> None:
    assert percentile(range(1, 101), 0.07) == 7
    assert percentile(range(1, 101), 0.29) == 29
