"""A step in a container of an orchestrator: ``python3 -P -m mlopsctl.step.container``; see :mod:`..portable`.

Read the step and what the engine says → take a known result, or run it by the same runtime as on a laptop → write the
record and the log into the ledger → give the engine pointers to the outputs. Exit 0 for success, cached and skipped,
1 for a failure, 143 when the container was told to end.

Each attempt has a number and a record of its own. The record is written when everything it speaks of is stored, so a
container that is killed at any moment leaves nothing that counts as a result.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import Problem
from mlopsctl.ground.interrupts import Interrupts
from mlopsctl.ground.redact import redact
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.pipeline.ir import Rule, Step
from mlopsctl.step import ledger
from mlopsctl.step.bound import bound
from mlopsctl.step.container_attempt import attempt
from mlopsctl.step.container_input import ExecutorInput, read_executor_input
from mlopsctl.step.container_output import Left, give_outputs
from mlopsctl.step.container_task import Prepared, known, moved, prepare, task_of
from mlopsctl.step.folders import remove_tree
from mlopsctl.step.order import Stop, branch_of, stopped
from mlopsctl.step.portable import PortableStep, decode_step
from mlopsctl.step.portable_fields import Order
from mlopsctl.step.ports import RUN_PARAMETER
from mlopsctl.step.task import StepResult, StepState

_EXIT_CODES = {StepState.FAILED: 1, StepState.UPSTREAM_FAILED: 1, StepState.CANCELED: 143}


@dataclass(frozen=True, slots=True)
class _Container:
    """What does not change while the container lives: whose step it is, in which run, which attempt, and where."""

    asked: PortableStep
    given: ExecutorInput
    store: ArtifactStore
    project: Path
    run: str
    attempt: int
    started: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the step; the exit code."""
    words = _words(arguments)
    try:
        asked = decode_step(words.step)
        given = read_executor_input(words.executor_input)
        project = Path.cwd()
        store = ArtifactStore(_located(asked.artifacts, project))
        run = ledger.run_id(given.text(RUN_PARAMETER), words.job)
        started = now_ms()
        number = ledger.begin_attempt(store, run, asked.step.id, asked.step.component, started)
        with Interrupts() as interrupts:
            container = _Container(asked, given, store, project, run, number, started)
            record = _story(container, words.skip, interrupts)
            repeats = 0
            while _repeats(container, record, repeats, interrupts):
                repeats += 1
                number = ledger.begin_attempt(store, run, asked.step.id, asked.step.component, now_ms())
                container = replace(container, attempt=number, started=now_ms())
                record = _story(container, words.skip, interrupts)
    except Problem as problem:
        _complain(str(problem), _hint(problem))
        return 1
    _report(record)
    return 0 if _is_carried(container, record) else _EXIT_CODES.get(record.state, 0)


