"""The runs of a project and one run, for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mlopsctl.delivery.answers.runs import RunDetail, RunLine, RunList
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, RunRecord
from mlopsctl.render.grid import Cell, grid
from mlopsctl.render.money import cost_json, whole
from mlopsctl.render.outcome import findings_text, gates_json, release_json
from mlopsctl.render.times import moment, short, took
from mlopsctl.step.task import StepState

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES: Mapping[StepState, str] = {
    StepState.SUCCESS: "green",
    StepState.CACHED: "dim",
    StepState.FAILED: "red",
    StepState.UPSTREAM_FAILED: "yellow",
    StepState.SKIPPED: "yellow",
    StepState.CANCELED: "yellow",
}
_END_STYLES = {"passed": "green", "refused": "yellow", "undecided": "magenta", "failed": "red", "canceled": "yellow"}


def runs_text(found: RunList) -> RenderableType:
    """One line a run, the newest first."""
    from rich.console import Group
    from rich.text import Text

    if not found.lines:
        where = f" in {found.environment}" if found.environment else ""
        return Text(f"{found.project} has not been run{where} yet.")
    head = ("RUN", "ENVIRONMENT", "STARTED (UTC)", "TOOK", "ENDED", "STEPS", "COMMIT", "EVALUATION")
    rows = [_row(line) for line in found.lines]
    parts: list[RenderableType] = [grid(head, rows)]
    if found.more:
        parts.append(Text("there are more; --limit shows them", "dim"))
    return Group(*parts)


def runs_json(found: RunList) -> str:
    """The runs as one JSON object."""
    document: Json = {
        "project": found.project,
        "environment": found.environment or None,
        "runs": [
            {
                **_run_json(line.run),
                "ended": line.ended,
                "steps": line.tally.steps,
                "ran": line.tally.ran,
                "reused": line.tally.reused,
                "failed_attempts": line.tally.failed_attempts,
                "evaluation": line.tally.said,
                "release": release_json(line.release),
            }
            for line in found.lines
        ],
        "more": found.more,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def run_text(found: RunDetail) -> RenderableType:
    """What became of the run, its steps, what they read and left, and every verdict."""
    from rich.console import Group
    from rich.text import Text

    facts = list(_facts(found))
    width = max(len(name) for name, _ in facts)
    parts: list[RenderableType] = [
        Text(f"Run {found.run.id} · {printable(found.run.project)} · {printable(found.run.environment)}", "bold")
    ]
    parts += [Text.assemble((f"  {name:<{width}}", "bold"), f"  {printable(value)}") for name, value in facts]
    if found.executions:
        parts += [Text(), grid(("STEP", "STATE", "TOOK", "ATTEMPT", "SAYS"), [_step(one) for one in found.executions])]
    artifacts = [one for one in found.steps.values() if one.inputs or one.outputs]
    if artifacts:
        parts += [Text(), grid(("STEP", "LEAVES", "READS"), [_wires(one) for one in artifacts])]
    trouble = [record for record in found.steps.values() if record.problem]
    if trouble:
        parts += [Text(), *(_problem(record) for record in trouble)]
    told = list(findings_text(found.findings))
    if told:
        parts += [Text(), *told]
    parts += [Text(f"note: {printable(note)}", "dim") for note in found.notes]
    return Group(*parts)


def run_json(found: RunDetail) -> str:
    """The run as one JSON object; ``steps`` has every attempt."""
    evaluation = found.findings.evaluation
    document: Json = {
        **_run_json(found.run),
        "fate": {"kind": found.fate.kind.value, "reason": found.fate.reason},
        "release": release_json(found.fate.release),
        "steps": [_execution_json(record) for record in found.executions],
        "checks": [
            {"name": c.name, "verdict": c.verdict.value, "reason": c.reason, "severity": c.severity}
            for anomalies in found.findings.anomalies
            for c in anomalies.checks
        ],
        "gates": gates_json(found.findings),
        "preflight": None
        if found.findings.infra is None
        else {"verdict": found.findings.infra.verdict.value, "reason": found.findings.infra.reason},
        "metrics": [
            {"metric": m.metric, "slice": m.slice, "value": m.value, "rows": m.rows, "problem": m.problem}
            for m in (evaluation.measurements if evaluation is not None else ())
        ],
        "cost": cost_json(found.cost),
        "notes": list(found.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _row(line: RunLine) -> tuple[Cell, ...]:
    run, tally = line.run, line.tally
    steps = f"{tally.steps}, {tally.reused} reused" if tally.reused else str(tally.steps)
    style = _END_STYLES.get(line.ended, "bold green" if line.release is not None else "")
    time = took(run.started, run.finished)
    ended: Cell = (line.ended, style)
    return (run.id, run.environment, moment(run.started), time, ended, steps, _commit(run), tally.said)


def _commit(run: RunRecord) -> str:
    return run.git.commit[:10] + ("*" if run.git.dirty else "")


def _facts(found: RunDetail) -> Iterator[tuple[str, str]]:
    run = found.run
    code = f", exit code {run.exit_code}" if run.exit_code is not None else ""
    yield "state", f"{run.state}{code}"
    yield "release", found.fate.reason if found.fate.release is not None else f"none: {found.fate.reason}"
    lasted = took(run.started, run.finished)
    yield "started", f"{moment(run.started)} UTC" + (f", took {lasted}" if lasted else "")
    if run.cause:
        yield "started by", printable(run.cause)
    if found.cost is not None and (costs := whole(found.cost)):
        yield "cost", f"{costs}, at the prices of now"
    if run.git.commit:
        dirty = ", with uncommitted changes" if run.git.dirty else ""
        yield "commit", f"{run.git.commit} on {run.git.branch}{dirty}"
    if run.parameters:
        yield "parameters", ", ".join(f"{name}={json.dumps(value)}" for name, value in run.parameters.items())
    yield "plan", f"{short(run.plan_digest)} by mlopsctl {run.tool_version}"


def _step(record: ExecutionRecord) -> tuple[Cell, ...]:
    state: Cell = (record.state.value, _STYLES[record.state])
    time = took(record.started, record.finished) if record.state in (StepState.SUCCESS, StepState.FAILED) else ""
    attempt = str(record.attempt) if record.attempt > 1 else ""
    return (record.step, state, time, attempt, record.line)


def _wires(record: ExecutionRecord) -> tuple[Cell, ...]:
    return (record.step, _artifacts(record.outputs), (_artifacts(record.inputs), "dim"))


def _artifacts(found: Mapping[str, ArtifactRecord]) -> str:
    return ", ".join(f"{name} {short(artifact.digest)}" for name, artifact in found.items())


def _problem(record: ExecutionRecord) -> RenderableType:
    from rich.text import Text

    hint = f"; {record.hint}" if record.hint else ""
    return Text(f"  {record.step} {record.state}: {printable(record.problem + hint)}", _STYLES[record.state])


def _run_json(run: RunRecord) -> dict[str, Json]:
    return {
        "id": run.id,
        "project": run.project,
        "environment": run.environment,
        "state": run.state,
        "exit_code": run.exit_code,
        "started": run.started,
        "finished": run.finished,
        "commit": run.git.commit,
        "branch": run.git.branch,
        "dirty": run.git.dirty,
        "parameters": dict(run.parameters),
        "pipeline": run.pipeline_digest,
        "plan": run.plan_digest,
        "tool": run.tool_version,
        "cause": run.cause,
    }


def _execution_json(record: ExecutionRecord) -> Json:
    return {
        "step": record.step,
        "component": record.component,
        "state": record.state.value,
        "attempt": record.attempt,
        "started": record.started,
        "finished": record.finished,
        "key": record.key,
        "inputs": {name: artifact.digest for name, artifact in record.inputs.items()},
        "outputs": {name: artifact.digest for name, artifact in record.outputs.items()},
        "pinned": dict(record.state_inputs),
        "notes": dict(record.notes),
        "line": record.line,
        "problem": record.problem,
        "hint": record.hint,
        "log": record.log,
    }
