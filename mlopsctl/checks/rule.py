"""What every check shares: a name, a severity, and the pure judgement of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from mlopsctl.evidence import Anomaly, CheckResult, Verdict
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name


@dataclass(frozen=True, slots=True)
class DataEvidence:
    """What was counted in a dataset's rows, before any check judges.

    Attributes:
        rows: rows of the source after the filter.
        anomalies: where rows and schema disagree; ``None`` when they were not compared.
    """

    rows: int
    anomalies: tuple[Anomaly, ...] | None = None


class Rule(Spec):
    """The base of the checks."""

    name: Name = Field(title="Name", description="What the check is called in reports and on GitHub.")
    severity: Literal["error", "warn"] = Field(
        default="error",
        title="Severity",
        description="error stops what reads the data; warn is only shown.",
    )

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """The verdict on the evidence; never raises for a kind that this version executes.

        Raises:
            StepProblem: when this version does not execute the kind.
        """
        raise StepProblem.because(
            "not-yet", f"check {self.name} cannot be judged: {self.not_yet} is not there yet", hint="remove the check"
        )

    def result(self, verdict: Verdict, reason: str, anomalies: tuple[Anomaly, ...] = ()) -> CheckResult:
        """This check's result."""
        kind = str(getattr(self, "kind", ""))
        return CheckResult(
            name=self.name, kind=kind, verdict=verdict, reason=reason, severity=self.severity, anomalies=anomalies
        )
