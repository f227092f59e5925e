"""``schema``: every row is as the schema says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.checks.rule import DataEvidence, Rule
from mlopsctl.evidence import CheckResult, Verdict


class SchemaCheck(Rule):
    """Columns, types, ranges, domains and presence are as in the reviewed schema, or else as in the train split."""

    kind: Literal["schema"] = Field(
        default="schema", title="Kind", description="Every row is as the schema file, or else the train split, says."
    )

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """See :meth:`Rule.judge`."""
        found = evidence.anomalies
        if found is None:
            return self.result(Verdict.ERROR, "the rows were not compared with a schema")
        if evidence.rows == 0:
            return self.result(Verdict.ERROR, "there are no rows to compare with the schema")
        if found:
            columns = ", ".join(dict.fromkeys(anomaly.column for anomaly in found))
            return self.result(
                Verdict.FAIL, f"{len(found)} {'anomaly' if len(found) == 1 else 'anomalies'} in {columns}", found
            )
        return self.result(Verdict.PASS, f"{evidence.rows} rows as the schema says")
