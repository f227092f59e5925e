"""``range``: a column's numbers lie within bounds."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mlopsctl.checks.bounds import bounds_problem
from mlopsctl.checks.facts import Spread
from mlopsctl.checks.rule import DataEvidence, Rule, counted
from mlopsctl.evidence import Anomaly, CheckResult, Verdict
from mlopsctl.ground.numbers import exact, shown
from mlopsctl.ground.scalars import ColumnName


class RangeCheck(Rule):
    """Every value of a column that is not missing lies within ``min`` and ``max``, both inclusive.

    NaN, and an infinite value that no bound excludes, cannot be judged: an error.
    """

    kind: Literal["range"] = Field(default="range", title="Kind", description="Bounds on a column's numbers.")
    column: ColumnName = Field(title="Column", description="The column whose numbers are compared.")
    min: float | None = Field(default=None, title="At least", description="The smallest value that passes.")
    max: float | None = Field(default=None, title="At most", description="The largest value that passes.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        bounds_problem(self.min, self.max)
        return self

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """See :meth:`Rule.judge`."""
        fact = self.fact(evidence, Spread)
        if isinstance(fact, CheckResult):
            return fact
        sides = ((fact.below, "less than", self.min), (fact.above, "more than", self.max))
        outside = [
            f"{counted(rows)} {word} {exact(bound)}" for rows, word, bound in sides if rows and bound is not None
        ]
        if outside:
            told = " and ".join(outside)
            anomaly = Anomaly(self.column, told, fact.below + fact.above, evidence.rows, fact.examples)
            return self.result(Verdict.FAIL, f"{self.column}: {told}", (anomaly,))
        if fact.nan or fact.infinite:
            kinds = ((fact.nan, "NaN"), (fact.infinite, "infinite"))
            told = " and ".join(f"{counted(rows)} {word}" for rows, word in kinds if rows)
            return self.error(f"{self.column}: {told}, which no bound can judge")
        if fact.low is None or fact.high is None:
            return self.error(f"{self.column} has no value at all")
        low, high = shown(fact.low, self.min, self.max), shown(fact.high, self.min, self.max)
        return self.result(Verdict.PASS, f"{self.column} lies between {low} and {high}")
