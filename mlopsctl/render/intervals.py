"""What intervals of time came to, for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlopsctl.delivery.intervals import IntervalResult
from mlopsctl.evidence import Verdict
from mlopsctl.ground.digest import Json
from mlopsctl.ground.interval import shown_moment
from mlopsctl.ground.text import printable
from mlopsctl.render.grid import Cell, grid

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {Verdict.PASS.value: "green", Verdict.FAIL.value: "red", Verdict.ERROR.value: "magenta"}


def intervals_text(results: Sequence[IntervalResult]) -> RenderableType:
    """A line an interval: the verdict, and the number that decided."""
    return grid(("FROM", "UNTIL", "RUN", "VERDICT", "DECIDED BY"), [_row(one) for one in results])


def intervals_json(results: Sequence[IntervalResult]) -> str:
    """The same as one JSON object."""
    documents: list[Json] = []
    for one in results:
        outcome, gate = one.outcome, one.deciding
        documents.append(
            {
                "start": one.interval.start.isoformat(),
                "end": one.interval.end.isoformat(),
                "run": outcome.run if outcome is not None else "",
                "state": _state(one),
                "reused": one.reused,
                "verdict": outcome.verdict.value if outcome is not None and not outcome.failed else None,
                "failed": list(outcome.failed) if outcome is not None else [],
                "decided_by": {"gate": gate.name, "metric": gate.metric, "observed": gate.observed} if gate else None,
                "steps": {
                    step: {"state": result.state.value, "outputs": dict(result.outputs), "problem": result.problem}
                    for step, result in (outcome.results.items() if outcome is not None else ())
                },
            }
        )
    return json.dumps({"intervals": documents}, indent=2, ensure_ascii=False)


def _state(one: IntervalResult) -> str:
    if one.outcome is None:
        return "not run"
    return "failed" if one.outcome.failed else "success"


def _row(one: IntervalResult) -> tuple[Cell, ...]:
    begins, ends = shown_moment(one.interval.start), shown_moment(one.interval.end)
    outcome = one.outcome
    if outcome is None:
        return begins, ends, "", ("not run", "dim"), "an earlier interval failed"
    run = f"{outcome.run} (reused)" if one.reused else outcome.run
    if outcome.failed:
        step = outcome.failed[0]
        return begins, ends, run, ("failed", "red"), printable(f"{step}: {outcome.results[step].problem}")
    gate, verdict = one.deciding, outcome.verdict.value
    why = next(
        (check.reason for found in outcome.findings.anomalies for check in found.checks if _stops(check.verdict)), ""
    )
    decided = printable(f"{gate.name}: {gate.reason}") if gate is not None else printable(why)
    return begins, ends, run, (verdict, _STYLES[verdict]), decided


def _stops(verdict: Verdict) -> bool:
    return verdict is not Verdict.PASS
