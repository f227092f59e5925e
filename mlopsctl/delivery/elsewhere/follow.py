"""Following a run elsewhere: the engine says which tasks go on, the ledger what came of them.

The observer is told the same as in a run on this machine. A step that the engine ended without a word in the ledger
(its image could not be pulled, its machine was taken away) gets a result that says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.errors import Diagnostic, Interrupted
from mlopsctl.ground.interrupts import Interrupts
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.orchestrators.contract import Engine, EngineRun, RunState
from mlopsctl.orchestrators.local.contract import Observer
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step import ledger
from mlopsctl.step.ports import task_name
from mlopsctl.step.task import StepResult, StepState

PAUSE = 2.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A run that ended: as the engine tells it, and what came of each step, by id."""

    run: EngineRun
    results: Mapping[str, StepResult]


@dataclass(slots=True)
class _Told:
    """What the observer knows already."""

    started: set[str] = field(default_factory=set)
    finished: dict[str, StepResult] = field(default_factory=dict)


def follow(
    engine: Engine,
    id: str,
    run: str,
    pipeline: Pipeline,
    store: ArtifactStore,
    observer: Observer,
    pause: float = PAUSE,
) -> Followed:
    """Watch a run until it ends.

    Args:
        id: the engine's own id of the run; ``run`` ours.

    Raises:
        Interrupted: at the first Ctrl-C, after the run was canceled there.
        Problem: when the engine cannot be asked.
    """
    told = _Told()
    with Interrupts() as interrupts:
        while True:
            now = engine.follow(id)
            _tell(now, run, pipeline, store, observer, told)
            if now.state.ended:
                break
            _wait(pause, lambda: interrupts.count > 0)
            if interrupts.count:
                engine.cancel(id)
                raise Interrupted(
                    Diagnostic("interrupted", f"the run was canceled: {now.url or id}", hint="apply starts a new one")
                )
    for step in pipeline.steps:
        if step.id not in told.finished:
            result = _unheard(step, now, told.finished)
            told.finished[step.id] = result
            observer.finished(step, result, 0.0)
    return Followed(now, told.finished)


def result_of(record: ExecutionRecord) -> StepResult:
    """What a recorded attempt came to."""
    return StepResult(
        state=record.state,
        outputs={name: artifact.digest for name, artifact in record.outputs.items()},
        notes=record.notes,
        line=record.line,
        problem=record.problem,
        hint=record.hint,
        seconds=(record.finished - record.started) / 1000,
    )


def _tell(now: EngineRun, run: str, pipeline: Pipeline, store: ArtifactStore, observer: Observer, told: _Told) -> None:
    """Tell what is new, in pipeline order: steps that began, and those that ended and left a record."""
    new = [step for step in pipeline.steps if step.id not in told.finished and _over(step, now)]
    newest = {record.step: record for record in ledger.records(store, run)} if new else {}
    for step in pipeline.steps:
        if step.id not in told.started and _state(now, step) is not RunState.PENDING:
            told.started.add(step.id)
            observer.started(step, 1)
        record = newest.get(step.id) if step in new else None
        said = now.state.ended or pipeline.outlives_failures or (record and _agrees(record, _state(now, step)))
        if record is not None and said:
            told.finished[step.id] = result_of(record)
            observer.finished(step, told.finished[step.id], told.finished[step.id].seconds)


def _state(now: EngineRun, step: Step) -> RunState:
    """How a step stands; engines may call its task by a name of their own grammar."""
    return now.tasks.get(step.id) or now.tasks.get(task_name(step.id), RunState.PENDING)


def _over(step: Step, now: EngineRun) -> bool:
    return now.state.ended or _state(now, step).ended


def _agrees(record: ExecutionRecord, state: RunState) -> bool:
    """Whether the newest record is about the attempt that the engine calls the last."""
    failed = record.state in (StepState.FAILED, StepState.CANCELED)
    return failed == (state in (RunState.FAILED, RunState.CANCELED))


def _unheard(step: Step, now: EngineRun, known: Mapping[str, StepResult]) -> StepResult:
    """The result of a step that left no record."""
    state = _state(now, step)
    if state is RunState.FAILED:
        said = f": {now.message}" if now.message else ""
        problem = f"the orchestrator ended the step before it could report{said}"
        return StepResult(StepState.FAILED, problem=problem, hint=f"look at its log there: {now.url or now.id}")
    if state is RunState.CANCELED or now.state is RunState.CANCELED:
        return StepResult(StepState.CANCELED, problem="the run was canceled")
    if state is RunState.SUCCESS:
        problem = "the orchestrator calls the step done, and the artifact store has no record of it"
        return StepResult(StepState.FAILED, problem=problem, hint="check that the steps reach stores.artifacts")
    blamed = [
        id for id in step.upstream if id in known and known[id].state in (StepState.FAILED, StepState.UPSTREAM_FAILED)
    ]
    if blamed:
        return StepResult(StepState.UPSTREAM_FAILED, problem=f"not run, because {', '.join(blamed)} failed")
    if state is RunState.SKIPPED:
        return StepResult(StepState.SKIPPED, problem="the orchestrator skipped it")
    said = f": {now.message}" if now.message else ""
    return StepResult(StepState.FAILED, problem=f"the orchestrator did not run the step{said}", hint=now.url or now.id)


def _wait(seconds: float, stop: Callable[[], bool]) -> None:
    """Sleep in small parts, so that an interrupt is noticed at once."""
    until = time.monotonic() + seconds
    while not stop() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
