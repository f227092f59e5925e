"""Runs side by side: parameters, metrics, verdicts, and the steps that differ with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.hints import did_you_mean
from mlopsctl.delivery.answers.changes import Change, changed
from mlopsctl.delivery.answers.find import find_run, places
from mlopsctl.delivery.answers.runs import RunDetail, detail
from mlopsctl.evidence import Measurement
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import UsageProblem
from mlopsctl.ground.text import printable
from mlopsctl.metrics.catalogue import METRICS


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric in every run, in their order; ``None`` where a run has no value. ``slice`` is empty for all rows."""

    metric: str
    slice: str
    values: tuple[float | None, ...]

    @property
    def differences(self) -> tuple[float | None, ...]:
        """Each run's value less that of the first."""
        first = self.values[0]
        return tuple(None if first is None or value is None else value - first for value in self.values)


@dataclass(frozen=True, slots=True)
class StepDifference:
    """A step that is not the same in a run as in the first one.

    ``states`` are both states, empty for a run without the step. ``same_outputs``: other causes, equal results.
    """

    step: str
    run: str
    states: tuple[str, str]
    changes: tuple[Change, ...]
    same_outputs: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """Runs side by side; the first is what the others are compared with."""

    runs: tuple[RunDetail, ...]
    parameters: Mapping[str, tuple[Json, ...]]
    metrics: tuple[MetricRow, ...]
    verdicts: Mapping[str, tuple[str, ...]]
    steps: tuple[StepDifference, ...]
    same_steps: tuple[str, ...]


def compare_runs(folder: Path, environment: str | None, texts: Sequence[str], sort: str = "") -> Compared:
    """The runs that the texts name, side by side.

    Args:
        sort: a metric; the run with the best value then comes first.

    Raises:
        UsageProblem: when a run or the metric is not known, or a run is named twice.
    """
    with places(folder, environment) as found:
        details = []
        for text in texts:
            place, run = find_run(found, text)
            details.append(detail(place.loaded, place.stores, run))
    ids = [one.run.id for one in details]
    if len(set(ids)) != len(ids):
        raise UsageProblem.because("same-run", "a run is compared with itself", hint="name different runs")
    return compared(_sorted(details, sort) if sort else details)


def compared(details: Sequence[RunDetail]) -> Compared:
    """Runs side by side, in this order."""
    first, *others = details
    steps = [difference for other in others for difference in _steps(first, other)]
    differing = {one.step for one in steps}
    return Compared(
        runs=tuple(details),
        parameters=_parameters(details),
        metrics=_metrics(details),
        verdicts=_verdicts(details),
        steps=tuple(steps),
        same_steps=tuple(step for step in first.steps if step not in differing),
    )


def _sorted(details: Sequence[RunDetail], metric: str) -> list[RunDetail]:
    known = {m.metric for one in details for m in _measured(one).values() if not m.slice}
    if metric not in known:
        near = did_you_mean(metric, known)
        hint = f"did you mean {near}?" if near else f"metrics of these runs: {', '.join(sorted(known)) or 'none'}"
        raise UsageProblem.because("unknown-metric", f"no run has a metric {printable(metric)}", hint=hint)
    higher = metric not in METRICS or METRICS[metric].direction == "higher"

    def place(one: RunDetail) -> tuple[bool, float]:
        found = _measured(one).get((metric, ""))
        value = found.value if found is not None else None
        return (True, 0.0) if value is None else (False, -value if higher else value)

    return sorted(details, key=place)


def _parameters(details: Sequence[RunDetail]) -> dict[str, tuple[Json, ...]]:
    names = sorted({name for one in details for name in one.run.parameters})
    return {name: tuple(one.run.parameters.get(name) for one in details) for name in names}


def _measured(one: RunDetail) -> dict[tuple[str, str], Measurement]:
    evaluation = one.findings.evaluation
    return {(m.metric, m.slice): m for m in evaluation.measurements} if evaluation is not None else {}


def _metrics(details: Sequence[RunDetail]) -> tuple[MetricRow, ...]:
    measured = [_measured(one) for one in details]
    names = dict.fromkeys(name for each in measured for name in each)
    rows = []
    for metric, part in sorted(names, key=lambda name: name[1] != ""):
        found = [each.get((metric, part)) for each in measured]
        rows.append(MetricRow(metric, part, tuple(m.value if m is not None else None for m in found)))
    return tuple(rows)


def _verdicts(details: Sequence[RunDetail]) -> dict[str, tuple[str, ...]]:
    """The verdict of every check and gate in each run; empty for a run that did not ask it."""
    found = [dict(_asked(one)) for one in details]
    return {name: tuple(each.get(name, "") for each in found) for name in dict.fromkeys(n for f in found for n in f)}


def _asked(one: RunDetail) -> list[tuple[str, str]]:
    findings = one.findings
    told = [(f"check {c.name}", c.verdict.value) for found in findings.anomalies for c in found.checks]
    if findings.blessing is not None:
        told += [(f"gate {g.name}", g.verdict.value if g.decides else "–") for g in findings.blessing.gates]
    if findings.infra is not None:
        told.append(("preflight", findings.infra.verdict.value))
    return told


def _steps(first: RunDetail, other: RunDetail) -> list[StepDifference]:
    found = []
    before, after = first.steps, other.steps
    for step in dict.fromkeys((*before, *after)):
        old, new = before.get(step), after.get(step)
        if old is None or new is None:
            states = (old.state.value if old else "", new.state.value if new else "")
            found.append(StepDifference(step, other.run.id, states, (), same_outputs=False))
            continue
        changes = changed(None, old.material, new.material)
        outputs = {n: a.digest for n, a in old.outputs.items()} == {n: a.digest for n, a in new.outputs.items()}
        if changes or not outputs:
            found.append(StepDifference(step, other.run.id, (old.state.value, new.state.value), changes, outputs))
    return found
