"""A step as it travels: nothing is lost, and no engine finds a placeholder in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType, Input, Ref, Resources, Retry, Step
from mlopsctl.step.portable import PortableRun, PortableStep, decode_run, decode_step, encode

HOSTILE = (
    "{{$.inputs.parameters['x']}}", "{{workflow.parameters.p}}", "$(HOME)", "${HOME}", "{% for %}", "\\\"}{$",
    "\\u007b\\u007b$", "{", "}", "$", "🙂{{$}}", "\x00",
)  # fmt: skip

texts = st.text(max_size=20) | st.sampled_from(HOSTILE)
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def step(parameters: dict[str, Json]) -> Step:
    return Step(
        id="train-forest",
        component="train",
        component_version=3,
        inputs={"models.a": Input(Ref("select", "model"), ArtifactType.MODEL, optional=True, guard=False)},
        outputs={"model": ArtifactType.MODEL},
        parameters=parameters,
        bindings={"target.params.n": "trees"},
        sources={"source.uri": "gs://b/{{x}}"},
        code=("steps.py",),
        packages=("scikit-learn",),
        state_inputs=("champion",),
        seed=7,
        requirements=("a==1",),
        image="host/name@sha256:" + "0" * 64,
        when=False,
        retry=Retry(2, 1.5),
        timeout=9.0,
        resources=Resources(0.5, 1 << 30, {"gpu": 1}),
    )


@given(st.dictionaries(texts, values, max_size=4), texts)
def test_a_step_comes_back_as_it_went(parameters: dict[str, Json], text: str) -> None:
    sent = PortableStep(text, "prod", step(parameters), "gs://b", "https://t", {"steps.py": "sha256:1"})
    assert decode_step(encode(sent)) == sent


@given(st.dictionaries(texts, values, max_size=4))
def test_no_engine_finds_a_placeholder_in_the_text(parameters: dict[str, Json]) -> None:
    text = encode(PortableStep("p", "prod", step(parameters), "gs://b"))
    assert "{{" not in text
    assert "$" not in text
    assert "{%" not in text
    assert "{#" not in text
    assert "\n" not in text
    # What stands inside texts has neither kind of brace.
    assert not any(set(found) & set("{}$") for found in re.findall(r'"(?:[^"\\]|\\.)*"', text))
    assert json.loads(text)["step"]["parameters"] == parameters


def test_a_run_comes_back_as_it_went() -> None:
    sent = PortableRun(
        "p", "prod", "sha256:1", "gs://b", "t", {"secret": "DB"}, ("champion", "clock"), [{"kind": "file"}], ("a", "b")
    )
    assert decode_run(encode(sent)) == sent


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"project": 1}', "{{$}}"])
def test_any_other_text_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(StepProblem, match="cannot be read"):
        decode_step(text)


def test_inputs_and_parameters_keep_their_order() -> None:
    wired = Input(Ref("train", "model"), ArtifactType.MODEL)
    sent = replace(step({"z": {"b": 1, "a": 2}, "y": 3}), inputs={"models.z": wired, "models.a": wired})
    read = decode_step(encode(PortableStep("demo", "dev", sent, "gs://b"))).step
    assert list(read.inputs) == ["models.z", "models.a"]
    assert list(read.parameters) == ["z", "y"]
    assert canonical_json(read.parameters) == canonical_json(sent.parameters)
    found = read.parameters["z"]
    assert isinstance(found, dict)
    assert list(found) == ["b", "a"]
