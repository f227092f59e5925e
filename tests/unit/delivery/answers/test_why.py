"""Why a step ran: the changes of its own, who made what it read, back to the root, and what a plan says of now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mlopsctl.delivery.answers.changes import changed
from mlopsctl.delivery.answers.why import Story, forecast, story, tell
from mlopsctl.delivery.plan import StepPlan
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.pipeline.ir import ArtifactType, Input, Ref, Step
from mlopsctl.step.task import StepState
from tests.unit.delivery.answers.histories import chain, execution, record_run

R1, R2 = "20260101T000001-aaa", "20260101T000002-bbb"
PIPELINE = {
    "ingest": Step(
        "ingest", "ingest", 1, {}, {"out": ArtifactType.EXAMPLES}, {}, sources={"source.uri": "data/rows.csv"}
    ),
    "train": Step(
        "train",
        "train",
        1,
        {"examples": Input(Ref("ingest", "out"), ArtifactType.EXAMPLES)},
        {"out": ArtifactType.MODEL},
        {},
    ),
    "gate": Step(
        "gate", "gate", 1, {"model": Input(Ref("train", "out"), ArtifactType.MODEL)}, {"out": ArtifactType.BLESSING}, {}
    ),
}


def stories(metadata: MetadataStore, run: RunRecord, step: str = "gate") -> dict[str, Story]:
    stores: Any = SimpleNamespace(metadata=metadata)
    return {one.step: one for one in tell(stores, run, step, PIPELINE)}


def words(story: Story) -> list[str]:
    return [change.words for change in story.changes]


def test_a_first_run_has_no_other_reason(metadata: MetadataStore) -> None:
    run = record_run(metadata, R1, *chain(R1))
    told = stories(metadata, run)
    assert list(told) == ["gate"]
    assert told["gate"].sentence == "ran, because it had never left a result here before"


def test_the_root_of_a_changed_parameter_is_the_step_that_has_it(metadata: MetadataStore) -> None:
    record_run(metadata, R1, *chain(R1, c=1.0))
    told = stories(metadata, record_run(metadata, R2, *chain(R2, c=2.0)))
    assert list(told) == ["gate", "train"]
    assert told["gate"].reads == {"model": "train"}
    assert not told["gate"].root
    assert words(told["train"]) == ["params.C 1.0 → 2.0"]
    assert told["train"].root
    assert told["train"].run == R1


def test_changed_data_is_told_by_the_name_it_has_in_the_project(metadata: MetadataStore) -> None:
    record_run(metadata, R1, *chain(R1, data="old"))
    told = stories(metadata, record_run(metadata, R2, *chain(R2, data="new")))
    assert list(told) == ["gate", "train", "ingest"]
    assert words(told["ingest"]) == ["data data/rows.csv changed"]


def test_another_environment_is_no_earlier_result(metadata: MetadataStore) -> None:
    record_run(metadata, R1, *chain(R1), environment="prod")
    assert "never left" in stories(metadata, record_run(metadata, R2, *chain(R2)))["gate"].sentence


def test_a_reused_step_names_the_run_that_made_its_result(metadata: MetadataStore) -> None:
    record_run(metadata, R1, *chain(R1))
    told = stories(metadata, record_run(metadata, R2, *chain(R2, reused=True)))
    assert told["gate"].sentence == f"was reused (made by run {R1}): nothing that it depends on had changed"
    assert list(told) == ["gate"]


def test_a_run_without_cache_is_told_as_such(metadata: MetadataStore) -> None:
    record_run(metadata, R1, *chain(R1))
    told = stories(metadata, record_run(metadata, R2, *chain(R2)))
    assert "nothing had changed" in told["gate"].sentence
    assert "--no-cache" in told["gate"].sentence


def test_a_new_champion_is_a_reason_and_the_clock_is_none(metadata: MetadataStore) -> None:
    old = chain(R1, state_inputs={"champion": "", "clock": "1"})
    new = chain(R2, state_inputs={"champion": "sha256:b", "clock": "2"})
    record_run(metadata, R1, *old)
    told = stories(metadata, record_run(metadata, R2, *new))["gate"]
    assert words(told) == ["the champion (unset) → sha256:b"]


def test_what_did_not_run_goes_back_to_what_failed(metadata: MetadataStore) -> None:
    ingest, _, _ = chain(R1)
    failed = execution(
        R1, "train", state=StepState.FAILED, reads={"examples": ingest.outputs["out"]}, problem="out of memory"
    )
    idle = execution(R1, "gate", state=StepState.UPSTREAM_FAILED, problem="not run, because train failed")
    told = stories(metadata, record_run(metadata, R1, ingest, failed, idle, state="failed", exit_code=1))
    assert list(told) == ["gate", "train"]
    assert told["gate"].sentence == "did not run: not run, because train failed"
    assert "it failed with: out of memory" in told["train"].sentence


def test_without_the_project_wires_are_found_by_what_was_left() -> None:
    ingest, train, gate = chain(R2, c=2.0)
    steps: dict[str, ExecutionRecord] = {one.step: one for one in (ingest, train, gate)}
    told = story(gate, chain(R1)[2], steps, None)
    assert told.reads == {"model": "train"}


def test_lists_of_named_things_are_compared_by_name() -> None:
    old = {
        "parameters": {"gates": [{"name": "a", "min": 1}, {"name": "b", "min": 2}]},
        "component": "gate",
        "version": 1,
    }
    new = {"parameters": {"gates": [{"name": "b", "min": 3}]}, "component": "gate", "version": 2}
    told = [change.words for change in changed(None, old, new)]
    assert told == ["component gate v1 → gate v2", 'gates.a {"name": "a", "min": 1} → (unset)', "gates.b.min 2 → 3"]


def test_parts_that_nobody_knows_are_compared_as_well() -> None:
    told = [change.words for change in changed(None, {"image": {"digest": "a"}}, {"image": {"digest": "b"}})]
    assert told == ["image.digest a → b"]


def test_the_forecast_goes_up_to_the_steps_that_run() -> None:
    plans = {
        "ingest": StepPlan(PIPELINE["ingest"], ("data data/rows.csv changed",)),
        "train": StepPlan(PIPELINE["train"], ("reads ingest, which runs",), waits=True),
        "gate": StepPlan(PIPELINE["gate"], ("reads train, which runs",), waits=True),
    }
    plan: Any = SimpleNamespace(steps=tuple(plans.values()))
    told = forecast(plan, "gate")
    assert told.outcome == "wait"
    assert list(told.reasons) == ["gate", "train", "ingest"]
    assert told.reasons["ingest"] == ("data data/rows.csv changed",)
    skipped: Any = SimpleNamespace(steps=(StepPlan(PIPELINE["ingest"], (), skipped="data: too few rows"),))
    assert forecast(skipped, "ingest").outcome == "skip"
