"""Thresholds and sets of gates: all combinations of what can stand in evidence, against a reference in plain Python.

With `test_every_change.py` some 250,000 verdicts. The reference knows nothing of the code it judges: exact fractions,
no shared helpers.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from itertools import product

import pytest

from mlopsctl.evidence import Blessing, Evaluation, Measurement, Verdict
from mlopsctl.gates import Change, Gate, Threshold
from mlopsctl.gates.judge import judge
from tests.unit.gates.table import (
    ABSENT,
    BOUND,
    LOW_AND_HIGH,
    METRICS,
    MIN_ROWS,
    OWN,
    PLACES,
    ULP_DOWN,
    ULP_UP,
    VALUES,
    evidence,
    expected_threshold,
    fits,
    threshold,
)


def test_a_threshold_passes_only_what_the_reference_proves() -> None:
    seen: Counter[str] = Counter()
    for metric, (low, high), value, place in product(METRICS, LOW_AND_HIGH, VALUES, PLACES):
        if not fits(metric, low, high):
            continue
        verdict = threshold(metric, low, high, place != "all").judge(evidence(metric, value, place)).verdict
        expected = expected_threshold(metric, low, high, value, place)
        assert verdict == expected, (metric, low, high, value, place)
        seen[expected] += 1
    assert min(seen.values()) > 200
    assert sum(seen.values()) > 4_000


ROWS: tuple[object, ...] = (1000, 1, 0, -1, True, False, "1000", None, 2.5, math.nan, [1], 10**30)


def test_a_number_of_rows_that_is_none_is_no_evidence() -> None:
    seen: Counter[str] = Counter()
    for metric, (low, high), value, rows, problem in product(METRICS, LOW_AND_HIGH, VALUES, ROWS, ("", "no")):
        if not fits(metric, low, high):
            continue
        verdict = threshold(metric, low, high, False).judge(evidence(metric, value, "all", rows, problem)).verdict
        counted = type(rows) is int and rows > 0 and not problem
        expected = expected_threshold(metric, low, high, value, "all") if counted else "error"
        assert verdict == expected, (metric, low, high, value, rows, problem)
        seen[expected] += 1
    assert min(seen.values()) > 200


NUMBERS = sorted(value for value in VALUES if type(value) is float and math.isfinite(value) and 0 <= value <= 1)


@pytest.mark.parametrize("metric", METRICS)
def test_a_worse_number_never_turns_no_into_yes(metric: str) -> None:
    """Only the bound on the good side counts: one on the other side is there to catch what is too good."""
    direction = METRICS[metric][0]
    better: Callable[[float], float] = {"higher": float, "lower": lambda x: -x, "zero": lambda x: -abs(x)}[direction]
    ordered = sorted(NUMBERS, key=better)
    bounds = {"higher": (BOUND, None), "lower": (None, BOUND), "zero": (-BOUND, BOUND)}[direction]
    gates: list[Gate] = [threshold(metric, *bounds, sliced) for sliced in (False, True)]  # type: ignore[arg-type]
    for gate in gates:
        place = MIN_ROWS if gate.columns else "all"
        verdicts = [gate.judge(evidence(metric, value, place)).verdict for value in ordered]
        assert verdicts == sorted(verdicts, key=[Verdict.FAIL, Verdict.PASS].index)
        assert set(verdicts) == {Verdict.FAIL, Verdict.PASS}


def test_a_stricter_bound_never_turns_no_into_yes() -> None:
    bounds = sorted({0.0, 0.3, ULP_DOWN, BOUND, ULP_UP, 1.0})
    for value in VALUES:
        verdicts = [threshold("accuracy", bound, None, False).judge(evidence("accuracy", value, "all")).verdict
                    for bound in bounds]  # fmt: skip
        passed = [verdict is Verdict.PASS for verdict in verdicts]
        assert passed == sorted(passed, reverse=True), value


def blessing(*verdicts: tuple[Verdict, bool]) -> Blessing:
    """What gates of such verdicts say together: each gate meets evidence made for it."""
    values = {Verdict.PASS: 0.9, Verdict.FAIL: 0.1, Verdict.ERROR: math.nan}
    gates: list[Gate] = []
    found: list[Measurement] = []
    names = ("accuracy", "balanced_accuracy", "micro_f1", "weighted_f1", "macro_f1")
    for metric, (verdict, decides) in zip(names, verdicts, strict=False):
        if decides:
            gates.append(Threshold(name=metric.replace("_", "-"), metric=metric, min=0.5))
            found.append(Measurement(metric, values[verdict], 100))
        else:
            gates.append(Change(name=metric.replace("_", "-"), metric=metric, min=0.5, against="champion"))
    return judge(gates, Evaluation("any", "test", 100, "sha256:new", "", tuple(found)))


KINDS = [*((verdict, True) for verdict in Verdict), (Verdict.ERROR, False)]


def test_another_gate_never_turns_no_into_yes() -> None:
    count = 0
    for size in range(5):
        for verdicts in product(KINDS, repeat=size):
            before = blessing(*verdicts).verdict
            deciding = [verdict for verdict, decides in verdicts if decides]
            expected = Verdict.PASS if deciding and set(deciding) == {Verdict.PASS} else None
            assert (before is Verdict.PASS) == (expected is Verdict.PASS), verdicts
            assert (before is Verdict.FAIL) == (Verdict.FAIL in deciding), verdicts
            for further in KINDS:
                after = blessing(*verdicts, further).verdict
                # A first gate may prove something where nothing was proved; no gate takes a refusal back.
                assert before is Verdict.PASS or after is not Verdict.PASS or not deciding, (verdicts, further)
                assert before is not Verdict.FAIL or after is Verdict.FAIL, (verdicts, further)
                count += 1
    assert count > 1_000


def test_random_sets_of_gates_pass_only_when_every_deciding_one_does() -> None:
    draw = random.Random(7)
    passed = 0
    for _ in range(2_000):
        metrics = draw.sample(sorted(METRICS), draw.randint(1, 4))
        gates: list[Gate] = []
        found: list[Measurement] = []
        expected: list[str] = []
        for number, metric in enumerate(metrics):
            low, high = draw.choice([pair for pair in LOW_AND_HIGH if fits(metric, *pair)])
            value = draw.choice([*VALUES, *[0.6, BOUND, 0.9] * 8])
            gates.append(Threshold(name=f"g{number}", metric=metric, min=low, max=high))
            if value is not ABSENT:
                found.append(Measurement(metric, value, 100))  # type: ignore[arg-type]
            expected.append(expected_threshold(metric, low, high, value, "all"))
        result = judge(gates, Evaluation("any", "test", 100, "sha256:new", "", tuple(found), own=OWN))
        assert [gate.verdict for gate in result.gates] == expected
        assert (result.verdict is Verdict.PASS) == (set(expected) == {"pass"})
        passed += result.verdict is Verdict.PASS
    assert passed > 100
