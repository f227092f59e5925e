"""Comparing two distributions of a column: what ``drift`` and ``skew`` share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.checks.distance import difference, jensen_shannon, psi
from mlopsctl.checks.facts import Categories, Histograms, Share, Unknown
from mlopsctl.checks.rule import DataEvidence, Rule, counted
from mlopsctl.evidence import CheckResult, Verdict
from mlopsctl.ground.numbers import exact, shown
from mlopsctl.ground.scalars import ColumnName
from mlopsctl.ground.text import printable

DistanceName = Literal["l_infinity", "jensen_shannon", "psi"]


class Comparing(Rule):
    """The distribution of a column stays near that of a reference; without rows on both sides, an error."""

    column: ColumnName = Field(title="Column", description="The column whose distribution is compared.")
    metric: DistanceName = Field(
        title="Distance", description="l_infinity for categories; jensen_shannon or psi for numbers."
    )
    max: float = Field(ge=0, title="At most", description="The largest distance that passes.")
    on_missing: Literal["error", "warn"] = Field(
        default="error", title="Without reference", description="What it means when the reference does not exist."
    )

    @property
    def categorical(self) -> bool:
        """Whether values are compared one by one, and not in bins."""
        return self.metric == "l_infinity"

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """See :meth:`Rule.judge`."""
        if self.categorical:
            categories = self.fact(evidence, Categories)
            return categories if isinstance(categories, CheckResult) else self._values(categories)
        histograms = self.fact(evidence, Histograms)
        return histograms if isinstance(histograms, CheckResult) else self._bins(histograms)

    def unknown(self, fact: Unknown) -> CheckResult:
        """An error; where only the reference is missing, ``on_missing`` says whether it stops."""
        result = self.error(fact.reason)
        if not fact.reference or self.on_missing == "error":
            return result
        return CheckResult(
            name=result.name, kind=result.kind, verdict=result.verdict, reason=result.reason, severity="warn"
        )

    def _values(self, fact: Categories) -> CheckResult:
        """By L-infinity. Where the reference does not list every value, the distance lies between two numbers."""
        if empty := self._empty(fact.reference, fact.current):
            return empty
        widest = max(fact.shares, key=lambda share: _difference(share, fact), default=None)
        known = 0.0 if widest is None else _difference(widest, fact)
        most, now = fact.unlisted / fact.reference, fact.unlisted_now / fact.current
        least, largest = max(known, now - most), max(known, now, most)
        moved = "" if widest is None else f" ({_moved(widest, fact)})"
        if least > self.max:
            return self._judged(least, moved)
        if largest > self.max:
            bound = f"{shown(least, self.max)} and {shown(largest, self.max)}"
            return self.error(f"{self.column} has too many values: its l_infinity lies between {bound}")
        return self._judged(known, moved)

    def _bins(self, fact: Histograms) -> CheckResult:
        if fact.nan or fact.infinite:
            kinds = ((fact.nan, "NaN"), (fact.infinite, "infinite"))
            told = " and ".join(f"{counted(rows)} {word}" for rows, word in kinds if rows)
            return self.error(f"{self.column}: {told}, which no bin can hold")
        if empty := self._empty(sum(fact.reference), sum(fact.current)):
            return empty
        if fact.constant:
            return self.error(f"{self.column} has one value only in the reference, which makes no histogram")
        measure = jensen_shannon if self.metric == "jensen_shannon" else psi
        return self._judged(measure(fact.reference, fact.current), f" over {len(fact.reference)} bins")

    def _empty(self, reference: int, current: int) -> CheckResult | None:
        if not reference:
            return self.error(f"{self.column} has no value at all in the reference")
        return None if current else self.error(f"{self.column} has no value at all")

    def _judged(self, distance: float, detail: str) -> CheckResult:
        told = f"{self.metric} of {self.column} is {shown(distance, self.max)}"
        if distance > self.max:
            return self.result(Verdict.FAIL, f"{told}, more than {exact(self.max)}{detail}")
        return self.result(Verdict.PASS, f"{told}{detail}")


def _difference(share: Share, fact: Categories) -> float:
    return difference(share.reference, fact.reference, share.current, fact.current)


def _moved(share: Share, fact: Categories) -> str:
    value = printable(share.value if len(share.value) <= 60 else share.value[:59] + "…")
    return f"'{value}' from {share.reference / fact.reference:.4g} to {share.current / fact.current:.4g} of the rows"
