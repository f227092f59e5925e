"""``threshold``: the metric itself lies within bounds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.evidence import Evaluation
from mlopsctl.gates.rule import Judged, Rule, number


class Threshold(Rule):
    """The metric lies within ``min`` and ``max``, both inclusive."""

    kind: Literal["threshold"] = Field(default="threshold", title="Kind", description="A bound on a metric.")

    def prove(self, evaluation: Evaluation, slice: str) -> Judged:
        """See :meth:`Rule.prove`: the number is the challenger's metric."""
        value = number(evaluation.measurement(self.metric, slice), self.metric, slice)
        return self.within(value, value, subject=self.metric)
