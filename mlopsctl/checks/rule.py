"""What every check shares: a name, a severity, and the pure judgement of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import Field

from mlopsctl.checks.facts import Fact, Unknown
from mlopsctl.evidence import Anomaly, CheckResult, Verdict
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class DataEvidence:
    """What was counted for one check, before it judges.

    Attributes:
        rows: rows of the source after the filter.
        fact: the answer to the check's question; ``None`` when the rows were not looked at.
    """

    rows: int
    fact: Fact | None = None


class Rule(Spec):
    """The base of the checks."""

    name: Name = Field(title="Name", description="What the check is called in reports and on GitHub.")
    severity: Literal["error", "warn"] = Field(
        default="error",
        title="Severity",
        description="error stops what reads the data; warn is only shown.",
    )

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """The verdict on the evidence: pure, never raises; what cannot be judged is an error and never passes."""
        raise NotImplementedError(type(self).__name__)

    def fact(self, evidence: DataEvidence, kind: type[F]) -> F | CheckResult:
        """The fact of the kind that the check judges, or else the result that says why there is none."""
        found = evidence.fact
        if isinstance(found, Unknown):
            return self.unknown(found)
        if not isinstance(found, kind):
            return self.error("the rows were not looked at")
        return found if evidence.rows > 0 else self.error("there are no rows to judge")

    def unknown(self, fact: Unknown) -> CheckResult:
        """The result where the question could not be asked."""
        return self.error(fact.reason)

    def error(self, reason: str) -> CheckResult:
        """The result of what cannot be judged."""
        return self.result(Verdict.ERROR, reason)

    def result(self, verdict: Verdict, reason: str, anomalies: tuple[Anomaly, ...] = ()) -> CheckResult:
        """This check's result."""
        kind = str(getattr(self, "kind", ""))
        return CheckResult(
            name=self.name, kind=kind, verdict=verdict, reason=reason, severity=self.severity, anomalies=anomalies
        )


def counted(rows: int, noun: str = "row") -> str:
    """A number of things in words: ``1 row``, ``2,000 rows``."""
    return f"{rows:,} {noun}{'' if rows == 1 else 's'}"
