from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.digest import Json
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepResult, StepState, StepTask, TaskInput
from mlopsctl.step.wire import Request, framed, read_request, read_result, write_request, write_result

TASK = StepTask(
    run_id="run",
    step="train",
    component="train",
    environment="dev",
    project="/p",
    artifacts="/a",
    staging="/s",
    parameters={},
    inputs={"anomalies": TaskInput("sha256:1", ArtifactType.ANOMALIES, guard=True)},
    outputs={"model": ArtifactType.MODEL},
    state={"champion": "sha256:2"},
    seed=7,
)
RESULT = StepResult(StepState.SUCCESS, {"model": "sha256:3"}, {"accuracy": 0.5}, line="accuracy 0.5", seconds=1.5)

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json), st.none() | st.floats(0, 1e6))
def test_a_request_comes_back_as_it_was(parameters: dict[str, Json], timeout: float | None) -> None:
    request = Request(replace(TASK, parameters=parameters), Path("/logs/x.log"), timeout, 5.0)
    line = write_request(request)
    assert read_request(line) == request
    assert line.count(b"\n") == 1


@given(st.dictionaries(st.text(), json), st.text(), st.sampled_from(StepState))
def test_a_result_comes_back_as_it_was(notes: dict[str, Json], text: str, state: StepState) -> None:
    result = replace(RESULT, notes=notes, state=state, line=text, problem=text, hint=text)
    assert read_result(write_result(result)) == result


def test_frozen_mappings_can_be_sent() -> None:
    result = replace(RESULT, notes=MappingProxyType({"a": MappingProxyType({"b": 1})}))
    read = read_result(write_result(result))
    assert read is not None
    assert read.notes == {"a": {"b": 1}}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        write_result(RESULT)[:-5],
        write_result(RESULT) * 2,
        write_result(RESULT).replace(b'"success"', b'"great"'),
        write_result(RESULT).replace(b'"sha256:3"', b"3"),
        write_result(RESULT).replace(b"1.5", b"NaN"),
        write_result(RESULT).replace(b'"hint"', b'"more": 1, "hint"'),
    ],
)
def test_what_is_no_result_is_not_read_as_one(line: bytes) -> None:
    assert read_result(line) is None


def test_notes_that_are_not_json_are_refused_when_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_result(replace(RESULT, notes={"loss": float("nan")}))


def test_a_message_says_its_length_first() -> None:
    assert framed(b"abc") == b"\0\0\0\0\0\0\0\3abc"
