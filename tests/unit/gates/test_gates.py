"""Gates as users write them, the words of their verdicts, and what must hold for all of them."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mlopsctl.evidence import Comparison, Evaluation, Measurement, Verdict
from mlopsctl.gates import Change, Gate, Threshold
from mlopsctl.gates.judge import judge
from mlopsctl.gates.needs import Need, needs
from mlopsctl.ground.numbers import exact, shown

ADAPTER: TypeAdapter[Threshold | Change] = TypeAdapter(Gate)

shares = st.floats(0, 1)


def one(value: float | None, **more: object) -> Evaluation:
    """An evaluation that measured an accuracy."""
    accuracy = Measurement("accuracy", value, 100)
    given: dict[str, object] = {"champion": "", "measurements": (accuracy,), **more}
    return Evaluation("classification", "test", 100, "sha256:new", **given)  # type: ignore[arg-type]


def against(candidate: float, baseline: float, replicates: tuple[float, ...] = ()) -> Evaluation:
    """An evaluation that compared an accuracy with the champion's."""
    comparison = Comparison(
        "accuracy", "champion", Measurement("accuracy", candidate, 100), Measurement("accuracy", baseline, 100),
        replicates=replicates, relative_replicates=replicates,
    )  # fmt: skip
    return one(candidate, champion="sha256:old", comparisons=(comparison,))


