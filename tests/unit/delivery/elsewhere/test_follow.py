"""Following a run elsewhere: the observer hears the same as from a run here, and silence is never success."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.delivery.elsewhere.follow import Followed, follow
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.orchestrators.contract import Deployed, EngineRun, RunState, Wanted
from mlopsctl.pipeline.ir import ArtifactType, Input, Pipeline, Ref, Step
from mlopsctl.step import ledger
from mlopsctl.step.task import StepResult, StepState

RUN = "20260101T000000-abc123"
FIRST = Step("first", "own", 1, {}, {"out": ArtifactType.FILE}, {})
SECOND = Step("second", "own", 1, {"in": Input(Ref("first", "out"), ArtifactType.FILE)}, {}, {})
PIPELINE = Pipeline("p", (FIRST, SECOND))


@dataclass
class Scripted:
    """An engine that says what the test wrote down, and keeps saying the last of it."""

    says: Iterator[EngineRun]
    last: EngineRun | None = None
    canceled: list[str] = field(default_factory=list)

    def follow(self, id: str) -> EngineRun:
        self.last = next(self.says, self.last)
        assert self.last is not None
        return self.last

    def cancel(self, id: str) -> None:
        self.canceled.append(id)

    def look(self, wanted: Wanted) -> Deployed:
        raise NotImplementedError

    def deploy(self, wanted: Wanted) -> tuple[str, ...]:
        raise NotImplementedError

    def remove(self, wanted: Wanted) -> tuple[str, ...]:
        raise NotImplementedError

    def start(self, wanted: Wanted, run: str, parameters: Mapping[str, Json]) -> str:
        raise NotImplementedError

    def recent(self, wanted: Wanted, limit: int) -> tuple[EngineRun, ...]:
        raise NotImplementedError


@dataclass
class Heard:
    """An observer that writes down what it is told."""

    lines: list[str] = field(default_factory=list)

    def started(self, step: Step, attempt: int) -> None:
        self.lines.append(f"{step.id} started")

    def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
        self.lines.append(f"{step.id} again")

    def finished(self, step: Step, result: StepResult, seconds: float) -> None:
        self.lines.append(f"{step.id} {result.state}")


def run(state: RunState, message: str = "", **tasks: RunState) -> EngineRun:
    return EngineRun("e1", RUN, state, 0, "https://there/e1", tasks, message)


def record(store: ArtifactStore, step: str, state: StepState, attempt: int = 1) -> None:
    ledger.keep(store, ExecutionRecord(RUN, step, "own", state, f"sha256:{step:0>64}", {}, 0, 1500, attempt))


def followed(store: ArtifactStore, *says: EngineRun) -> tuple[Followed, list[str]]:
    heard = Heard()
    return follow(Scripted(iter(says)), "e1", RUN, PIPELINE, store, heard, pause=0.0), heard.lines


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "artifacts"))


def test_each_step_is_told_once_when_it_starts_and_once_when_it_ends(store: ArtifactStore) -> None:
    record(store, "first", StepState.SUCCESS)
    record(store, "second", StepState.CACHED)
    going, done = RunState.RUNNING, RunState.SUCCESS
    result, lines = followed(
        store, run(going), run(going, first=going), run(going, first=done, second=going),
        run(done, first=done, second=done),
    )  # fmt: skip
    assert lines == ["first started", "first success", "second started", "second cached"]
    assert result.results["first"].seconds == 1.5


def test_the_newest_attempt_counts(store: ArtifactStore) -> None:
    record(store, "first", StepState.FAILED, 1)
    record(store, "first", StepState.SUCCESS, 2)
    record(store, "second", StepState.SUCCESS)
    result, _ = followed(store, run(RunState.SUCCESS, first=RunState.SUCCESS, second=RunState.SUCCESS))
    assert result.results["first"].state is StepState.SUCCESS


def test_a_step_that_left_no_record_has_failed_with_what_the_engine_says(store: ArtifactStore) -> None:
    ended = run(RunState.FAILED, "ImagePullBackOff", first=RunState.FAILED)
    result, _ = followed(store, ended)
    assert result.results["first"].state is StepState.FAILED
    assert "ImagePullBackOff" in result.results["first"].problem
    assert result.results["second"].state is StepState.UPSTREAM_FAILED


def test_a_success_without_a_record_is_not_believed(store: ArtifactStore) -> None:
    done = RunState.SUCCESS
    result, _ = followed(store, run(done, first=done, second=done))
    assert {one.state for one in result.results.values()} == {StepState.FAILED}
    assert "no record" in result.results["second"].problem


def test_a_run_canceled_there_leaves_canceled_steps(store: ArtifactStore) -> None:
    record(store, "first", StepState.SUCCESS)
    result, _ = followed(store, run(RunState.CANCELED, first=RunState.SUCCESS))
    assert [one.state for one in result.results.values()] == [StepState.SUCCESS, StepState.CANCELED]
