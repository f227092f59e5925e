"""Two policies compared: a weaker gate is never called anything else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlopsctl.evidence import Verdict
from mlopsctl.gates import Change, Threshold
from mlopsctl.gates.policy import compare_policies, describe
from tests.unit.gates.test_gates import against, sliced

FLOOR = Threshold(name="floor", metric="accuracy", min=0.6)
CHANGE = Change(name="not-worse", metric="accuracy", against="champion", min=-0.01, confidence=0.95)


@pytest.mark.parametrize(
    ("old", "new", "change", "reason"),
    [
        (FLOOR, {"min": 0.5}, "weakened", "min 0.6 → 0.5"),
        (FLOOR, {"min": 0.7}, "strengthened", "min 0.6 → 0.7"),
        (FLOOR, {"max": 0.9}, "strengthened", "max none → 0.9"),
        (FLOOR, {"min": 0.7, "max": 0.9}, "strengthened", "min 0.6 → 0.7, max none → 0.9"),
        (FLOOR, {"metric": "f1"}, "changed", "accuracy min 0.6 → f1 min 0.6"),
        (FLOOR, {"slice": "area"}, "changed", "accuracy min 0.6 → accuracy min 0.6 on every area of 30 rows"),
        (FLOOR.model_copy(update={"max": 0.9}), {"max": None}, "weakened", "max 0.9 → none"),
        (FLOOR.model_copy(update={"max": 0.9}), {"max": 0.95, "min": 0.7}, "weakened", "min 0.6 → 0.7, max 0.9 → 0.95"),
        (FLOOR.model_copy(update={"slice": "area"}), {"min_rows": 50}, "weakened", "min_rows 30 → 50"),
        (FLOOR.model_copy(update={"slice": "area"}), {"min_rows": 5}, "strengthened", "min_rows 30 → 5"),
        (CHANGE, {"confidence": 0.9}, "weakened", "confidence 0.95 → 0.9"),
        (CHANGE, {"confidence": None}, "weakened", "confidence 0.95 → none"),
        (CHANGE, {"against": "trivial"}, "changed", None),
        (CHANGE, {"relative": True}, "changed", None),
    ],
)
def test_a_difference_is_named(
    old: Threshold | Change, new: dict[str, object], change: str, reason: str | None
) -> None:
    (found,) = compare_policies([old], [old.model_copy(update=new)])
    assert (found.name, found.change) == (old.name, change)
    assert reason is None or found.reason == reason
    assert found.may_weaken == (change != "strengthened")


def test_added_and_removed_gates_are_named_and_order_is_no_difference() -> None:
    assert compare_policies([FLOOR, CHANGE], [CHANGE, FLOOR]) == ()
    (added,) = compare_policies([FLOOR], [CHANGE, FLOOR])
    assert (added.name, added.change, added.may_weaken) == ("not-worse", "added", False)
    assert added.reason == "change of accuracy against champion min -0.01 at confidence 0.95"
    (removed,) = compare_policies([FLOOR, CHANGE], [CHANGE])
    assert (removed.name, removed.change, removed.may_weaken) == ("floor", "removed", True)


def test_min_rows_without_a_slice_is_no_difference() -> None:
    assert compare_policies([FLOOR], [FLOOR.model_copy(update={"min_rows": 99})]) == ()


def test_a_renamed_gate_is_a_removed_and_an_added_one() -> None:
    changes = compare_policies([FLOOR], [FLOOR.model_copy(update={"name": "base"})])
    assert [(one.name, one.change) for one in changes] == [("base", "added"), ("floor", "removed")]


def test_a_rule_is_described_in_one_line() -> None:
    gate = Change(
        name="c",
        metric="rmse",
        against="trivial",
        max=-0.1,
        relative=True,
        confidence=0.9,
        slice=("a", "b"),
        min_rows=7,
    )
    assert (
        describe(gate) == "relative change of rmse against trivial max -0.1 at confidence 0.9 on every a × b of 7 rows"
    )


shares = st.floats(0, 1)


@given(shares, shares, st.one_of(st.none(), shares), st.one_of(st.none(), shares), shares)
def test_what_failed_a_threshold_fails_the_strengthened_one(
    old_min: float, new_min: float, old_max: float | None, new_max: float | None, value: float
) -> None:
    assume(old_max is None or old_max >= old_min)
    assume(new_max is None or new_max >= new_min)
    old = Threshold(name="g", metric="accuracy", min=old_min, max=old_max)
    new = Threshold(name="g", metric="accuracy", min=new_min, max=new_max)
    if any(change.may_weaken for change in compare_policies([old], [new])):
        return
    evaluation = against(value, 0.5)
    if old.judge(evaluation).verdict is Verdict.FAIL:
        assert new.judge(evaluation).verdict is Verdict.FAIL


@given(
    st.lists(st.floats(-1, 1), min_size=40, max_size=60),
    st.floats(-1, 1), st.floats(-1, 1), st.sampled_from([0.5, 0.8, 0.9, 0.95]), st.sampled_from([0.5, 0.8, 0.9, 0.95]),
)  # fmt: skip
def test_what_failed_a_change_fails_the_strengthened_one(
    replicates: list[float], old_min: float, new_min: float, old_confidence: float, new_confidence: float
) -> None:
    old = Change(name="g", metric="accuracy", against="champion", min=old_min, confidence=old_confidence)
    new = Change(name="g", metric="accuracy", against="champion", min=new_min, confidence=new_confidence)
    if any(change.may_weaken for change in compare_policies([old], [new])):
        return
    evaluation = against(0.5, 0.5, tuple(replicates))
    if old.judge(evaluation).verdict is Verdict.FAIL:
        assert new.judge(evaluation).verdict is Verdict.FAIL


@given(st.lists(st.tuples(st.integers(1, 60), shares), min_size=1, max_size=5), st.integers(1, 60), st.integers(1, 60))
def test_what_failed_a_slice_fails_with_smaller_slices(parts: list[tuple[int, float]], left: int, right: int) -> None:
    evaluation = replace(sliced(**{f"v{place}": part for place, part in enumerate(parts)}))
    old = Threshold(name="g", metric="accuracy", min=0.5, slice="area", min_rows=max(left, right))
    new = Threshold(name="g", metric="accuracy", min=0.5, slice="area", min_rows=min(left, right))
    assert not any(change.may_weaken for change in compare_policies([old], [new]))
    if old.judge(evaluation).verdict is Verdict.FAIL:
        assert new.judge(evaluation).verdict is Verdict.FAIL
