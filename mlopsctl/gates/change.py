"""``change``: the challenger against a baseline that was scored again on the same rows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor, inf, isfinite
from typing import Literal

from pydantic import Field

from mlopsctl.evidence import Comparison, Evaluation, GateResult, Verdict
from mlopsctl.gates.rule import EvidenceError, Judged, Rule, number
from mlopsctl.metrics.catalogue import MetricInfo

FIRST_RELEASE = "first release: there is no champion to compare with"
SAME_MODEL = "the model already is the champion"


class Change(Rule):
    """Candidate minus baseline lies within ``min`` and ``max``, both inclusive.

    With ``confidence`` the one-sided bounds of the paired bootstrap are judged instead of the difference itself:
    a negative ``min`` is a margin of non-inferiority, ``min: 0`` asks for proof of being no worse.
    """

    kind: Literal["change"] = Field(
        default="change", title="Kind", description="A bound on the difference between the challenger and a baseline."
    )
    against: Literal["champion", "trivial"] = Field(
        title="Baseline",
        description="champion: what the environment serves now. trivial: the majority class, or the mean.",
    )
    relative: bool = Field(
        default=False,
        title="Relative",
        description="Divide the difference by the size of the baseline: -0.01 is one per cent lower.",
    )
    confidence: float | None = Field(
        default=None,
        ge=0.5,
        lt=1,
        title="Confidence",
        description="Judge the one-sided bootstrap bound at this confidence, for example 0.95.",
    )

    def judge(self, evaluation: Evaluation) -> GateResult:
        """See :meth:`Rule.judge`. Without a champion a gate against it does not decide."""
        if self.against == "champion" and not evaluation.champion:
            return replace(self._result(Verdict.ERROR, FIRST_RELEASE), decides=False)
        result = super().judge(evaluation)
        if self.against == "champion" and evaluation.champion == evaluation.model:
            return replace(result, reason=f"{SAME_MODEL}; {result.reason}")
        return result

    def possible(self, metric: MetricInfo) -> tuple[float, float]:
        """See :meth:`Rule.possible`: from the worst to the best value and back."""
        low, high = super().possible(metric)
        return (-inf, inf) if self.relative else (low - high, high - low)

    def _out_of_place(self, metric: MetricInfo) -> tuple[str, str, str] | None:
        """See :meth:`Rule._out_of_place`."""
        if not metric.drawn and self.against == "trivial":
            message = f"the trivial model has no {metric.name}: it is no model that runs"
            return message, "write against: champion", "against"
        if not metric.drawn and self.confidence is not None:
            message = f"{metric.name} is measured on the model: there are no rows to resample"
            return message, "take confidence out", "confidence"
        return super()._out_of_place(metric)

    @property
    def stops_constant(self) -> bool:
        """See :meth:`Rule.stops_constant`: a model that is as good as the trivial one cannot pass."""
        apart = (self.min is not None and self.min > 0) or (self.max is not None and self.max < 0)
        return self.against == "trivial" and apart

    def prove(self, evaluation: Evaluation, slice: str) -> Judged:
        """See :meth:`Rule.prove`: the number is the difference, or its bootstrap bounds."""
        info = self.info(evaluation)
        comparison = evaluation.comparison(self.metric, self.against, slice)
        if comparison is None:
            place = f" on {slice}" if slice else ""
            raise EvidenceError(f"{self.metric} was not compared with the {self.against}{place}")
        candidate = number(comparison.candidate, info, slice)
        baseline = number(comparison.baseline, info, slice, who=self.against)
        if comparison.candidate.rows != comparison.baseline.rows:
            raise EvidenceError(f"challenger and {self.against} were not scored on the same rows")
        change = self._change(candidate, baseline)
        subject = f"{'relative ' if self.relative else ''}change of {self.metric} against {self.against}"
        if self.confidence is None:
            return self.within(change, change, subject=subject)
        low, high = self._bounds(comparison, self.confidence)
        return self.within(low, high, subject=f"{subject}, {self.confidence:.10g} bound,")

    def _change(self, candidate: float, baseline: float) -> float:
        """The difference; relative to the baseline's size, so that a better model has the better number even where
        the baseline is negative."""
        change = candidate - baseline
        if self.relative:
            if baseline == 0:
                raise EvidenceError(f"{self.metric} of the {self.against} is 0: a relative change is undefined")
            change /= abs(baseline)
        if not isfinite(change):
            raise EvidenceError(f"the change of {self.metric} is not a finite number")
        return change

    def _bounds(self, comparison: Comparison, confidence: float) -> tuple[float, float]:
        """The one-sided lower and upper confidence bounds of the change.

        They are the k-th smallest and the k-th largest of n replicates; k is (n + 1)(1 - confidence), rounded down.
        """
        replicates = sorted(comparison.relative_replicates if self.relative else comparison.replicates)
        if not replicates:
            raise EvidenceError(comparison.problem or f"no bootstrap of {self.metric} against {self.against}")
        if not all(isfinite(replicate) for replicate in replicates):
            raise EvidenceError(f"the bootstrap of {self.metric} holds numbers that are not finite")
        rank = floor((len(replicates) + 1) * (1 - Fraction(repr(confidence))))
        if rank < 1:
            raise EvidenceError(f"{len(replicates)} resamples are too few for confidence {confidence:.10g}")
        return replicates[rank - 1], replicates[-rank]
