"""How orchestrators compare, for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlopsctl.delivery.conformance.compare import ALLOWED, Difference
from mlopsctl.delivery.conformance.suite import Report
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHORT = len("sha256:") + 12


def conformance_text(reports: Sequence[Report]) -> RenderableType:
    """Each environment: what ran, the first difference, and the others."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for report in reports:
        engines = ", ".join(run.engine for run in report.runs)
        parts.append(Text.assemble((report.project, "bold"), f" · {report.environment} · {engines}"))
        parts += [Text(f"  left out: {engine}: {printable(why)}", "yellow") for engine, why in report.left_out.items()]
        parts += [Text(line, style) for line, style in _lines(report)]
    return Group(*parts)


def conformance_json(reports: Sequence[Report]) -> str:
    """The same as one JSON object."""
    documents: list[Json] = [
        {
            "project": report.project,
            "environment": report.environment,
            "passed": report.passed,
            "equal": report.equal,
            "runs": {
                run.engine: {
                    "failed": run.failed,
                    "trouble": run.trouble,
                    "steps": {
                        id: {
                            "state": seen.state,
                            "outputs": dict(seen.outputs),
                            "metrics": dict(seen.metrics),
                            "verdicts": dict(seen.verdicts),
                            "problem": seen.problem,
                        }
                        for id, seen in run.steps.items()
                    },
                }
                for run in report.runs
            },
            "left_out": dict(report.left_out),
            "first": _difference(report.differences[0]) if report.differences else None,
            "differences": [_difference(one) for one in report.differences],
        }
        for report in reports
    ]
    allowed: list[Json] = [{"component": one.component, "what": one.what, "why": one.why} for one in ALLOWED]
    return json.dumps({"environments": documents, "allowed": allowed}, indent=2, ensure_ascii=False)


def _lines(report: Report) -> Iterable[tuple[str, str]]:
    count = len(report.runs[0].steps)
    for run in report.runs:
        if run.trouble:
            for line in run.trouble.splitlines():
                yield f"  {run.engine}: {printable(line)}", "red"
        for id, seen in run.steps.items():
            if seen.problem and seen.state == "failed":
                yield f"  {run.engine}: {id} failed: {printable(seen.problem)}", "red"
    if not report.differences:
        if not report.equal:
            yield "  not equal: some runs failed and some did not, with the same steps", "red"
        elif report.passed:
            yield f"  equal: {count} steps with their states, artifacts, metrics, verdicts and records", "green"
        else:
            yield f"  equal, and failed: {count} steps; a run that fails everywhere proves nothing", "red"
        return
    first, *others = report.differences
    yield f"  the first step that differs is {first.step}: {_told(first)}", "red"
    for one in others:
        if one.step == first.step:
            yield f"    also {_told(one)}", "red"
    behind = list(dict.fromkeys(one.step for one in others if one.step != first.step))
    if behind:
        yield f"  behind it also differ: {', '.join(behind)} (all of it: -o json)", "red"


def _told(one: Difference) -> str:
    values = ", ".join(f"{printable(_cut(value))} on {engine}" for engine, value in one.values.items())
    return f"{printable(f'{one.facet} {one.name}'.strip())} is {values}"


def _cut(value: str) -> str:
    return f"{value[:_SHORT]}…" if value.startswith("sha256:") else value


def _difference(one: Difference) -> Json:
    return {"step": one.step, "facet": one.facet, "name": one.name, "values": dict(one.values)}
