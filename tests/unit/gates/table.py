"""What can stand in evidence and in a gate, and the verdict as the grammar says it, in plain Python."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from functools import cache

from mlopsctl.evidence import Evaluation, Measurement, MetricRange
from mlopsctl.gates import Threshold

BOUND = 0.69
ULP_UP, ULP_DOWN = math.nextafter(BOUND, 1), math.nextafter(BOUND, 0)
ABSENT = "<absent>"
# 24 things that can stand where a metric's value belongs.
VALUES: tuple[object, ...] = (
    ABSENT, None, math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1e308, -1e308, "0.95", True, [0.9], {"a": 1},
    Decimal("0.9"), 1, BOUND, ULP_UP, ULP_DOWN, 0.5, 0.99, 1.0, 1.0000001, -0.25,
)  # fmt: skip
# Direction, smallest and largest value there can be; the last three are functions of a project.
METRICS: dict[str, tuple[str, float | None, float | None]] = {
    "accuracy": ("higher", 0.0, 1.0), "rmse": ("lower", 0.0, None), "r2": ("higher", None, 1.0),
    "brier": ("lower", 0.0, 1.0), "profit": ("higher", None, None), "cost": ("lower", 0.0, 5.0),
    "drift": ("zero", -2.0, 2.0),
}  # fmt: skip
OWN = {name: MetricRange(*METRICS[name]) for name in ("profit", "cost", "drift")}  # type: ignore[arg-type]
LOW_AND_HIGH: tuple[tuple[float | None, float | None], ...] = (
    (BOUND, None), (None, BOUND), (0.5, BOUND), (BOUND, BOUND), (0.0, 1.0), (ULP_UP, 0.99),
)  # fmt: skip
MIN_ROWS = 30
SLICE = "area"
# What is known of a slice: not listed at all, listed without values, or one value with so many rows.
PLACES: tuple[object, ...] = ("all", ABSENT, "empty", 0, 1, MIN_ROWS - 1, MIN_ROWS, MIN_ROWS + 1)


def fits(metric: str, low: float | None, high: float | None) -> bool:
    """Whether such a gate may be written; the catalogue's are refused, and a project's own are refused in it."""
    direction, smallest, largest = METRICS[metric]
    if (direction == "higher" and low is None) or (direction == "lower" and high is None):
        return False
    if direction == "zero" and None in (low, high):
        return False
    bounds = [bound for bound in (low, high) if bound is not None]
    return all((smallest is None or bound >= smallest) and (largest is None or bound <= largest) for bound in bounds)


def number_of(metric: str, value: object) -> Fraction | None:
    """The number, if it is one that this metric can have; nothing else is a number."""
    if type(value) is int or (type(value) is float and value == value and value not in (math.inf, -math.inf)):
        exact = Fraction(value)
    else:
        return None
    _, smallest, largest = METRICS[metric]
    slack = Fraction(1, 10**9)
    if smallest is not None and exact < Fraction(smallest) - slack:
        return None
    if largest is not None and exact > Fraction(largest) + slack:
        return None
    return exact


def within(number: Fraction, low: float | None, high: float | None) -> str:
    above = low is None or number >= Fraction(low)
    below = high is None or number <= Fraction(high)
    return "pass" if above and below else "fail"


def expected_threshold(metric: str, low: float | None, high: float | None, value: object, place: object) -> str:
    """What the grammar says: only a number that is there, on enough rows, within the bounds, passes."""
    if place in (ABSENT, "empty"):
        return "error"
    if isinstance(place, int) and place < MIN_ROWS:
        return "error"
    number = number_of(metric, value)
    return "error" if number is None else within(number, low, high)


@cache
def threshold(metric: str, low: float | None, high: float | None, sliced: bool) -> Threshold:
    return Threshold(name="g", metric=metric, min=low, max=high, slice=SLICE if sliced else None, min_rows=MIN_ROWS)


def evidence(metric: str, value: object, place: object, rows: object = 1000, problem: str = "") -> Evaluation:
    """An evaluation with one measurement, on all rows or on a slice."""
    slices: dict[str, dict[str, int]] = {}
    found: list[Measurement] = []
    if place == "all":
        if value is not ABSENT:
            found = [Measurement(metric, value, rows, problem=problem)]  # type: ignore[arg-type]
    else:
        # All rows together look good: a gate on slices may not fall back on them.
        found = [Measurement(metric, BOUND, 1000)]
        if place == "empty":
            slices = {SLICE: {}}
        elif isinstance(place, int):
            slices = {SLICE: {"x": place}}
            if value is not ABSENT:
                found.append(Measurement(metric, value, place, f"{SLICE}=x"))  # type: ignore[arg-type]
    return Evaluation("any", "test", 1000, "sha256:new", "", tuple(found), slices=slices, own=OWN)
