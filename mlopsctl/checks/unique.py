"""``unique``: no two rows share a key."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlopsctl.checks.facts import Keys
from mlopsctl.checks.rule import DataEvidence, Rule, counted
from mlopsctl.evidence import Anomaly, CheckResult, Verdict
from mlopsctl.ground.scalars import ColumnName


class Unique(Rule):
    """No two rows have equal values in all the columns; a row that lacks one of them has no key: an error."""

    kind: Literal["unique"] = Field(default="unique", title="Kind", description="No two rows share a key.")
    columns: Annotated[tuple[ColumnName, ...], Field(strict=False, min_length=1)] = Field(
        title="Columns", description="The columns that together identify a row."
    )

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """See :meth:`Rule.judge`."""
        fact = self.fact(evidence, Keys)
        if isinstance(fact, CheckResult):
            return fact
        key = ", ".join(self.columns)
        if fact.repeated:
            told = f"{counted(fact.repeated)} {'repeats' if fact.repeated == 1 else 'repeat'} the key of an earlier one"
            anomaly = Anomaly(key, told, fact.repeated, evidence.rows, fact.examples)
            return self.result(Verdict.FAIL, f"{told} in {key}", (anomaly,))
        if fact.incomplete:
            lacks = "has" if fact.incomplete == 1 else "have"
            return self.error(f"{counted(fact.incomplete)} {lacks} no complete key in {key}")
        return self.result(Verdict.PASS, f"{counted(evidence.rows)}, each with its own {key}")
