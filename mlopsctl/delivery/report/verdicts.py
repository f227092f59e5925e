"""Gates and checks with the numbers that decided: the verdicts as recorded, beside the rules as they were judged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor, isfinite

from mlopsctl.delivery.policy import read_gates
from mlopsctl.delivery.report.value import Bounds, CheckRow, GateRow, Interval, ServerRow
from mlopsctl.evidence import Anomalies, Blessing, Comparison, Evaluation, GateResult, InfraBlessing, Measurement
from mlopsctl.gates import Change, Gate
from mlopsctl.gates.rule import slice_key
from mlopsctl.ground.digest import Json

CONFIDENCE = 0.95
"""Of the intervals that an evaluation draws by itself."""

_ASIDE = ("name", "kind", "severity", "description")


def gates_of(material: Json) -> Mapping[str, Gate]:
    """The gates that a ``gate`` step judged by, by name, from its key material; none where they cannot be read."""
    from pydantic import ValidationError

    match material:
        case {"parameters": {"gates": [*gates]}}:
            try:
                return {gate.name: gate for gate in read_gates(gates)}
            except (ValidationError, TypeError, ValueError):
                return {}
    return {}


def gate_rows(blessing: Blessing, gates: Mapping[str, Gate], evaluation: Evaluation | None) -> tuple[GateRow, ...]:
    """Every gate in its order, with a row for each slice that it judged."""
    return tuple(_gate(result, gates.get(result.name), evaluation) for result in blessing.gates)


def check_rows(datasets: Sequence[Anomalies], rules: Mapping[str, Json]) -> tuple[CheckRow, ...]:
    """Every check of every dataset; ``rules`` are the checks as written, by dataset."""
    return tuple(
        CheckRow(
            dataset=found.dataset,
            name=check.name,
            kind=check.kind,
            verdict=check.verdict,
            severity=check.severity,
            needed=_written(rules.get(found.dataset), check.name),
            reason=check.reason,
            anomalies=check.anomalies,
        )
        for found in datasets
        for check in found.checks
    )


def server_row(infra: InfraBlessing) -> ServerRow:
    """The preflight as a row of its own."""
    return ServerRow(
        infra.verdict, infra.reason, infra.samples, infra.latency_p50_ms, infra.latency_p95_ms, infra.startup_ms
    )


def interval(replicates: Sequence[float], confidence: float, *, one_sided: bool) -> Interval | None:
    """Between the k-th smallest and the k-th largest replicate, k as gates take it; ``None`` for too few of them."""
    if not replicates or not all(isfinite(one) for one in replicates):
        return None
    ordered = sorted(replicates)
    tail = 1 - Fraction(repr(confidence))
    rank = floor((len(ordered) + 1) * (tail if one_sided else tail / 2))
    if rank < 1:
        return None
    return Interval(ordered[rank - 1], ordered[-rank], confidence, one_sided)


def own_interval(found: Measurement | None) -> Interval | None:
    """The interval of a metric itself, where one was drawn."""
    if found is None or found.low is None or found.high is None:
        return None
    return Interval(found.low, found.high, CONFIDENCE)


def _gate(result: GateResult, gate: Gate | None, evaluation: Evaluation | None) -> GateRow:
    row = GateRow(
        name=result.name,
        kind=result.kind,
        metric=result.metric,
        verdict=result.verdict,
        reason=result.reason,
        measured=result.observed,
        bounds=None if gate is None else _bounds(gate),
        slice=result.slice,
        decides=result.decides,
        overridden=result.overridden,
        note=result.note,
        not_judged=result.not_judged,
    )
    whole = "" if gate is not None and result.slice == slice_key(gate.columns) else result.slice
    if evaluation is not None and not result.parts:
        row = _measured(row, gate, evaluation, whole)
    parts = tuple(_gate(part, gate, evaluation) for part in result.parts)
    return replace(row, parts=parts)


def _measured(row: GateRow, gate: Gate | None, evaluation: Evaluation, slice: str) -> GateRow:
    """The row with the numbers behind its verdict: both values and, where it asks for confidence, the interval."""
    found = evaluation.measurement(row.metric, slice)
    row = replace(row, rows=None if found is None else found.rows, candidate=None if found is None else found.value)
    if not isinstance(gate, Change):
        return replace(row, interval=own_interval(found))
    comparison = evaluation.comparison(row.metric, gate.against, slice)
    if comparison is None:
        return row
    drawn = None
    if gate.confidence is not None:
        drawn = interval(_replicates(comparison, gate), gate.confidence, one_sided=True)
    return replace(
        row,
        rows=comparison.candidate.rows,
        candidate=comparison.candidate.value,
        baseline=comparison.baseline.value,
        interval=drawn,
    )


def _replicates(comparison: Comparison, gate: Change) -> tuple[float, ...]:
    return comparison.relative_replicates if gate.relative else comparison.replicates


def _bounds(gate: Gate) -> Bounds:
    if isinstance(gate, Change):
        return Bounds(gate.min, gate.max, gate.against, gate.relative, gate.confidence, gate.columns, gate.min_rows)
    return Bounds(gate.min, gate.max, columns=gate.columns, min_rows=gate.min_rows)


def _written(rules: Json, name: str) -> str:
    """What the project asks of a check, in its own words: ``min 5000``."""
    if not isinstance(rules, Sequence) or isinstance(rules, str):
        return ""
    for rule in rules:
        if isinstance(rule, Mapping) and rule.get("name") == name:
            asked = [(key, value) for key, value in rule.items() if key not in _ASIDE and value is not None]
            return ", ".join(f"{key} {value if isinstance(value, str) else _json(value)}" for key, value in asked)
    return ""


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=list)
