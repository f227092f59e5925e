"""A run is found by its id, the beginning of it, or as the last one; what nobody has gets a near word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mlopsctl.delivery.answers.find import Place, find_run, find_step, ordered
from mlopsctl.ground.errors import StepProblem, UsageProblem
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.step.task import StepState
from tests.unit.delivery.answers.histories import chain, execution, record_run

RUNS = ("20260101T000001-aaa111", "20260101T000002-bbb222", "20260102T000003-ccc333")


def place(metadata: MetadataStore, everywhere: bool = True, environment: str = "dev") -> Place:
    loaded: Any = SimpleNamespace(project=SimpleNamespace(name="p"), environment=environment)
    stores: Any = SimpleNamespace(metadata=metadata)
    return Place(loaded, stores, everywhere)


@pytest.fixture
def here(metadata: MetadataStore) -> Place:
    for id in RUNS:
        record_run(metadata, id, environment="prod" if id == RUNS[2] else "dev")
    return place(metadata)


def refusal(where: Place, text: str) -> tuple[str, str]:
    with pytest.raises((UsageProblem, StepProblem)) as caught:
        find_run((where,), text)
    found = caught.value.diagnostics[0]
    return found.id, found.hint


@pytest.mark.parametrize(
    ("text", "id"), [("last", RUNS[2]), (RUNS[0], RUNS[0]), ("20260102", RUNS[2]), (RUNS[1][:18], RUNS[1])]
)
def test_a_run_is_found_by_its_id_a_beginning_or_as_the_last(text: str, id: str, here: Place) -> None:
    assert find_run((here,), text)[1].id == id


def test_a_beginning_of_several_runs_names_them(here: Place) -> None:
    id, hint = refusal(here, "20260101")
    assert id == "which-run"
    assert RUNS[0] in hint
    assert RUNS[1] in hint


def test_an_unknown_run_gets_the_nearest_one(here: Place) -> None:
    assert refusal(here, "20260101T000001-aaa112") == ("unknown-run", f"did you mean {RUNS[0]}?")
    assert refusal(here, "lasst")[1] == "did you mean last?"


@pytest.mark.parametrize("text", ["%", "_", "2026010_", "x'; DROP TABLE Context;--", "\x1b[2J", "", "../../etc"])
def test_hostile_text_is_no_run(text: str, here: Place) -> None:
    assert refusal(here, text)[0] == "unknown-run"
    assert len(here.stores.metadata.runs("p")) == 3


def test_a_run_of_another_environment_is_not_found_when_one_is_named(here: Place) -> None:
    dev = place(here.stores.metadata, everywhere=False)
    assert find_run((dev,), "last")[1].id == RUNS[1]
    assert refusal(dev, RUNS[2])[0] == "unknown-run"


def test_a_run_of_another_project_is_never_found(metadata: MetadataStore) -> None:
    record_run(metadata, RUNS[0], project="other")
    assert refusal(place(metadata), RUNS[0])[0] == "no-runs"


def test_a_step_that_is_not_there_gets_the_nearest_one() -> None:
    with pytest.raises(UsageProblem) as caught:
        find_step("trian", ("ingest", "train"), "run r")
    assert caught.value.diagnostics[0].hint == "did you mean train?"


def test_reused_steps_stand_where_they_belong() -> None:
    ingest, train, gate = chain(RUNS[0])
    assert [one.step for one in ordered([gate, train, ingest])] == ["ingest", "train", "gate"]


def test_steps_that_copy_an_artifact_in_a_circle_are_all_shown() -> None:
    one = execution(RUNS[0], "ingest", content="same")
    two = execution(RUNS[0], "train", content="same", reads={"a": one.outputs["out"]})
    looped = execution(RUNS[0], "ingest", content="same", reads={"a": two.outputs["out"]})
    assert {record.step for record in ordered([looped, two])} == {"ingest", "train"}


def test_attempts_stand_in_their_order() -> None:
    first = execution(RUNS[0], "train", state=StepState.FAILED)
    second = execution(RUNS[0], "train", attempt=2)
    assert [one.attempt for one in ordered([second, first])] == [1, 2]
