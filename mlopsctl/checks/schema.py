"""``schema``: every row is as the schema says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.checks.facts import Conformity
from mlopsctl.checks.rule import DataEvidence, Rule, counted
from mlopsctl.evidence import CheckResult, Verdict

_TOLD = 3


class SchemaCheck(Rule):
    """Columns, types, ranges, domains and presence are as in the reviewed schema, or else as in the train split."""

    kind: Literal["schema"] = Field(
        default="schema", title="Kind", description="Every row is as the schema file, or else the train split, says."
    )
    environment: Literal["TRAINING", "SERVING"] = Field(
        default="TRAINING",
        title="Environment",
        description="What the rows are for; a column that the schema expects elsewhere only may be absent.",
    )

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """See :meth:`Rule.judge`."""
        fact = self.fact(evidence, Conformity)
        if isinstance(fact, CheckResult):
            return fact
        found = fact.anomalies
        if not found:
            return self.result(Verdict.PASS, f"{counted(evidence.rows)} as the schema says")
        told = [f"{one.column}: {one.reason} in {counted(one.rows)}" for one in found[:_TOLD]]
        more = [f"{len(found) - _TOLD} more"] if len(found) > _TOLD else []
        word = "anomaly" if len(found) == 1 else "anomalies"
        return self.result(Verdict.FAIL, f"{len(found)} {word}: {'; '.join([*told, *more])}", found)
