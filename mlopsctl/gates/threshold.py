"""``threshold``: the metric itself lies within bounds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.evidence import Evaluation
from mlopsctl.gates.rule import Judged, Rule, number
from mlopsctl.metrics.catalogue import METRICS


class Threshold(Rule):
    """The metric lies within ``min`` and ``max``, both inclusive."""

    kind: Literal["threshold"] = Field(default="threshold", title="Kind", description="A bound on a metric.")

    @property
    def stops_constant(self) -> bool:
        """See :meth:`Rule.stops_constant`: more is asked than the metric's definition gives to any constant."""
        known = METRICS.get(self.metric)
        reached = None if known is None else known.constant
        return reached is not None and self.min is not None and self.min > reached

    def prove(self, evaluation: Evaluation, slice: str) -> Judged:
        """See :meth:`Rule.prove`: the number is the challenger's metric."""
        value = number(evaluation.measurement(self.metric, slice), self.info(evaluation), slice)
        return self.within(value, value, subject=self.metric)
