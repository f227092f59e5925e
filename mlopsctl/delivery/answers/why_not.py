"""Why the last challenger was not released: one sentence a finding, with its numbers, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.answers.fate import Kind
from mlopsctl.delivery.answers.find import Place, find_run, no_runs
from mlopsctl.delivery.answers.runs import RunDetail, detail
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.evidence import Anomalies, CheckResult, GateResult, Verdict
from mlopsctl.metadata.records import EnvironmentState, RunRecord
from mlopsctl.step.task import StepState

_RECENT = 50
_MOST_PARTS = 5


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a run's challenger was not released.

    Attributes:
        skipped: newer runs that had no verdict to give (single steps), and were passed over.
        model: the challenger's digest, empty where no model came out; ``winner`` the target it is from.
        findings: one sentence each, what stopped it first.
        passed: what was asked and said yes, with its numbers.
        next: what to do.
    """

    run: RunDetail
    state: EnvironmentState
    skipped: int
    winner: str
    model: str
    findings: tuple[str, ...]
    passed: tuple[str, ...]
    next: tuple[str, ...]


def why_not_promoted(folder: Path, environment: str | None, run: str = "") -> WhyNot:
    """Why the last challenger of an environment, or that of a run, was not released.

    Raises:
        UsageProblem: when nothing was run yet, or there is no such run.
    """
    loaded = load_project(folder, environment)
    with open_stores(loaded) as stores:
        chosen, skipped = _chosen(loaded, stores, run)
        return explain(
            detail(loaded, stores, chosen), stores.state.read(loaded.project.name, loaded.environment), skipped
        )


def explain(run: RunDetail, state: EnvironmentState, skipped: int = 0) -> WhyNot:
    """The answer from what a run left and the state of its environment."""
    select = next((one for one in run.steps.values() if one.component == "select"), None)
    model = select.outputs["model"].digest if select is not None and "model" in select.outputs else ""
    return WhyNot(
        run=run,
        state=state,
        skipped=skipped,
        winner=str(select.notes.get("winner", "")) if select is not None else "",
        model=model,
        findings=tuple(_findings(run)),
        passed=tuple(_passed(run)),
        next=tuple(_next(run)),
    )


def _chosen(loaded: Loaded, stores: Stores, text: str) -> tuple[RunRecord, int]:
    place = Place(loaded, stores, everywhere=False)
    if text:
        return find_run((place,), text)[1], 0
    runs = stores.metadata.runs(loaded.project.name, loaded.environment, _RECENT)
    if not runs:
        raise no_runs((place,))
    for at, run in enumerate(runs):
        if {"gate"} & {one.component for one in stores.metadata.executions(run.id)}:
            return run, at
    return runs[0], 0


def _findings(run: RunDetail) -> Iterator[str]:
    for record in run.steps.values():
        if record.state is StepState.FAILED:
            yield f"step {record.step} failed: {record.problem}"
    for anomalies in run.findings.anomalies:
        yield from _checks(anomalies)
    blessing = run.findings.blessing
    for gate in blessing.gates if blessing is not None else ():
        if gate.decides and gate.verdict is not Verdict.PASS:
            yield from _gate(gate)
    infra = run.findings.infra
    if infra is not None and infra.verdict is not Verdict.PASS:
        yield f"the preflight {_said(infra.verdict)}: {infra.reason}"
    if run.fate.kind in (Kind.RUNNING, Kind.INTERRUPTED, Kind.PARTIAL, Kind.JUDGED, Kind.SAME, Kind.HELD, Kind.LEFT):
        yield run.fate.reason


def _checks(anomalies: Anomalies) -> Iterator[str]:
    for check in anomalies.checks:
        if check.verdict is not Verdict.PASS and check.severity == "error":
            yield f"check {check.name} of {anomalies.dataset} {_said(check.verdict)}: {check.reason}{_counts(check)}"


def _counts(check: CheckResult) -> str:
    told = [f"{a.column} in {a.rows} of {a.of} rows" for a in check.anomalies[:3]]
    more = len(check.anomalies) - len(told)
    return f" ({', '.join(told)}{f' and {more} more' if more else ''})" if told else ""


def _gate(gate: GateResult) -> Iterator[str]:
    broken = f"; it was broken by hand: {gate.overridden}" if gate.overridden else ""
    yield f"gate {gate.name} {_said(gate.verdict)}: {gate.reason}{broken}"
    bad = [part for part in gate.parts if part.verdict is not Verdict.PASS]
    for part in bad[:_MOST_PARTS] if len(bad) > 1 else ():
        yield f"  {part.slice}: {part.reason}"
    if len(bad) > _MOST_PARTS:
        yield f"  and {len(bad) - _MOST_PARTS} more"


def _passed(run: RunDetail) -> Iterator[str]:
    blessing = run.findings.blessing
    for gate in blessing.gates if blessing is not None else ():
        if not gate.decides:
            yield f"gate {gate.name} did not decide: {gate.reason}"
        elif gate.verdict is Verdict.PASS:
            yield f"gate {gate.name} passed: {gate.reason}"
    infra = run.findings.infra
    if infra is not None and infra.verdict is Verdict.PASS:
        yield f"the preflight passed: {infra.reason}"


def _said(verdict: Verdict) -> str:
    return {Verdict.PASS: "passed", Verdict.FAIL: "said no", Verdict.ERROR: "could not be decided"}[verdict]


def _next(run: RunDetail) -> Iterator[str]:
    """What to do, by what stopped it."""
    environment = f" -e {run.run.environment}" if run.run.environment != "default" else ""
    match run.fate.kind:
        case Kind.RELEASED:
            yield "nothing: it was released"
        case Kind.FAILED:
            for step in [one.step for one in run.steps.values() if one.state is StepState.FAILED][:3]:
                hint = run.steps[step].hint
                yield f"`mlopsctl logs {run.run.id} {step}` shows what it printed" + (f"; {hint}" if hint else "")
        case Kind.RUNNING:
            yield f"wait for its end; after a kill, `mlopsctl apply{environment}` goes on where it stopped"
        case Kind.INTERRUPTED | Kind.LEFT:
            yield f"`mlopsctl apply{environment}` goes on where it stopped"
        case Kind.CHECKS:
            yield "repair the data; or, where the data is right, change the check or the schema in mlops.yaml"
        case Kind.PARTIAL | Kind.JUDGED:
            yield f"`mlopsctl apply{environment}` judges and releases"
        case Kind.REFUSED:
            yield f"a better model: `mlopsctl report {run.run.id}` says where this one is weak"
            for gate in _refusing(run, Verdict.FAIL)[:3]:
                yield f"`mlopsctl gate explain {gate}{environment}` says what {gate} asks for and where it is written"
        case Kind.UNDECIDED:
            yield "give it the evidence it misses: a champion that can be read, enough rows, a metric that is defined"
            for gate in _refusing(run, Verdict.ERROR)[:3]:
                yield f"`mlopsctl gate explain {gate}{environment}` says what {gate} needs"
        case Kind.PREFLIGHT:
            yield f"`mlopsctl logs {run.run.id} preflight` shows what the server printed"
        case Kind.SAME:
            yield "nothing: what serves is this model; other data, features or targets make another one"
        case Kind.HELD:
            yield f"`mlopsctl apply{environment} --release-hold`, once the cause of the rollback is gone"


def _refusing(run: RunDetail, verdict: Verdict) -> list[str]:
    blessing = run.findings.blessing
    return [g.name for g in blessing.gates if g.decides and g.verdict is verdict] if blessing is not None else []
