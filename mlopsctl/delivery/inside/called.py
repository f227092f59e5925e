"""A task of a run as the worker of a scheduler calls it: one JSON text on stdin, or in the variable MLOPSCTL_CALL.

A scheduler hands no artifacts from task to task. What the tasks before left stands in the run's ledger; it is given on
in the form that containers are given it elsewhere, so that the very same programs run here.

``{"kind": "begin" | "step" | "end", "task": TEXT, "run": ID, "parameters": {…}}``. Exit 0 for success, 77 for a step
that was skipped, anything else for a failure. ``--report FILE`` is told the digests of what a step left.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from mlopsctl.artifacts.blobs import RUNS
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.delivery.inside import begin, end
from mlopsctl.delivery.inside.reach import complain
from mlopsctl.delivery.stores import located
from mlopsctl.evidence import BLESSING_FILE, Blessing, parse
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.ground.process import die_with_parent
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step import container, ledger
from mlopsctl.step.portable import PortableStep, decode_run, decode_step, encode
from mlopsctl.step.portable_fields import Order
from mlopsctl.step.ports import PINNED_OUTPUT, PINNED_PARAMETER, RUN_OUTPUT, RUN_PARAMETER, to_port
from mlopsctl.step.task import StepState

SKIPPED = 77
"""The exit code of a step that was skipped."""

CALL = "MLOPSCTL_CALL"
_LONGEST = 8 << 20


class _Call(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: str
    task: str
    run: str
    parameters: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a task works: the project's folder, a folder of its own, and the file that is told what it left, if any."""

    project: Path
    own: Path
    report: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the task; the exit code."""
    parser = argparse.ArgumentParser(prog="mlopsctl.delivery.inside.called", description="One task of a scheduled run.")
    parser.add_argument("--report", type=Path, default=None, help="the file that is told what a step left")
    words = parser.parse_args(arguments)
    # A worker that is killed must not leave the step behind.
    die_with_parent(signal.SIGTERM, os.getppid())
    with tempfile.TemporaryDirectory(prefix="mlopsctl-call-") as own:
        place = _Place(Path.cwd(), Path(own), words.report)
        try:
            call = _read()
            return {"begin": _begin, "step": _step, "end": _end}[call.kind](call, place)
        except Problem as problem:
            complain(problem)
            return 1


def _read() -> _Call:
    text = os.environ.pop(CALL, "") or sys.stdin.read(_LONGEST)
    try:
        call = _Call.model_validate_json(text)
    except ValidationError as error:
        raise StepProblem.because(
            "bad-call",
            f"the task cannot be read: {error.errors()[0]['msg']}",
            hint="compile the DAG with the version of mlopsctl that its steps have",
        ) from error
    # Whoever starts a run may name it; the name becomes a folder's.
    ledger.run_id(call.run, "")
    return call


def _begin(call: _Call, place: _Place) -> int:
    """Pin the state inputs, and keep them where the steps find them."""
    asked = decode_run(call.task)
    files = {name: place.own / name for name in (RUN_OUTPUT, PINNED_OUTPUT)}
    given = _executor_input(call, place, files=files)
    code = begin.main(["--run", call.task, "--executor-input", given])
    if code == 0:
        store = ArtifactStore(located(asked.artifacts, place.project))
        store.note(_pinned_name(call.run), files[PINNED_OUTPUT].read_bytes())
    return code


def _end(call: _Call, place: _Place) -> int:
    return end.main(["--run", call.task, "--executor-input", _executor_input(call, place)])


def _step(call: _Call, place: _Place) -> int:
    asked = decode_step(call.task)
    here = replace(
        asked, artifacts=located(asked.artifacts, place.project), tracking=located(asked.tracking, place.project)
    )
    store = ArtifactStore(here.artifacts)
    before = ledger.newest(store, call.run, here.step.upstream)
    given = _executor_input(
        call,
        place,
        artifacts=_pointers(here, before),
        outputs=tuple(here.step.outputs),
        pinned=(store.noted(_pinned_name(call.run)) or b"").decode(),
    )
    code = container.main(["--step", encode(here), "--executor-input", given])
    record = ledger.newest(store, call.run, (here.step.id,)).get(here.step.id)
    _tell(place, record)
    _say_gates(store, record)
    return SKIPPED if code == 0 and record is not None and record.state is StepState.SKIPPED else code


def _pointers(asked: PortableStep, before: Mapping[str, ExecutionRecord]) -> dict[str, Json]:
    """What each input points to: what the newest attempt of its step left, nothing where that was skipped.

    Raises:
        StepProblem: when a step before left no record.
    """
    found: dict[str, Json] = {}
    for name, wired in asked.step.inputs.items():
        record = before.get(wired.ref.step)
        if record is None and asked.order is Order.TOLD:
            # The scheduler skipped it by its own rule, without a word of ours.
            continue
        if record is None:
            raise StepProblem.because(
                "no-record",
                f"{asked.step.id} reads {wired.ref}, and the run has no record of {wired.ref.step}",
                hint="clear that task too, so that it runs before this one",
            )
        artifact = record.outputs.get(wired.ref.output)
        metadata: dict[str, Json] = {"digest": artifact.digest if artifact else "", "type": wired.type.value}
        found[to_port(name)] = {"artifacts": [{"name": name, "uri": "", "metadata": metadata}]}
    return found


def _executor_input(
    call: _Call,
    place: _Place,
    *,
    artifacts: Mapping[str, Json] | None = None,
    outputs: tuple[str, ...] = (),
    files: Mapping[str, Path] | None = None,
    pinned: str = "",
) -> str:
    """What a container is told elsewhere."""
    values: dict[str, Json] = {to_port(name): value for name, value in call.parameters.items()}
    values |= {RUN_PARAMETER: call.run}
    if pinned:
        values[PINNED_PARAMETER] = pinned
    left: dict[str, Json] = {
        name: {"artifacts": [{"name": name, "uri": str(place.own / "outputs" / name), "metadata": {}}]}
        for name in outputs
    }
    content: dict[str, Json] = {
        "inputs": {"parameterValues": values, "artifacts": artifacts or {}},
        "outputs": {
            "parameters": {name: {"outputFile": str(path)} for name, path in (files or {}).items()},
            "artifacts": left,
            "outputFile": str(place.own / "executor-output.json"),
        },
    }
    return json.dumps(content, default=dict)


def _tell(place: _Place, record: ExecutionRecord | None) -> None:
    if place.report is not None and record is not None:
        digests = {name: artifact.digest for name, artifact in record.outputs.items()}
        told = {"state": record.state.value, "outputs": digests, "problem": record.problem, "hint": record.hint}
        place.report.write_text(json.dumps(told), encoding="utf-8")


def _say_gates(store: ArtifactStore, record: ExecutionRecord | None) -> None:
    """The verdict of each gate with its number, in the task's log."""
    for artifact in record.outputs.values() if record is not None else ():
        if artifact.type is ArtifactType.BLESSING:
            for gate in parse(Blessing, store.read(artifact.digest, BLESSING_FILE)).gates:
                print(printable(f"mlopsctl: gate {gate.name}: {gate.verdict.value}: {gate.reason}"), flush=True)


def _pinned_name(run: str) -> str:
    return f"{RUNS}/{run}/pinned.json"


if __name__ == "__main__":
    sys.exit(main())
