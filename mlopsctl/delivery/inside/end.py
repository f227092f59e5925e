"""The last task of a run elsewhere, whatever came of the others: it writes how the run ended, records it, and tells.

Records and notifiers that cannot be reached change nothing: ``apply`` brings the ledger home later.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from mlopsctl import __version__
from mlopsctl.delivery.collect import collect
from mlopsctl.delivery.findings import read_findings
from mlopsctl.delivery.happenings import Ending, happenings
from mlopsctl.delivery.inside.reach import complain, models_of, opened, read_words
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.notifiers import Notifier
from mlopsctl.notifiers.tell import tell
from mlopsctl.step import ledger
from mlopsctl.step.container_input import ExecutorInput, read_executor_input
from mlopsctl.step.container_output import give
from mlopsctl.step.ledger import Ended
from mlopsctl.step.portable import PortableRun, decode_run
from mlopsctl.step.ports import RUN_PARAMETER, STATUS_PARAMETER
from mlopsctl.step.task import StepResult, StepState

State = Literal["success", "failed", "canceled"]

_STATES: Mapping[str, State] = {
    "SUCCEEDED": "success", "SKIPPED": "success", "FAILED": "failed", "CANCELLED": "canceled", "CANCELED": "canceled"
}  # fmt: skip

# So Airflow names the runs of a schedule, and no other; the other engines tell a task nothing of what started it.
_SCHEDULED = "scheduled__"


@dataclass(frozen=True, slots=True)
class _Status:
    """What the engine says of all other tasks; ``state`` is empty where it says nothing."""

    state: str = ""
    job: str = ""
    message: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """End the run; the exit code: 1 when the ledger cannot be written, or when only this task tells of a failure."""
    words = read_words("end", arguments)
    project = Path.cwd()
    try:
        asked, given = decode_run(words.run), read_executor_input(words.executor_input)
        run = ledger.run_id(given.text(RUN_PARAMETER), words.job)
        store = models_of(asked, project).artifacts
        records = list(ledger.records(store, run))
        status = _status(given)
        ended = Ended(_state(status, records, carried=asked.carried), now_ms(), status.job or words.job, status.message)
        ledger.keep_end(store, run, ended)
        notes = (*_recorded(asked, project, run, records), *_told(asked, project, run, records, ended))
        if notes:
            ledger.keep_end(store, run, replace(ended, notes=notes))
        give(given)
    except Problem as problem:
        complain(problem)
        return 1
    for note in notes:
        print(f"warning: {printable(note)}", file=sys.stderr, flush=True)
    print(f"mlopsctl: run {run}: {ended.state}", flush=True)
    return 1 if asked.carried and ended.state == "failed" else 0


def _status(given: ExecutorInput) -> _Status:
    said = given.parameters.get(STATUS_PARAMETER)
    if not isinstance(said, Mapping):
        return _Status()
    error = said.get("error")
    return _Status(
        state=str(said.get("state") or "").upper(),
        job=str(said.get("pipelineJobResourceName") or said.get("pipeline_job_resource_name") or ""),
        message=str(error.get("message") or "") if isinstance(error, Mapping) else "",
    )


def _state(status: _Status, records: Sequence[ExecutionRecord], *, carried: bool = False) -> State:
    """How the run ended: as the engine says, else as the last attempts of its steps do; they alone where the engine
    was told that all went well."""
    known = _STATES.get(status.state)
    if known is not None and not (carried and known == "success"):
        return known
    last = {record.step: record.state for record in records}.values()
    if StepState.FAILED in last:
        return "failed"
    return "canceled" if StepState.CANCELED in last else "success"


def _recorded(asked: PortableRun, project: Path, run: str, records: Sequence[ExecutionRecord]) -> tuple[str, ...]:
    """Bring the ledger into the records, where they are reached from here; why not, if not."""
    try:
        with opened(asked, project) as stores:
            if stores is not None:
                collect(stores, _run_record(asked, run, records))
    except Problem as problem:
        return (f"the run is not recorded yet: {problem}",)
    return ()


def _run_record(asked: PortableRun, run: str, records: Sequence[ExecutionRecord]) -> RunRecord:
    """The record of a run that nobody has begun to record."""
    return RunRecord(
        id=run,
        project=asked.project,
        environment=asked.environment,
        pipeline_digest=asked.pipeline,
        plan_digest="",
        started=min((record.started for record in records), default=now_ms()),
        tool_version=__version__,
        cause="schedule: of the DAG" if run.startswith(_SCHEDULED) else "",
    )


def _told(
    asked: PortableRun, project: Path, run: str, records: Sequence[ExecutionRecord], ended: Ended
) -> tuple[str, ...]:
    """Tell the notifiers; who could not be told."""
    try:
        notifiers = _notifiers(asked.notify)
        if not notifiers:
            return ()
        newest = {record.step: record for record in records}
        last = {step: newest[step] for step in asked.steps if step in newest}
        outputs = {f"{step}.{name}": one for step, record in last.items() for name, one in record.outputs.items()}
        findings = read_findings(
            {ref: artifact.digest for ref, artifact in outputs.items()},
            {ref: artifact.type for ref, artifact in outputs.items()},
            models_of(asked, project).artifacts,
        )
    except Problem as problem:
        return (f"nobody was told: {problem}",)
    results = {step: _result(record) for step, record in last.items()}
    failed = (ended.message or "the orchestrator says that the run failed") if ended.state == "failed" else ""
    ending = Ending(asked.project, asked.environment, run, results, findings, failed)
    return tell(notifiers, happenings(ending), project)


def _notifiers(written: Json) -> Sequence[Notifier]:
    adapter: TypeAdapter[tuple[Notifier, ...]] = TypeAdapter(tuple[Notifier, ...])
    try:
        return adapter.validate_json(canonical_json(written))
    except ValidationError as error:
        raise StepProblem.because(
            "bad-task",
            f"the notifiers cannot be read: {error.errors()[0]['msg']}",
            hint="compile the pipeline with the version of mlopsctl that the image holds",
        ) from error


def _result(record: ExecutionRecord) -> StepResult:
    return StepResult(record.state, problem=record.problem, hint=record.hint, notes=record.notes, line=record.line)


if __name__ == "__main__":
    sys.exit(main())