@pytest.mark.parametrize(
    ("written", "id", "said", "hint"),
    [
        ({"metric": "accuracy"}, "gate-bounds", "has no bound", "add min"),
        ({"metric": "rmse"}, "gate-bounds", "has no bound", "add max"),
        ({"metric": "accuracy", "max": 0.9}, "gate-bounds", "more is better", "add min"),
        ({"metric": "log_loss", "min": 0.2}, "gate-bounds", "less is better", "add max"),
        ({"metric": "accuracy", "min": 0.9, "max": 0.8}, "gate-bounds", "nothing can pass", "swap"),
        ({"metric": "accuracy", "min": 69}, "gate-bounds", "outside 0 to 1", "not per cent"),
        ({"metric": "rmse", "max": -1}, "gate-bounds", "outside 0 to inf", ""),
        ({"metric": "accuracy", "min": 0.1, "name": "Floor"}, "bad-name", "Floor", ""),
        ({"metric": "accuracy", "min": math.nan}, "finite_number", "", ""),
        ({"metric": "accuracy", "min": "0.5"}, "float_type", "", ""),
        ({"metric": "accuracy", "min": True}, "float_type", "", ""),
        ({"metric": "accuracy", "min": 0.5, "slice": []}, "too_short", "", ""),
        ({"metric": "accuracy", "min": 0.5, "min_rows": 0}, "greater_than_equal", "", ""),
        ({"metric": "accuracy", "min": 0.5, "against": "trivial"}, "extra_forbidden", "", ""),
        ({"kind": "change", "metric": "accuracy", "min": 0.5}, "missing", "", ""),
        (
            {"kind": "change", "metric": "rmse", "min": 0.5, "against": "champion"},
            "gate-bounds",
            "less is better",
            "max",
        ),
        (
            {"kind": "change", "metric": "accuracy", "min": -2, "against": "trivial"},
            "gate-bounds",
            "outside -1 to 1",
            "",
        ),
        (
            {"kind": "change", "metric": "accuracy", "min": 0, "against": "trivial", "confidence": 1.0},
            "less_than",
            "",
            "",
        ),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(written: dict[str, object], id: str, said: str, hint: str) -> None:
    with pytest.raises(ValidationError) as raised:
        ADAPTER.validate_python({"name": "floor", "kind": "threshold", **written})
    errors = [error for error in raised.value.errors() if error["type"] == id]
    assert errors, raised.value
    assert said in errors[0]["msg"]
    assert hint in errors[0].get("ctx", {}).get("hint", "")


def test_a_relative_change_has_no_range() -> None:
    Change(name="g", metric="accuracy", against="trivial", min=2.0, relative=True)


def test_gates_survive_json() -> None:
    for gate in (
        Threshold(name="g", metric="accuracy", min=0.5, max=0.9, slice=("a", "b"), min_rows=5),
        Change(name="g", metric="rmse", against="champion", max=0.2, confidence=0.95, relative=True, slice="a"),
    ):
        assert ADAPTER.validate_python(gate.model_dump(mode="json")) == gate
        assert ADAPTER.validate_json(gate.model_dump_json()) == gate


@pytest.mark.parametrize(
    ("number", "bounds", "text"),
    [
        (0.6771234, (0.69,), "0.6771"),
        (0.68996, (0.69,), "0.68996"),
        (0.69, (0.69,), "0.69"),
        (math.nextafter(0.69, 0), (0.69,), "0.6899999999999998"),
        (0.1 + 0.2, (0.3,), "0.30000000000000004"),
        (10.0, (10.0,), "10"),
        (1.0, (), "1"),
        (-0.0099996, (-0.01,), "-0.0099996"),
        (1e-300, (0.0,), "1e-300"),
        (123456.789, (123457.0,), "123456.8"),
        (math.inf, (1.0,), "inf"),
    ],
)
def test_a_number_is_shown_with_the_digits_that_decide(number: float, bounds: tuple[float, ...], text: str) -> None:
    assert shown(number, *bounds) == text


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite, st.integers(-3, 3))
def test_what_is_shown_stands_to_the_bound_as_the_number_does(number: float, bound: float, ulps: int) -> None:
    for near in (bound, number + ulps * math.ulp(number)):
        assume(math.isfinite(near))
        text = float(shown(number, near))
        assert float(exact(near)) == near
        assert (text < near, text == near, text > near) == (number < near, number == near, number > near)


@given(shares, shares, shares)
def test_a_reader_of_the_reason_reaches_the_verdict(value: float, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    result = Threshold(name="g", metric="accuracy", min=low, max=high).judge(one(value))
    claims = re.findall(r"(\S+) (<=|>=|<|>) (\S+)", result.reason)
    for left, relation, right in claims:
        assert eval(f"{left} {relation} {right}")
    broken = any(relation in "<>" for _, relation, _ in claims)
    assert broken == (result.verdict is Verdict.FAIL)
    assert broken or len(claims) == 2


@given(shares, shares, shares, st.floats(0, 1), st.booleans())
def test_a_worse_metric_never_turns_a_fail_into_a_pass(
    value: float, worse: float, baseline: float, bound: float, relative: bool
) -> None:
    value, worse = max(value, worse), min(value, worse)
    gates = [Threshold(name="g", metric="accuracy", min=bound)]
    change = Change(name="c", metric="accuracy", against="champion", min=bound - 0.5, relative=relative)
    for gate in (*gates, change):
        if gate.judge(against(value, baseline)).verdict is not Verdict.PASS:
            assert gate.judge(against(worse, baseline)).verdict is not Verdict.PASS


@given(st.floats(-10, 1), st.floats(-10, 1), st.floats(-10, 1).filter(bool), st.floats(-5, 5))
def test_a_relative_change_grows_with_the_metric_even_where_the_baseline_is_negative(
    value: float, worse: float, baseline: float, bound: float
) -> None:
    value, worse = max(value, worse), min(value, worse)
    gate = Change(name="c", metric="r2", against="champion", min=bound, relative=True)

    def verdict(candidate: float) -> Verdict:
        pair = Measurement("r2", candidate, 9), Measurement("r2", baseline, 9)
        made = Evaluation("regression", "test", 9, "n", "o", (), (Comparison("r2", "champion", *pair),))
        return gate.judge(made).verdict

    if verdict(value) is Verdict.FAIL:
        assert verdict(worse) is not Verdict.PASS


@given(
    st.lists(st.floats(-1, 1), min_size=20, max_size=120),
    st.floats(-1, 1),
    st.floats(0.5, 0.99),
    st.floats(0.5, 0.99),
)
def test_more_confidence_never_turns_a_fail_into_a_pass(
    replicates: list[float], bound: float, left: float, right: float
) -> None:
    evaluation = against(0.5, 0.5, tuple(replicates))
    low, high = (
        Change(name="c", metric="accuracy", against="champion", min=bound, confidence=confidence)
        for confidence in sorted((left, right))
    )
    if low.judge(evaluation).verdict is Verdict.FAIL:
        assert high.judge(evaluation).verdict is not Verdict.PASS


def gate_strategy() -> st.SearchStrategy[Threshold | Change]:
    threshold = st.builds(Threshold, name=st.just("t"), metric=st.just("accuracy"), min=shares)
    change = st.builds(
        Change, name=st.just("c"), metric=st.just("accuracy"), against=st.just("champion"), min=st.floats(-1, 1)
    )
    return st.one_of(threshold, change)


@given(
    st.lists(gate_strategy(), max_size=4),
    gate_strategy(),
    st.one_of(st.none(), shares),
    shares,
    st.booleans(),
)
def test_another_gate_never_turns_a_refusal_into_a_pass(
    gates: list[Threshold | Change], another: Threshold | Change, value: float | None, baseline: float, first: bool
) -> None:
    evaluation = against(value, baseline) if value is not None and not first else one(value)
    # No deciding gate at all is the one refusal that another gate can lift.
    assume(any(gate.judge(evaluation).decides for gate in gates))
    if judge(gates, evaluation).verdict is not Verdict.PASS:
        assert judge([*gates, another], evaluation).verdict is not Verdict.PASS


def test_the_first_release_is_reported_and_does_not_decide() -> None:
    gate = Change(name="c", metric="accuracy", against="champion", min=0, slice="area")
    result = gate.judge(one(0.9))
    assert not result.decides
    assert result.verdict is not Verdict.PASS
    assert result.reason.startswith("first release")


def test_the_champion_itself_is_told_apart() -> None:
    gate = Change(name="c", metric="accuracy", against="champion", min=0)
    result = gate.judge(replace(against(0.9, 0.9), champion="sha256:new"))
    assert result.verdict is Verdict.PASS
    assert result.reason.startswith("the model already is the champion; change of accuracy against champion 0 >= 0")


def test_a_problem_of_the_baseline_is_the_reason() -> None:
    gate = Change(name="c", metric="accuracy", against="champion", min=0)
    broken = Measurement("accuracy", None, 100, problem="the champion cannot score these rows: no column b")
    made = against(0.9, 0.9)
    result = gate.judge(replace(made, comparisons=(replace(made.comparisons[0], baseline=broken),)))
    assert result.verdict is Verdict.ERROR
    assert "no column b" in result.reason


def test_a_bootstrap_that_is_undefined_says_why() -> None:
    gate = Change(name="c", metric="accuracy", against="champion", min=0, confidence=0.95)
    made = against(0.9, 0.9)
    assert gate.judge(made).reason == "no bootstrap of accuracy against champion"
    why = replace(made.comparisons[0], problem="undefined in 3 resamples")
    assert gate.judge(replace(made, comparisons=(why,))).reason == "undefined in 3 resamples"
    few = gate.judge(against(0.9, 0.9, (0.0,) * 10))
    assert few.reason == "10 resamples are too few for confidence 0.95"


def test_the_confidence_bound_is_the_fiftieth_of_a_thousand() -> None:
    replicates = tuple(number / 10_000 for number in range(1000))
    made = against(0.9, 0.9, replicates)
    result = Change(name="c", metric="accuracy", against="champion", min=0, confidence=0.95).judge(made)
    assert result.observed == replicates[49]
    upper = Change(name="c", metric="accuracy", against="champion", min=-1, max=0.01, confidence=0.95).judge(made)
    assert upper.observed == replicates[950]
    assert upper.reason == "change of accuracy against champion, 0.95 bound, 0.095 > 0.01"


def sliced(**values: tuple[int, float]) -> Evaluation:
    measured = [Measurement("accuracy", value, rows, f"area={name}") for name, (rows, value) in values.items()]
    counts = {name: rows for name, (rows, _) in values.items()}
    return one(0.9, measurements=tuple(measured), slices={"area": counts})


def test_a_sliced_gate_names_the_worst_and_lists_what_it_did_not_judge() -> None:
    gate = Threshold(name="g", metric="accuracy", min=0.5, slice="area")
    result = gate.judge(sliced(north=(40, 0.4), south=(50, 0.9), west=(60, 0.45), east=(3, 0.0)))
    assert result.verdict is Verdict.FAIL
    assert result.reason == "area=north: accuracy 0.4 < 0.5, and 1 more (2 of 3 slices)"
    assert result.observed == 0.4
    assert result.not_judged == ("east (3 rows)",)
    assert [part.slice for part in result.parts] == ["area=north", "area=south", "area=west"]
    assert gate.judge(sliced(north=(40, 0.6), south=(30, 0.5))).reason == "all 2 judged slices pass"
    none = gate.judge(sliced(north=(29, 0.9)))
    assert (none.verdict, none.reason) == (Verdict.ERROR, "no value of area has 30 rows")


def test_needs_do_not_depend_on_bounds_or_order() -> None:
    def gates(bound: float, rows: int) -> list[Threshold | Change]:
        return [
            Threshold(name="a", metric="accuracy", min=bound, slice="area", min_rows=rows),
            Change(name="b", metric="accuracy", against="champion", min=bound - 1, confidence=0.9 + bound / 100),
            Change(name="c", metric="accuracy", against="champion", min=bound - 1, relative=True, max=0.4),
        ]

    assert needs(gates(0.5, 30)) == needs(reversed(gates(0.6, 10)))
    assert needs(gates(0.5, 30)) == (
        Need(metric="accuracy", against="champion", confidence=True),
        Need(metric="accuracy", slice=("area",)),
    )


def test_a_relative_bootstrap_is_needed_only_for_a_relative_gate_with_confidence() -> None:
    gate = Change(name="c", metric="accuracy", against="trivial", min=0, relative=True, confidence=0.9)
    assert needs([gate]) == (Need(metric="accuracy", against="trivial", confidence=True, relative=True),)
