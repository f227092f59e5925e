"""What came of a run: the states of its steps, the verdicts, and the exit code they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlopsctl.evidence import Anomalies, Blessing, Evaluation, InfraBlessing, PushedModel, Verdict, worst
from mlopsctl.ground.errors import ExitCode, Span
from mlopsctl.metadata.records import Release
from mlopsctl.step.task import StepResult, StepState

EXIT_CODES: Mapping[Verdict, ExitCode] = {
    Verdict.PASS: ExitCode.DONE,
    Verdict.FAIL: ExitCode.REFUSED,
    Verdict.ERROR: ExitCode.UNDECIDED,
}


@dataclass(frozen=True, slots=True)
class Findings:
    """The evidence a run left, as far as it came; by dataset for checks."""

    anomalies: tuple[Anomalies, ...] = ()
    evaluation: Evaluation | None = None
    blessing: Blessing | None = None
    infra: InfraBlessing | None = None
    pushed: PushedModel | None = None

    @property
    def verdict(self) -> Verdict:
        """What the checks and gates say together. Without a blessing nothing is proved, unless a check said no."""
        if self.checks is not Verdict.PASS:
            return self.checks
        if self.blessing is None or self.blessing.verdict is not Verdict.PASS:
            return Verdict.ERROR if self.blessing is None else self.blessing.verdict
        return Verdict.ERROR if self.infra is None else self.infra.verdict

    @property
    def checks(self) -> Verdict:
        """What the checks on data say together; pass when there are none."""
        return worst([Verdict.PASS, *(found.verdict for found in self.anomalies)])


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run.

    Attributes:
        released: the release made by this run; ``None`` when nothing went out.
        standing: the release that stands now.
        held: why nothing goes out although it could (a hold), empty otherwise.
        served: the address of the server, empty where there is none.
        places: where each step comes from in ``mlops.yaml``.
        judged_only: the run stopped at the verdict; nothing was to be checked in a server or registered.
        partial: only some steps were to run; without a gate among them there is nothing to judge.
        notes: what a reader should know beside the results.
    """

    run: str
    environment: str
    results: Mapping[str, StepResult]
    findings: Findings
    released: Release | None = None
    standing: Release | None = None
    held: str = ""
    served: str = ""
    seconds: float = 0.0
    judged_only: bool = False
    partial: bool = False
    notes: tuple[str, ...] = ()
    places: Mapping[str, Span] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """What the run's evidence says."""
        findings = self.findings
        if self.judged_only and findings.checks is Verdict.PASS and findings.blessing is not None:
            return findings.blessing.verdict
        judges = not self.partial and "gate" in self.results
        if not judges and findings.blessing is None:
            return findings.checks
        return findings.verdict

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of steps that failed themselves."""
        return tuple(step for step, result in self.results.items() if result.state is StepState.FAILED)

    @property
    def exit_code(self) -> ExitCode:
        """1 for a failed step, 3 and 4 for the verdict, else 0."""
        if self.failed:
            return ExitCode.FAILED
        return EXIT_CODES[self.verdict]
