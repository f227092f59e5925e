"""A run elsewhere, from its start to its records: deploy, start, follow, bring the ledger home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlopsctl.delivery.collect import collect
from mlopsctl.delivery.elsewhere.engines import Elsewhere
from mlopsctl.delivery.elsewhere.follow import PAUSE, Followed, follow
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Problem
from mlopsctl.ground.log import log_for
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.orchestrators.contract import EngineRun, RunState
from mlopsctl.orchestrators.local.contract import Observer
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.step.portable import harmless
from mlopsctl.step.ports import PINNED_PARAMETER, RUN_PARAMETER
from mlopsctl.step.task import StepResult

_log = log_for("elsewhere")

_MOST_RUNS = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """A run to start: its record, the pipeline it runs, and what the plan pinned."""

    record: RunRecord
    pipeline: Pipeline
    pinned: Mapping[str, str]


def run_there(
    there: Elsewhere, asked: Asked, stores: Stores, observer: Observer, pause: float = PAUSE
) -> Mapping[str, StepResult]:
    """Run the deployed pipeline there, and record what came of it here; every step's result, by id.

    Raises:
        Interrupted: after the run was canceled there and what it had done was recorded.
        Problem: when the orchestrator does not answer.
    """
    run = asked.record.id
    parameters: dict[str, Json] = {
        **asked.record.parameters,
        RUN_PARAMETER: run,
        PINNED_PARAMETER: harmless(dict(asked.pinned)),
    }
    stores.metadata.begin_run(asked.record)
    try:
        id = there.engine.start(there.wanted, run, parameters)
        _log.info("run begins elsewhere", run=run, id=id, pipeline=there.wanted.name)
        followed = follow(there.engine, id, run, asked.pipeline, stores.artifacts, observer, pause)
    except BaseException:
        with suppress(Problem):
            collect(stores, asked.record)
        stores.metadata.finish_run(run, "canceled", None, now_ms())
        raise
    collect(stores, asked.record)
    _record_unheard(asked, followed, stores)
    return followed.results


def bring_home(there: Elsewhere, stores: Stores) -> tuple[str, ...]:
    """Record the ended runs that are not recorded yet, such as those of schedules; their ids, oldest first."""
    recent = there.engine.recent(there.wanted, _MOST_RUNS)
    waiting = _uncollected(recent, stores)
    for found in waiting:
        run = found.run or found.id
        record = stores.metadata.run(run) or _foreign(there, found, run)
        collect(stores, record, state="success" if found.state is RunState.SKIPPED else found.state.value)
    for found in recent:
        # The last task of a run writes it down itself where it can, and does not know what started it.
        known = stores.metadata.run(found.run or found.id) if found.schedule else None
        if known is not None and not known.cause:
            stores.metadata.tell_cause(known.id, _cause(found))
    return tuple(found.run or found.id for found in waiting)


def uncollected(there: Elsewhere, stores: Stores) -> tuple[EngineRun, ...]:
    """The newest ended runs there that are not recorded as ended here, oldest first.

    A run whose watcher was killed counts as canceled here until what it came to is known.
    """
    return _uncollected(there.engine.recent(there.wanted, _MOST_RUNS), stores)


def _uncollected(recent: Sequence[EngineRun], stores: Stores) -> tuple[EngineRun, ...]:
    found = []
    for run in reversed(recent):
        record = stores.metadata.run(run.run or run.id)
        is_open = (
            record is None
            or record.finished is None
            or (record.state == "canceled" and run.state is not RunState.CANCELED)
        )
        if run.state.ended and is_open:
            found.append(run)
    return tuple(found)


def _foreign(there: Elsewhere, found: EngineRun, run: str) -> RunRecord:
    """The record of a run that the orchestrator started itself."""
    return RunRecord(
        id=run,
        project=there.wanted.project,
        environment=there.wanted.environment,
        pipeline_digest=there.wanted.bundle.digest,
        plan_digest="",
        started=found.started,
        parameters=dict(there.wanted.parameters),
        cause=_cause(found),
    )


def _cause(found: EngineRun) -> str:
    return f"schedule: {found.schedule}" if found.schedule else ""


def _record_unheard(asked: Asked, followed: Followed, stores: Stores) -> None:
    """Record the steps that left nothing in the ledger, so that history knows how they ended."""
    heard = {record.step for record in stores.metadata.executions(asked.record.id)}
    now = now_ms()
    silent = [
        ExecutionRecord(
            run=asked.record.id,
            step=step.id,
            component=step.component,
            state=followed.results[step.id].state,
            key="",
            material=None,
            started=now,
            finished=now,
            problem=followed.results[step.id].problem,
            hint=followed.results[step.id].hint,
        )
        for step in asked.pipeline.steps
        if step.id not in heard
    ]
    if silent:
        stores.metadata.record(silent)
