"""Changes: every kind of gate on every pair of numbers and bootstrap, against a reference in plain Python."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product

from mlopsctl.evidence import Comparison, Evaluation, Measurement
from mlopsctl.gates import Change
from tests.unit.gates.table import (
    ABSENT,
    BOUND,
    METRICS,
    MIN_ROWS,
    OWN,
    SLICE,
    VALUES,
    number_of,
    within,
)

BASELINES: tuple[tuple[str, object], ...] = (
    ("ok", 0.6), ("ok", BOUND), ("ok", -0.5), ("ok", 0.0), ("ok", -0.0), ("ok", 5e-324), ("absent", 0.6),
    ("ok", math.nan),
    ("ok", None), ("ok", math.inf), ("ok", "0.6"), ("ok", True), ("other data", 0.6), ("problem", 0.6),
)  # fmt: skip
CHANGES: tuple[tuple[float | None, float | None], ...] = (
    (0.0, None), (-0.01, None), (0.1, None), (None, 0.0), (None, -0.01), (-0.05, 0.05),
)  # fmt: skip
CHANGED = ("accuracy", "r2", "cost", "drift")
EVEN = tuple(number / 1000 for number in range(-50, 51))
DRAWN: tuple[tuple[object, ...], ...] = (
    (), EVEN, tuple(reversed(EVEN)), (*EVEN[:-1], math.nan), (*EVEN[:-1], math.inf), EVEN[:5], (0.02,) * 40,
)  # fmt: skip
CONFIDENCES: tuple[float | None, ...] = (None, 0.5, 0.9, 0.95, 0.999)
TAILS = {0.5: Fraction(1, 2), 0.9: Fraction(1, 10), 0.95: Fraction(1, 20), 0.999: Fraction(1, 1000)}
RELEASES = (("trivial", ""), ("champion", ""), ("champion", "sha256:old"), ("champion", "sha256:new"))


def change_fits(metric: str, low: float | None, high: float | None) -> bool:
    direction, _, _ = METRICS[metric]
    if direction == "zero":
        return None not in (low, high)
    return (low if direction == "higher" else high) is not None


@cache
def change(
    metric: str, low: float | None, high: float | None, relative: bool, confidence: float | None, against: str,
    sliced: bool,
) -> Change:  # fmt: skip
    return Change(
        name="g", metric=metric, min=low, max=high, relative=relative, confidence=confidence,
        against=against, slice=SLICE if sliced else None, min_rows=MIN_ROWS,  # type: ignore[arg-type]
    )  # fmt: skip


def expected_change(
    metric: str, low: float | None, high: float | None, relative: bool, confidence: float | None,
    value: object, baseline: tuple[str, object], drawn: tuple[object, ...],
) -> str:  # fmt: skip
    """What the grammar says of one comparison that is there."""
    state, other = baseline
    ours, theirs = number_of(metric, value), number_of(metric, other)
    if state != "ok" or ours is None or theirs is None:
        return "error"
    # The difference of two floats is a float: so is the verdict's number.
    difference = float(value) - float(other)  # type: ignore[arg-type]
    if relative:
        if theirs == 0:
            return "error"
        difference = difference / abs(float(other))  # type: ignore[arg-type]
    if difference != difference or difference in (math.inf, -math.inf):
        return "error"
    if confidence is None:
        return within(Fraction(difference), low, high)
    bounds = expected_bounds(DRAWN.index(drawn), confidence)
    if bounds is None:
        return "error"
    passed = (low is None or bounds[0] >= Fraction(low)) and (high is None or bounds[1] <= Fraction(high))
    return "pass" if passed else "fail"


@cache
def expected_bounds(number: int, confidence: float) -> tuple[Fraction, Fraction] | None:
    """The k-th smallest and the k-th largest; k is the whole part of (n + 1) times what may be wrong."""
    drawn = DRAWN[number]
    if not drawn or any(type(one) is not float or not math.isfinite(one) for one in drawn):
        return None
    place = (len(drawn) + 1) * TAILS[confidence]
    if place < 1:
        return None
    ordered = sorted(Fraction(one) for one in drawn)  # type: ignore[arg-type]
    return ordered[int(place) - 1], ordered[len(ordered) - int(place)]


def compared(
    metric: str, against: str, champion: str, value: object, baseline: tuple[str, object], drawn: tuple[object, ...],
    relative: bool, slice: str = "",
) -> Evaluation:  # fmt: skip
    state, other = baseline
    found: tuple[Comparison, ...] = ()
    if state != "absent" and value is not ABSENT:
        rows = 40
        found = (
            Comparison(
                metric, against,
                Measurement(metric, value, rows, slice),  # type: ignore[arg-type]
                Measurement(metric, other, rows - 1 if state == "other data" else rows, slice,  # type: ignore[arg-type]
                            "it cannot be scored" if state == "problem" else ""),
                slice,
                () if relative else drawn,  # type: ignore[arg-type]
                drawn if relative else (),  # type: ignore[arg-type]
            ),
        )  # fmt: skip
    slices = {SLICE: {"x": 40}} if slice else {}
    return Evaluation("any", "test", 1000, "sha256:new", champion, (), found, slices, OWN)


def comparisons() -> Iterator[tuple[str, float | None, float | None, bool, float | None, tuple[object, ...]]]:
    for metric, (low, high), relative, confidence in product(CHANGED, CHANGES, (False, True), CONFIDENCES):
        if change_fits(metric, low, high):
            for drawn in DRAWN if confidence is not None else DRAWN[:1]:
                yield metric, low, high, relative, confidence, drawn


def test_a_change_passes_only_what_the_reference_proves() -> None:
    seen: Counter[str] = Counter()
    for number, (metric, low, high, relative, confidence, drawn) in enumerate(comparisons()):
        for turn, (value, baseline) in enumerate(product(VALUES, BASELINES)):
            # Every release for every kind of gate, one at a time; slices for every third.
            against, champion = RELEASES[(number + turn) % len(RELEASES)]
            slice = f"{SLICE}=x" if (number + turn) % 3 == 0 else ""
            gate = change(metric, low, high, relative, confidence, against, bool(slice))
            result = gate.judge(compared(metric, against, champion, value, baseline, drawn, relative, slice))
            if (against, champion) == ("champion", ""):
                expected, decides = "error", False
            else:
                expected, decides = "error", True
                if value is not ABSENT:
                    expected = expected_change(metric, low, high, relative, confidence, value, baseline, drawn)
            case = (metric, low, high, relative, confidence, drawn, value, baseline, against, champion, slice)
            assert (result.verdict, result.decides) == (expected, decides), case
            seen[expected] += 1
    assert min(seen.values()) > 2_000
    assert sum(seen.values()) > 200_000
