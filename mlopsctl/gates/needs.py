"""What a set of gates needs measured. Bounds are not part of it, so changing one measures nothing again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from mlopsctl.gates import Change, Gate

Baseline: TypeAlias = Literal["champion", "trivial"]


class Need(BaseModel):
    """One thing that `evaluate` must measure; JSON in the step's parameters.

    Attributes:
        slice: the columns whose values are measured one by one; empty for all rows.
        against: the baseline to compare with, or empty for the metric alone.
        confidence: whether bootstrap replicates are needed; ``relative``: whether relative ones are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    slice: tuple[str, ...] = ()
    against: Literal[""] | Baseline = ""
    confidence: bool = False
    relative: bool = False


def needs(gates: Iterable[Gate]) -> tuple[Need, ...]:
    """What the gates need, each once, in a fixed order that does not depend on the order of the gates."""
    found: dict[tuple[str, tuple[str, ...], str], Need] = {}
    for gate in gates:
        need = _need(gate)
        key = (need.metric, need.slice, need.against)
        known = found.get(key, need)
        found[key] = need.model_copy(
            update={
                "confidence": known.confidence or need.confidence,
                "relative": known.relative or need.relative,
            }
        )
    return tuple(found[key] for key in sorted(found))


def _need(gate: Gate) -> Need:
    if not isinstance(gate, Change):
        return Need(metric=gate.metric, slice=gate.columns)
    drawn = gate.confidence is not None
    return Need(
        metric=gate.metric,
        slice=gate.columns,
        against=gate.against,
        confidence=drawn,
        relative=drawn and gate.relative,
    )
