"""Every verdict against a reference that is written another way: pass is proved, or it is not given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from pydantic import ValidationError

from mlopsctl.evidence import Comparison, Evaluation, GateResult, Measurement, Verdict, parse
from mlopsctl.gates import Change, Threshold

NOWHERE = object()
BOUND = 0.69

# 28 things that can stand where a number belongs.
VALUES: tuple[object, ...] = (
    NOWHERE, None, math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1e308, -1e308, "0.95", "", True, False, [0.9], {},
    Decimal("0.9"), Fraction(9, 10), 1, 0, BOUND, math.nextafter(BOUND, 1), math.nextafter(BOUND, 0), 0.5, 0.99, 1.0,
    1.5, -0.25,
)  # fmt: skip
BOUNDS: tuple[tuple[float | None, float | None], ...] = (
    (BOUND, None), (BOUND, 0.99), (0.0, None), (1.0, None), (BOUND, BOUND),
)  # fmt: skip
LOSSES: tuple[tuple[float | None, float | None], ...] = ((None, BOUND), (0.5, BOUND), (None, 0.0), (0.0, 1e308))
RANGES = {"accuracy": (0.0, 1.0), "r2": (-math.inf, 1.0), "rmse": (0.0, math.inf), "mcc": (-1.0, 1.0)}
ROWS: tuple[object, ...] = (1000, 1, 0, -1, True, "1000", None, 2.5)


def is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def believable(metric: str, value: object, rows: object, problem: str) -> bool:
    """Whether a measurement can be trusted at all."""
    low, high = RANGES[metric]
    return (
        not problem
        and is_number(value)
        and low - 1e-9 <= value <= high + 1e-9  # type: ignore[operator]
        and type(rows) is int
        and rows > 0
    )


def inside(value: float, low: float | None, high: float | None) -> bool:
    """``low <= value <= high`` in exact arithmetic."""
    exact = Fraction(value)
    return (low is None or Fraction(low) <= exact) and (high is None or exact <= Fraction(high))


def measurement(metric: str, value: object, rows: object = 1000, slice: str = "", problem: str = "") -> Measurement:
    return Measurement(metric, value, rows, slice, problem)  # type: ignore[arg-type]


def evaluation(*measurements: Measurement, **more: object) -> Evaluation:
    return Evaluation("classification", "test", 1000, "sha256:new", "", measurements, **more)  # type: ignore[arg-type]


def test_a_threshold_gives_the_verdict_of_the_reference() -> None:
    seen = dict.fromkeys(Verdict, 0)
    tables = {"accuracy": BOUNDS, "r2": BOUNDS, "mcc": BOUNDS, "rmse": LOSSES}
    for metric, bounds in tables.items():
        for (low, high), value, rows, problem in product(bounds, VALUES, ROWS, ("", "no")):
            found = () if value is NOWHERE else (measurement(metric, value, rows, problem=problem),)
            result = Threshold(name="g", metric=metric, min=low, max=high).judge(evaluation(*found))
            if value is NOWHERE or not believable(metric, value, rows, problem):
                expected = Verdict.ERROR
            else:
                expected = Verdict.PASS if inside(value, low, high) else Verdict.FAIL  # type: ignore[arg-type]
            assert result.verdict is expected, (metric, low, high, value, rows, problem, result)
            assert result.decides
            assert result.reason
            seen[expected] += 1
    assert sum(seen.values()) > 8_000
    assert min(seen.values()) > 100


@dataclass(frozen=True)
class Case:
    """A change gate and the comparison it meets."""

    metric: str
    low: float | None
    high: float | None
    relative: bool
    confidence: float | None
    against: str
    champion: str
    candidate: object
    baseline: object
    baseline_rows: object
    replicates: tuple[object, ...]


REPLICATES: tuple[tuple[object, ...], ...] = (
    (),
    (0.1,) * 10,
    tuple(number / 100 for number in range(-10, 89)),
    tuple(number / 100 for number in range(89, -10, -1)),
    (*(0.2 for _ in range(98)), math.nan),
    (-math.inf, *(0.2 for _ in range(98))),
    tuple(-number / 1000 for number in range(199)),
)


def cases() -> Iterator[Case]:
    everything = product(
        (("accuracy", -0.01, None), ("accuracy", 0.1, 0.5), ("mcc", 0.0, None), ("rmse", None, 0.2),
         ("rmse", -1.0, -0.1)),
        (False, True), (None, 0.5, 0.95, 0.995), ("champion", "trivial"), ("", "sha256:old", "sha256:new"),
        (*VALUES[:18:3], 1e308, *VALUES[18:]), (NOWHERE, math.nan, None, "1", 0.0, -0.0, 0.59, 0.69, 0.9, -0.5, 1e-300),
    )  # fmt: skip
    for number, ((metric, low, high), relative, confidence, against, champion, candidate, baseline) in enumerate(
        everything
    ):
        choices = REPLICATES if confidence is not None else REPLICATES[:1]
        yield Case(
            metric, low, high, relative, confidence, against, champion, candidate, baseline,
            1000 if number % 7 else (999, 0, None)[number % 3], choices[number % len(choices)],
        )  # fmt: skip


def reference(case: Case) -> tuple[Verdict, bool]:
    """The verdict and whether it decides, from the grammar's words."""
    if case.against == "champion" and case.champion == "":
        return Verdict.ERROR, False
    error = Verdict.ERROR, True
    if NOWHERE in (case.candidate, case.baseline) or case.baseline_rows != 1000:
        return error
    if not believable(case.metric, case.candidate, 1000, "") or not believable(case.metric, case.baseline, 1000, ""):
        return error
    difference = case.candidate - case.baseline  # type: ignore[operator]
    if case.relative:
        if case.baseline == 0:
            return error
        difference /= abs(case.baseline)  # type: ignore[arg-type]
    if not math.isfinite(difference):
        return error
    low = high = difference
    if case.confidence is not None:
        count = len(case.replicates)
        tail = {0.5: Fraction(1, 2), 0.95: Fraction(1, 20), 0.995: Fraction(1, 200)}[case.confidence]
        place = (count + 1) * tail.numerator // tail.denominator
        if not count or not all(map(is_number, case.replicates)) or place == 0:
            return error
        ordered = sorted(case.replicates)  # type: ignore[type-var]
        low, high = ordered[place - 1], ordered[count - place]  # type: ignore[assignment]
    passed = (case.low is None or low >= case.low) and (case.high is None or high <= case.high)
    return (Verdict.PASS if passed else Verdict.FAIL), True


