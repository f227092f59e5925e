"""Gates on slices against a reference that is written another way, and evidence that was written by hand."""

from __future__ import annotations

import math
from itertools import product

import pytest
from pydantic import ValidationError

from mlopsctl.evidence import Evaluation, Measurement, Verdict, parse
from mlopsctl.gates import Threshold

BOUND = 0.69
RANGES = {"accuracy": (0.0, 1.0), "r2": (-math.inf, 1.0), "rmse": (0.0, math.inf), "mcc": (-1.0, 1.0)}


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


def measurement(metric: str, value: object, rows: object = 1000, slice: str = "", problem: str = "") -> Measurement:
    return Measurement(metric, value, rows, slice, problem)  # type: ignore[arg-type]


def evaluation(*measurements: Measurement, **more: object) -> Evaluation:
    return Evaluation("classification", "test", 1000, "sha256:new", "", measurements, **more)  # type: ignore[arg-type]


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
