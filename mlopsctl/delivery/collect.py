"""Bring home what a run elsewhere left in the ledger: its records into the metadata store, its logs beside it.

It may be repeated, by several at once, while the run goes on and after it: what is recorded already stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlopsctl.delivery.stores import LOCAL, Stores
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import Problem
from mlopsctl.ground.files import write_atomic
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.step import ledger
from mlopsctl.step.task import StepState

_TRIES = 5


def collect(stores: Stores, record: RunRecord, *, state: str = "") -> tuple[ExecutionRecord, ...]:
    """Record a run and everything in its ledger; what was new.

    The run is closed as the ledger says it ended, if it does.

    Args:
        record: the run, as whoever started it knows it; begun where the metadata store has none of that id.
        state: how it ended (``success``, ``failed``, ``canceled``), where the ledger may not say.

    Raises:
        Problem: when a store cannot be read or written.
    """
    _begin(stores, record)
    ended = ledger.end_of(stores.artifacts, record.id)
    over = ended.state if ended is not None else state
    attempts = [*ledger.records(stores.artifacts, record.id), *(_killed(stores, record.id) if over else ())]
    new = _record(stores, record.id, sorted(attempts, key=lambda one: (one.finished, one.started, one.attempt)))
    if over and _is_open(stores, record.id):
        stores.metadata.finish_run(record.id, over, None, ended.finished if ended is not None else now_ms())
    return new


def _begin(stores: Stores, record: RunRecord) -> None:
    if stores.metadata.run(record.id) is not None:
        return
    try:
        stores.metadata.begin_run(replace(record, finished=None, state="running", exit_code=None))
    except Problem:
        # Somebody else was quicker, or the store is broken.
        if stores.metadata.run(record.id) is None:
            raise


def _is_open(stores: Stores, run: str) -> bool:
    """Whether the end is not recorded: a run whose watcher was killed counts as canceled until its end is known."""
    found = stores.metadata.run(run)
    return found is None or found.finished is None or found.state == "canceled"


def _record(stores: Stores, run: str, attempts: Sequence[ExecutionRecord]) -> tuple[ExecutionRecord, ...]:
    """Record the attempts that are not recorded, with their logs."""
    located = [_with_log(stores, one) for one in attempts]
    for last in range(1, _TRIES + 1):
        known = {(one.step, one.attempt) for one in stores.metadata.executions(run)}
        new = tuple(one for one in located if (one.step, one.attempt) not in known)
        try:
            stores.metadata.record(new)
            return new
        except Problem:
            # Recorded by somebody else meanwhile? Then they are known at the next look.
            if last == _TRIES or known == {(one.step, one.attempt) for one in stores.metadata.executions(run)}:
                raise
    return ()


def _with_log(stores: Stores, record: ExecutionRecord) -> ExecutionRecord:
    """The record, its log in the local folder, where those of local runs are as well."""
    if not record.log:
        return record
    file = Path("runs", record.run, f"{record.step}.{record.attempt}.log")
    target = stores.home / file
    output = None if target.exists() else ledger.log_of(stores.artifacts, record.run, record.step, record.attempt)
    if output is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, output)
    return replace(record, log=(Path(LOCAL) / file).as_posix())


def _killed(stores: Stores, run: str) -> list[ExecutionRecord]:
    """The attempts that began in a run that is over, and never said how they ended."""
    return [
        ExecutionRecord(
            run=run,
            step=one.step,
            component=one.component,
            state=StepState.FAILED,
            key="",
            material=None,
            started=one.begun,
            finished=one.begun,
            attempt=one.attempt,
            problem="the step's container was ended before it could say what came of it",
            hint="out of memory, or its machine went away: see what the orchestrator says of the task",
        )
        for one in ledger.silent(stores.artifacts, run)
    ]
