"""Executing a step: read the guards, fetch the inputs, call the component, check its outputs, publish them.

The same in every orchestrator. Nothing is published unless everything before went right, and whatever goes wrong comes
back as a result that says so: a :class:`Problem` in its own words, any other error of the code that ran by its type,
message and line. Tracebacks go to stderr, which is the attempt's log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.components import spec as components
from mlopsctl.components.spec import Component, Notes, Parameters, Work
from mlopsctl.ground.digest import canonical_json
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.ground.redact import redact, redact_json
from mlopsctl.step.guards import refusal
from mlopsctl.step.outputs import check_outputs
from mlopsctl.step.task import StepResult, StepState, StepTask
from mlopsctl.step.user_code import advice, describe, flush_output, log_traceback, user_code

_MAX_NOTES = 1 << 20
_MAX_PROBLEM = 10_000


def execute(task: StepTask) -> StepResult:
    """Run the task in this process and say how it ended; only an interrupt from the keyboard comes out as an error."""
    begun = time.perf_counter()
    project = Path(task.project)
    try:
        with user_code(project):
            result = _story(task)
    except Problem as problem:
        log_traceback()
        hints = (found.hint for found in problem.diagnostics if found.hint)
        result = _failed(str(problem), next(hints, ""))
    except (Exception, SystemExit) as error:
        log_traceback()
        result = _failed(describe(error, project), advice(error, project))
    return replace(
        result,
        line=redact(result.line),
        problem=redact(result.problem),
        hint=redact(result.hint),
        notes={redact(name): redact_json(value) for name, value in result.notes.items()},
        seconds=time.perf_counter() - begun,
    )


def _story(task: StepTask) -> StepResult:
    store, staging = ArtifactStore(task.artifacts), Path(task.staging)
    refused = _fetch_guards(task, store, staging / "inputs")
    if refused:
        return StepResult(StepState.SKIPPED, problem=refused)
    component = _load(task.component)
    parameters = _parameters(component, task)
    work = Work(
        project=Path(task.project),
        inputs=_fetch_inputs(task, store, staging / "inputs"),
        outputs=_empty_folders(task, staging / "outputs"),
        state=_fetch(task.state, store, staging / "state"),
        environment=task.environment,
        tracking=task.tracking,
        run_id=task.run_id,
        seed=task.seed,
        clock=task.clock,
        resources=task.resources,
    )
    notes = _call(component, work, parameters)
    check_outputs(dict(work.outputs))
    digests = {name: store.put(folder) for name, folder in work.outputs.items()}
    return StepResult(StepState.SUCCESS, outputs=digests, notes=notes.values, line=notes.line)


def _fetch_guards(task: StepTask, store: ArtifactStore, folder: Path) -> str:
    """Fetch the guards before all else; why they forbid the step, or empty text."""
    guards = {name: given for name, given in task.inputs.items() if given.guard}
    folders = _fetch({name: given.digest for name, given in guards.items()}, store, folder)
    reasons = (refusal(given.type, folders[name]) for name, given in guards.items())
    return "; ".join(reason for reason in reasons if reason)


def _fetch_inputs(task: StepTask, store: ArtifactStore, folder: Path) -> dict[str, Path]:
    """All inputs in the order they were wired; the guards are there already."""
    _fetch({name: given.digest for name, given in task.inputs.items() if not given.guard}, store, folder)
    return {name: folder / name for name in task.inputs}


def _fetch(digests: Mapping[str, str], store: ArtifactStore, folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, digest in digests.items():
        store.fetch(digest, folder / name)
    return {name: folder / name for name in digests}


def _empty_folders(task: StepTask, folder: Path) -> dict[str, Path]:
    folders = {name: folder / name for name in task.outputs}
    for path in folders.values():
        path.mkdir(parents=True)
    return folders


def _load(name: str) -> Component:
    try:
        return components.load(name)
    except KeyError as error:
        raise StepProblem.because("unknown-component", f"there is no component '{name}'") from error


def _parameters(component: Component, task: StepTask) -> Parameters:
    try:
        return component.SPEC.parameters.model_validate(task.parameters)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in error.errors())
        raise StepProblem.because(
            "bad-parameters", f"the parameters do not fit the component {task.component}: {wrong}"
        ) from error


def _call(component: Component, work: Work, parameters: Parameters) -> Notes:
    """Call the component and flush what it printed, so that the log is whole before anything is published."""
    try:
        notes = component.run(work, parameters)
    finally:
        flush_output()
        # User code may have gone elsewhere, or deleted the folder it stood in.
        os.chdir(work.project)
    try:
        size = len(canonical_json({"values": notes.values, "line": notes.line}))
    except (TypeError, ValueError) as error:
        raise StepProblem.because("bad-notes", f"the step's notes are not JSON: {error}") from error
    if size > _MAX_NOTES:
        raise StepProblem.because("large-notes", f"the step's notes take {size:,} bytes; {_MAX_NOTES:,} are allowed")
    return notes


def _failed(problem: str, hint: str) -> StepResult:
    problem = problem if len(problem) <= _MAX_PROBLEM else problem[:_MAX_PROBLEM] + "…"
    return StepResult(StepState.FAILED, problem=problem, hint=hint)
