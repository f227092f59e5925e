"""A step with the values that run-time parameters have in a run, and the names that engines know."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import Step
from mlopsctl.step.bound import bound, wanted
from mlopsctl.step.portable import harmless
from mlopsctl.step.ports import from_port, to_port

names = st.from_regex(r"[a-z][a-z0-9_-]{0,20}(\.[a-z][a-z0-9_-]{0,20})?", fullmatch=True)


def step(parameters: dict[str, Any], bindings: dict[str, str], **more: Any) -> Step:
    return Step("one", "own", 1, {}, {}, parameters, bindings, **more)


def test_values_take_their_places() -> None:
    found = bound(
        step({"a": 1, "b": {"c": [1, "x"]}}, {"a": "n", "b.c.1": "t", "when": "on"}), {"n": 2, "t": "y", "on": False}
    )
    assert found.parameters == {"a": 2, "b": {"c": [1, "y"]}}


def test_text_is_filled_in_as_in_the_project_file() -> None:
    binding = "$$${parameters.t}-${parameters.n}-${parameters.x}-${parameters.b}-$${parameters.t}"
    values = {"t": "${parameters.n}", "n": 3.0, "x": 0.5, "b": True}
    assert bound(step({"a": ""}, {"a": binding}), values).parameters == {
        "a": "$${parameters.n}-3-0.5-true-${parameters.t}"
    }


def test_whole_numbers_come_back_as_whole_numbers() -> None:
    found = bound(step({"n": 1, "x": 1.0}, {"n": "n", "x": "x"}), {"n": 3.0, "x": 2})
    assert [found.parameters["n"], found.parameters["x"]] == [3, 2.0]
    assert [type(found.parameters["n"]), type(found.parameters["x"])] == [int, float]


def test_the_seed_is_the_runs() -> None:
    assert bound(step({}, {}, seed=1), {"seed": 7.0}).seed == 7
    assert bound(step({}, {}, seed=1), {}).seed == 1
    assert bound(step({}, {}), {"seed": 7}).seed is None


def test_a_changed_source_is_known_by_its_new_name() -> None:
    parameters = {"source": {"kind": "csv", "uri": "gs://b/1.csv"}}
    one = step(parameters, {"source.uri": "gs://b/${parameters.day}.csv"}, sources={"source.uri": "gs://b/1.csv"})
    assert bound(one, {"day": "2"}).sources == {"source.uri": "gs://b/2.csv"}


def test_a_source_that_a_value_breaks_is_a_problem() -> None:
    one = step({"source": {"kind": "csv", "uri": "a", "delimiter": ","}}, {"source.delimiter": "d"})
    with pytest.raises(StepProblem, match="delimiter"):
        bound(one, {"d": "too long"})


def test_a_missing_value_is_a_problem() -> None:
    with pytest.raises(StepProblem, match="did not pass the parameter n"):
        bound(step({"a": 1}, {"a": "n"}), {})


@pytest.mark.parametrize(
    ("before", "now"), [(1, "2"), (1, 2.5), (1, True), (True, 1), ("a", 1), (0.5, "b"), ([1], "c")]
)
def test_a_value_of_another_type_is_a_problem(before: Any, now: Any) -> None:
    with pytest.raises(StepProblem, match="another type"):
        bound(step({"a": before}, {"a": "p"}), {"p": now})


def test_what_a_step_reads_is_named_once_and_never_its_condition() -> None:
    one = step({}, {"a": "n", "b": "${parameters.t}/${parameters.n}$$", "when": "on"}, seed=1)
    assert wanted(one) == ("n", "seed", "t")


@given(names, names)
def test_names_that_differ_differ_for_engines_too(one: str, other: str) -> None:
    assert from_port(to_port(one)) == one
    assert from_port(to_port(one, {to_port(one)})) == one
    assert to_port(one, {to_port(one)}) != to_port(one)
    assert (to_port(one) == to_port(other)) == (one == other)
    assert "." not in to_port(one)
    assert "--" not in to_port(one)


@given(st.text())
def test_harmless_text_holds_nothing_that_is_replaced(text: str) -> None:
    assert not {"{", "}", "$"} & set(harmless(text))