def _words(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mlopsctl.step.container", description="Run one step of a compiled pipeline.")
    parser.add_argument("--step", required=True, help="the step, as the compiler wrote it")
    parser.add_argument("--executor-input", required=True, help="KFP's executor input")
    parser.add_argument("--job", default="", help="the engine's id of the job")
    parser.add_argument("--skip", default="", metavar="REASON", help="record the step as skipped")
    return parser.parse_args(arguments)


def _story(container: _Container, skip: str, interrupts: Interrupts) -> ExecutionRecord:
    """From what the engine says to the record in the ledger."""
    prepared = Prepared(container.asked.step, {}, {}, skipped=skip)
    stop: Stop | None = None
    with _private_folder() as folder:
        log = folder / "step.log"
        try:
            if not skip:
                step = bound(container.asked.step, container.given.parameters)
                stop = _stopped(container, step)
                if stop is None:
                    prepared = prepare(container.asked, step, container.given, container.store, container.project)
            if stop is not None:
                result = StepResult(stop.state, problem=stop.problem)
            elif prepared.skipped:
                result = StepResult(StepState.SKIPPED, problem=prepared.skipped)
            elif earlier := known(prepared, container.store):
                taken = ledger.again(earlier, container.run, prepared.step.id, container.attempt, now_ms())
                return _kept(container, taken, prepared)
            else:
                result = _attempted(container, prepared, folder, log, interrupts)
        except Problem as problem:
            result = StepResult(StepState.FAILED, problem=redact(str(problem)), hint=redact(_hint(problem)))
        return _recorded(container, prepared, result, log)


def _stopped(container: _Container, step: Step) -> Stop | None:
    """Why the steps before it, as the ledger tells them, keep the step from running."""
    asked = container.asked
    if asked.order is Order.DATA or not step.when:
        return None
    before = ledger.newest(container.store, container.run, step.upstream)
    unheard = StepState.SKIPPED if asked.order is Order.TOLD else StepState.FAILED
    states = {id: before[id].state if id in before else unheard for id in step.upstream}
    stop = None if asked.order is Order.TOLD and step.rule is not Rule.ALL_SUCCESS else stopped(step, states)
    if stop is not None or step.decision is None:
        return stop
    ref = step.decision.ref
    left = before[ref.step].outputs.get(ref.output) if ref.step in before else None
    return branch_of(step, {str(ref): left.digest if left is not None else None}, container.store)


def _repeats(container: _Container, record: ExecutionRecord, repeats: int, interrupts: Interrupts) -> bool:
    """Whether a failed attempt is repeated here, because the engine is not told of it; after the step's pause."""
    retry = container.asked.step.retry
    if container.asked.order is not Order.CARRIED or record.state is not StepState.FAILED or repeats >= retry.attempts:
        return False
    until = time.monotonic() + retry.delay
    while not interrupts.count and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
    return not interrupts.count


def _is_carried(container: _Container, record: ExecutionRecord) -> bool:
    """Whether the engine is told that all went well although it did not, so that it starts what comes after."""
    return container.asked.order is Order.CARRIED and record.state in (StepState.FAILED, StepState.UPSTREAM_FAILED)


def _attempted(
    container: _Container, prepared: Prepared, folder: Path, log: Path, interrupts: Interrupts
) -> StepResult:
    task = task_of(prepared, container.asked, container.run, container.project, folder)
    task = replace(task, artifacts=container.store.url)
    return attempt(task, prepared.step.requirements, prepared.step.timeout, log, interrupts)


def _recorded(container: _Container, prepared: Prepared, result: StepResult, log: Path) -> ExecutionRecord:
    """Write the log and then the record."""
    step, store = prepared.step, container.store
    output = b"".join(file.read_bytes() for file in (log, log.with_name(f"own-{log.name}")) if file.is_file())
    name = ""
    if output:
        name = ledger.keep_log(store, container.run, step.id, container.attempt, output)
    success = result.state is StepState.SUCCESS
    record = ExecutionRecord(
        run=container.run,
        step=step.id,
        component=step.component,
        state=result.state,
        # Data that changed while the step read it: nobody knows which bytes it saw.
        key="" if success and _moved(prepared, container.project) else prepared.key,
        material=prepared.material,
        started=container.started,
        finished=now_ms(),
        attempt=container.attempt,
        inputs=prepared.inputs,
        outputs={
            name: ArtifactRecord(digest, step.outputs[name], store.uri(digest))
            for name, digest in result.outputs.items()
        },
        state_inputs={name: prepared.pinned.get(name, "") for name in step.state_inputs},
        notes=result.notes,
        line=result.line,
        problem=result.problem,
        hint=result.hint,
        log=name,
    )
    return _kept(container, record, prepared)


def _kept(container: _Container, record: ExecutionRecord, prepared: Prepared) -> ExecutionRecord:
    """Give the engine its pointers and, last of all, write the record: one that says what really came of it."""
    if record.state not in _EXIT_CODES or _is_carried(container, record):
        try:
            give_outputs(container.given, _left(record, container.asked.step), container.store)
        except Problem as problem:
            record = replace(
                record, state=StepState.FAILED, outputs={}, problem=redact(str(problem)), hint=_hint(problem)
            )
    ledger.keep(container.store, record, place=prepared.place)
    return record


def _moved(prepared: Prepared, project: Path) -> bool:
    try:
        return moved(prepared, project)
    except Problem:
        return True


def _left(record: ExecutionRecord, step: Step) -> Left:
    digests = {name: artifact.digest for name, artifact in record.outputs.items()}
    return Left(step.outputs, digests, record.problem if record.state is StepState.SKIPPED else "")


def _report(record: ExecutionRecord) -> None:
    """Say how it ended: on stdout what went well, on stderr what did not."""
    if record.state in _EXIT_CODES:
        _complain(record.problem, record.hint)
    else:
        said = record.line or record.problem
        print(f"mlopsctl: {record.step}: {record.state.value}" + (f": {printable(said)}" if said else ""), flush=True)


def _complain(problem: str, hint: str) -> None:
    print(f"error: {printable(redact(problem))}", file=sys.stderr)
    if hint:
        print(f"hint: {printable(redact(hint))}", file=sys.stderr, flush=True)


def _hint(problem: Problem) -> str:
    return next((found.hint for found in problem.diagnostics if found.hint), "")


def _located(artifacts: str, project: Path) -> str:
    return artifacts if "://" in artifacts else str((project / artifacts).resolve())


@contextmanager
def _private_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mlopsctl-step-"))
    try:
        yield folder
    finally:
        remove_tree(folder)


if __name__ == "__main__":
    sys.exit(main())
