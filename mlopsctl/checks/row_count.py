"""``row_count``: how many rows there are."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mlopsctl.checks.bounds import bounds_problem
from mlopsctl.checks.rule import DataEvidence, Rule
from mlopsctl.evidence import CheckResult, Verdict
from mlopsctl.ground.scalars import Count


class RowCount(Rule):
    """The number of rows after the filter lies within ``min`` and ``max``, both inclusive."""

    kind: Literal["row_count"] = Field(default="row_count", title="Kind", description="A bound on the number of rows.")
    min: Count | None = Field(default=None, title="At least", description="The smallest number of rows that passes.")
    max: Count | None = Field(default=None, title="At most", description="The largest number of rows that passes.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        bounds_problem(self.min, self.max)
        return self

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """See :meth:`Rule.judge`."""
        rows = evidence.rows
        if self.min is not None and rows < self.min:
            return self.result(Verdict.FAIL, f"{rows} rows, fewer than {self.min}")
        if self.max is not None and rows > self.max:
            return self.result(Verdict.FAIL, f"{rows} rows, more than {self.max}")
        return self.result(Verdict.PASS, f"{rows} rows")
