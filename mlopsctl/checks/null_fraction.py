"""``null_fraction``: how much of a column may be missing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.checks.facts import Missing
from mlopsctl.checks.rule import DataEvidence, Rule, counted
from mlopsctl.evidence import CheckResult, Verdict
from mlopsctl.ground.numbers import exact, shown
from mlopsctl.ground.scalars import ColumnName, Fraction


class NullFraction(Rule):
    """At most a share of a column's values is missing; NaN counts as missing."""

    kind: Literal["null_fraction"] = Field(
        default="null_fraction", title="Kind", description="A bound on the share of missing values."
    )
    column: ColumnName = Field(title="Column", description="The column whose missing values are counted.")
    max: Fraction = Field(title="At most", description="The largest share of missing values that passes, 0 to 1.")

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """See :meth:`Rule.judge`."""
        fact = self.fact(evidence, Missing)
        if isinstance(fact, CheckResult):
            return fact
        missing = fact.missing + fact.nan
        share = missing / fact.rows if fact.rows else 1.0
        told = f"{shown(share, self.max)} of {self.column} is missing ({missing:,} of {counted(fact.rows)})"
        if share > self.max:
            return self.result(Verdict.FAIL, f"{told}, more than {exact(self.max)}")
        return self.result(Verdict.PASS, told)
