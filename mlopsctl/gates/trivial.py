"""Gates that a constant answer passes: what is measured of the trivial model, judged by the same bounds."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.evidence import Evaluation
from mlopsctl.gates import Gate, Threshold
from mlopsctl.gates.rule import EvidenceError, Judged, number

UNSTOPPED = "and no gate stops it"


def constant_notes(gates: Sequence[Gate], evaluation: Evaluation) -> dict[str, str]:
    """By name, the gates on all rows that the trivial model of this evaluation passes, and what stops it else.

    Gates on slices, on the model's own facts and on what was not measured say nothing of it.
    """
    judged = {gate.name: _judged(gate, evaluation) for gate in gates}
    stopping = [gate.name for gate in gates if gate.stops_constant or _refused(judged[gate.name])]
    end = f"{', '.join(stopping)} stop{'s' * (len(stopping) == 1)} it" if stopping else UNSTOPPED
    return {
        name: f"a constant model would pass it too: {found.reason}; {end}"
        for name, found in judged.items()
        if found is not None and found.passed
    }


def _judged(gate: Gate, evaluation: Evaluation) -> Judged | None:
    """The trivial model's number within the bounds of a threshold; ``None`` where it has none."""
    if not isinstance(gate, Threshold) or gate.columns:
        return None
    comparison = evaluation.comparison(gate.metric, "trivial")
    try:
        value = number(comparison.baseline if comparison else None, gate.info(evaluation), "")
    except EvidenceError:
        return None
    return gate.within(value, value, subject=gate.metric)


def _refused(judged: Judged | None) -> bool:
    return judged is not None and not judged.passed
