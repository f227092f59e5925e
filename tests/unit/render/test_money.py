"""Amounts of money: no amount is shown as nothing that is something, and what a sum leaves out is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.cost import Cost
from mlopsctl.render.money import cost_json, money, of_step, whole


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0.00 EUR"),
        (1234.5, "1,234.50 EUR"),
        (0.1, "0.10 EUR"),
        (0.0999, "0.100 EUR"),
        (0.0123456, "0.012 EUR"),
        (0.000031, "0.000031 EUR"),
        (1e-9, "less than 0.000001 EUR"),
    ],
)
def test_an_amount_has_the_digits_that_count(amount: float, shown: str) -> None:
    assert money(amount, "EUR") == shown


@given(st.floats(0, 1e12))
def test_only_nothing_is_shown_as_nothing(amount: float) -> None:
    said = money(amount, "EUR")
    assert (any(digit in said for digit in "123456789")) == (amount > 0)


def test_what_a_sum_leaves_out_is_said() -> None:
    some = Cost("EUR", {"a": 1.0, "b": 0.5}, ("c",))
    assert whole(some) == "1.50 EUR, without 1 of 3 steps whose price or time is not known"
    assert whole(Cost("EUR", {"a": 1.0})) == "1.00 EUR"
    assert whole(Cost("EUR", {}, ("c",))) == "unknown, for no step is both the price and the time known"
    assert whole(Cost("EUR", {})) == ""
    assert [of_step(some, step) for step in ("a", "c", "d")] == ["1.00 EUR", "unknown", ""]
    assert cost_json(Cost("EUR", {}, ("c",))) == {"currency": "EUR", "total": None, "steps": {}, "unknown": ["c"]}
    assert cost_json(None) is None
