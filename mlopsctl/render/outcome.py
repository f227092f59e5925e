"""How a run ended, for a person and as JSON: the verdict first, with the numbers that decided."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mlopsctl.delivery.outcome import Findings, Outcome
from mlopsctl.evidence import GateResult, Verdict
from mlopsctl.gates.trivial import UNSTOPPED
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import Release
from mlopsctl.render.times import short
from mlopsctl.step.task import StepState

if TYPE_CHECKING:
    from rich.console import RenderableType

MARKS = {Verdict.PASS: ("✓", "green"), Verdict.FAIL: ("✗", "red"), Verdict.ERROR: ("?", "magenta")}
_IDLE = (StepState.UPSTREAM_FAILED, StepState.SKIPPED, StepState.CANCELED)


def outcome_text(outcome: Outcome) -> RenderableType:
    """Failed steps, checks, gates, and what is released and served now."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [*_trouble(outcome), *findings_text(outcome.findings)]
    parts += [Text(printable(f"note: {note}"), "dim") for note in outcome.notes]
    parts.append(Text(printable(conclusion(outcome)), "bold"))
    if outcome.served:
        parts.append(Text(f"Served at {outcome.served}"))
    return Group(*parts)


def findings_text(findings: Findings) -> Iterator[RenderableType]:
    """The checks that did not pass and every gate, one line each."""
    from rich.text import Text

    for anomalies in findings.anomalies:
        for check in anomalies.checks:
            if check.verdict is not Verdict.PASS:
                yield _marked(check.verdict, f"check {check.name}", check.reason, warn=check.severity == "warn")
                for anomaly in check.anomalies:
                    shown = f" ({', '.join(anomaly.examples[:3])})" if anomaly.examples else ""
                    text = f"      {anomaly.column}: {anomaly.reason} in {anomaly.rows:,} of {anomaly.of:,} rows{shown}"
                    yield Text(printable(text), "dim")
    if findings.blessing is not None:
        yield from (gate_text(gate) for gate in findings.blessing.gates)
    if findings.infra is not None:
        yield _marked(findings.infra.verdict, "preflight", findings.infra.reason)


def gate_text(gate: GateResult) -> RenderableType:
    """One gate: its mark, its name, the number that decided."""
    if not gate.decides:
        return _line("·", "dim", f"gate {gate.name}", f"{gate.reason}; it does not decide")
    broken = f"; broken by hand: {gate.overridden}" if gate.overridden else ""
    # Only what nothing else stops is worth a word here; reports show every note.
    noted = f"; {gate.note}" if gate.note.endswith(UNSTOPPED) else ""
    return _marked(gate.verdict, f"gate {gate.name}", f"{gate.reason}{broken}{noted}")


def conclusion(outcome: Outcome) -> str:
    """What came of it, in one line."""
    if outcome.failed:
        return f"Failed: {', '.join(outcome.failed)}. Nothing was released{_stays(outcome.standing)}."
    if outcome.verdict is not Verdict.PASS:
        word = "Refused" if outcome.verdict is Verdict.FAIL else "Not decided"
        return f"{word}. Nothing was released{_stays(outcome.standing)}."
    if outcome.partial and outcome.findings.blessing is None:
        return f"Done: {', '.join(outcome.results)}. No gate was asked."
    if outcome.judged_only:
        return "The gates let the model go; `mlopsctl apply` releases it."
    if outcome.released is not None:
        release = outcome.released
        return f"Released {release.registry_name} v{release.registry_version} ({short(release.model)})."
    if outcome.held:
        return f"Held: {outcome.held}{_stays(outcome.standing)}."
    return f"Nothing to release{_stays(outcome.standing)}."


def outcome_json(outcome: Outcome) -> str:
    """The outcome as one JSON object."""
    findings = outcome.findings
    document: Mapping[str, Json] = {
        "run": outcome.run,
        "environment": outcome.environment,
        "exit_code": int(outcome.exit_code),
        "verdict": outcome.verdict.value,
        "seconds": round(outcome.seconds, 3),
        "steps": {
            id: {
                "state": r.state.value,
                "line": r.line,
                "problem": r.problem,
                "hint": r.hint,
                "at": str(outcome.places[id]) if id in outcome.places else None,
                "outputs": dict(r.outputs),
            }
            for id, r in outcome.results.items()
        },
        "checks": [
            {
                "name": c.name,
                "verdict": c.verdict.value,
                "reason": c.reason,
                "severity": c.severity,
                "anomalies": [
                    {"column": a.column, "reason": a.reason, "rows": a.rows, "of": a.of, "examples": list(a.examples)}
                    for a in c.anomalies
                ],
            }
            for anomalies in findings.anomalies
            for c in anomalies.checks
        ],
        "gates": gates_json(findings),
        "released": release_json(outcome.released),
        "champion": release_json(outcome.standing),
        "held": outcome.held,
        "served": outcome.served,
        "notes": list(outcome.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def gates_json(findings: Findings) -> Json:
    """Every gate's verdict as data."""
    gates = findings.blessing.gates if findings.blessing is not None else ()
    return [
        {
            "name": g.name,
            "kind": g.kind,
            "metric": g.metric,
            "verdict": g.verdict.value,
            "decides": g.decides,
            "observed": g.observed,
            "reason": g.reason,
            "note": g.note,
        }
        for g in gates
    ]


def release_json(release: Release | None) -> Json:
    """A release as data; ``null`` for none."""
    if release is None:
        return None
    return {
        "number": release.number,
        "model": release.model,
        "name": release.registry_name,
        "version": release.registry_version,
        "run": release.run,
        "released": release.released,
    }


def _trouble(outcome: Outcome) -> Iterator[RenderableType]:
    """Each step that failed, why and what to do; then those that did not run because of it, in one line a reason."""
    from rich.text import Text

    idle: dict[str, list[str]] = {}
    for id, result in outcome.results.items():
        if result.state is StepState.FAILED:
            yield Text(f"{id} failed: {printable(result.problem)}", "red")
            if id in outcome.places:
                yield Text(f"  --> {printable(str(outcome.places[id]))}")
            if result.hint:
                yield Text(f"  help: {printable(result.hint)}")
            # One file an attempt; a shell finds them all by this.
            yield Text(f"  log: .mlops/runs/{outcome.run}/{id}.*.log", "dim")
        elif result.state in _IDLE:
            reason = "" if result.state is StepState.UPSTREAM_FAILED else f" ({result.problem})"
            idle.setdefault(f"{result.state.value}{reason}", []).append(id)
    for reason, steps in idle.items():
        yield Text(printable(f"{', '.join(steps)}: {reason}"), "dim")


def _marked(verdict: Verdict, name: str, reason: str, *, warn: bool = False) -> RenderableType:
    mark, style = ("!", "yellow") if warn else MARKS[verdict]
    return _line(mark, style, name, reason)


def _line(mark: str, style: str, name: str, reason: str) -> RenderableType:
    from rich.text import Text

    return Text.assemble((f"  {mark} ", style), (printable(name), "bold"), f"  {printable(reason)}")


def _stays(release: Release | None) -> str:
    return f"; v{release.registry_version} ({short(release.model)}) stays" if release is not None else ""