def judged(case: Case) -> GateResult:
    gate = Change(
        name="g", metric=case.metric, min=case.low, max=case.high, relative=case.relative,
        confidence=case.confidence, against=case.against,  # type: ignore[arg-type]
    )  # fmt: skip
    comparisons: tuple[Comparison, ...] = ()
    if NOWHERE not in (case.candidate, case.baseline):
        drawn = {"relative_replicates" if case.relative else "replicates": case.replicates}
        comparisons = (
            Comparison(
                case.metric,
                case.against,
                measurement(case.metric, case.candidate),
                measurement(case.metric, case.baseline, case.baseline_rows),
                **drawn,  # type: ignore[arg-type]
            ),
        )
    return gate.judge(Evaluation("classification", "test", 1000, "sha256:new", case.champion, (), comparisons))


def test_a_change_gives_the_verdict_of_the_reference() -> None:
    seen = dict.fromkeys(Verdict, 0)
    first = 0
    for case in cases():
        result = judged(case)
        expected, decides = reference(case)
        assert (result.verdict, result.decides) == (expected, decides), (case, result)
        seen[expected] += 1
        first += not decides
    assert sum(seen.values()) > 20_000
    assert min(seen[Verdict.PASS], seen[Verdict.FAIL], first) > 500


# Per slice value: rows counted, rows measured (None: not measured), value.
PARTS: tuple[tuple[int, object, object], ...] = (
    (30, 30, 0.9), (30, 30, 0.1), (30, 30, math.nan), (30, 29, 0.9), (30, None, 0.9), (29, 29, 0.1), (29, None, 0.1),
    (31, 31, BOUND), (0, 0, 0.9), (1, 1, 0.9), (30, True, 0.9), (30, 30, None), (30, 31, 0.9),
)  # fmt: skip


def test_a_sliced_threshold_gives_the_verdict_of_the_reference() -> None:
    gate = Threshold(name="g", metric="accuracy", min=BOUND, slice="area")
    seen = dict.fromkeys(Verdict, 0)
    for count in range(4):
        for parts in product(PARTS, repeat=count):
            slices = {f"v{place}": counted for place, (counted, _, _) in enumerate(parts)}
            found = [
                measurement("accuracy", value, rows, f"area=v{place}")
                for place, (_, rows, value) in enumerate(parts)
                if rows is not None
            ]
            # All rows together always look good: a sliced gate may not fall back on them.
            result = gate.judge(evaluation(measurement("accuracy", 0.95), *found, slices={"area": slices}))
            judged_parts = [part for part in parts if part[0] >= 30]
            verdicts = [
                Verdict.ERROR
                if rows != counted or not believable("accuracy", value, rows, "")
                else (Verdict.PASS if value >= BOUND else Verdict.FAIL)  # type: ignore[operator]
                for counted, rows, value in judged_parts
            ]
            if not verdicts:
                expected = Verdict.ERROR
            elif Verdict.FAIL in verdicts:
                expected = Verdict.FAIL
            else:
                expected = Verdict.PASS if set(verdicts) == {Verdict.PASS} else Verdict.ERROR
            assert result.verdict is expected, (parts, result)
            assert len(result.not_judged) == len(parts) - len(judged_parts)
            if verdicts:
                assert [part.verdict for part in result.parts] == verdicts
            seen[expected] += 1
    assert min(seen.values()) > 5
    assert sum(seen.values()) > 2_000


def test_a_slice_that_was_not_measured_is_an_error() -> None:
    gate = Threshold(name="g", metric="accuracy", min=0.0, slice="area")
    for slices in ({}, {"other": {"a": 100}}, {"area": {}}):
        good = measurement("accuracy", 1.0, 100, "area=a")
        assert gate.judge(evaluation(measurement("accuracy", 1.0), good, slices=slices)).verdict is Verdict.ERROR


def test_evidence_that_was_written_by_hand_is_read_strictly() -> None:
    """``"0.95"`` and ``true`` are no numbers, also where JSON could be bent into one."""
    good = b'{"task": "c", "split": "test", "rows": 9, "model": "a", "champion": "", "measurements": [%s]}'
    measured = b'{"metric": "accuracy", "value": %s, "rows": %s}'
    gate = Threshold(name="g", metric="accuracy", min=0.5)
    assert gate.judge(parse(Evaluation, good % (measured % (b"0.95", b"9")))).verdict is Verdict.PASS
    assert gate.judge(parse(Evaluation, good % (measured % (b"null", b"9")))).verdict is Verdict.ERROR
    assert gate.judge(parse(Evaluation, good % (measured % (b"1e999", b"9")))).verdict is Verdict.ERROR
    for value, rows in ((b'"0.95"', b"9"), (b"true", b"9"), (b"[0.95]", b"9"), (b"0.95", b"true"), (b"0.95", b"9.5")):
        with pytest.raises(ValidationError):
            parse(Evaluation, good % (measured % (value, rows)))
