"""What is published, as frozen values without any markup; :mod:`mlopsctl.render.publish` words it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlopsctl.delivery.plan import Plan
from mlopsctl.delivery.report.value import CheckRow, GateRow, Prose, Report
from mlopsctl.evidence import Evaluation
from mlopsctl.forges.contract import AnnotationLevel, Conclusion
from mlopsctl.ground.errors import ExitCode, Span

EXIT_CODES = {
    Conclusion.SUCCESS: ExitCode.DONE,
    Conclusion.FAILURE: ExitCode.REFUSED,
    Conclusion.ACTION_REQUIRED: ExitCode.UNDECIDED,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of the project's files that decided, and what is to be said beside them."""

    span: Span
    message: str
    level: AnnotationLevel = AnnotationLevel.FAILURE


@dataclass(frozen=True, slots=True)
class Item:
    """One check: its name, its verdict, and why.

    Attributes:
        kind: gate, check, plan, policy, tests, level or preflight.
        title: one sentence with the number that decided.
        told: more sentences.
        gate, base: the gate by this commit's rule, and by the base branch's where that is another one.
        check: the check on data.
    """

    name: str
    kind: str
    conclusion: Conclusion
    title: Prose
    told: tuple[Prose, ...] = ()
    places: tuple[Place, ...] = ()
    gate: GateRow | None = None
    base: GateRow | None = None
    check: CheckRow | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Of what is spoken: the commit, and where its project file stands in the repository (``/`` between folders).

    ``fork`` says that a run of somebody else's code reported it.
    """

    project: str
    environment: str
    commit: str
    file: str
    pull_request: int = 0
    base: str = ""
    fork: bool = False

    @property
    def name(self) -> str:
        """What the checks are called before their own names; the aggregate has this name alone.

        What a fork reported has another name, so that it neither stands for what was judged here nor disturbs it.
        """
        return f"mlopsctl / {self.project} / {self.environment}" + (" (fork)" if self.fork else "")

    @property
    def key(self) -> str:
        """What makes something on the forge this project's and environment's."""
        return f"{self.project}/{self.environment}"


@dataclass(frozen=True, slots=True)
class Publication:
    """Everything that is known of a commit in one environment.

    Attributes:
        report: of the commit's run; ``None`` where it has none.
        base_report: of the base branch's run, for its metrics.
        notes: what a reader should know beside the verdicts.
        evaluation: what the gates were judged by; ``missing`` says why there is none.
        unverified: why all of it proves nothing, where others reported it; empty where it was read here.
    """

    subject: Subject
    items: tuple[Item, ...]
    report: Report | None = None
    base_report: Report | None = None
    plan: Plan | None = None
    notes: tuple[Prose, ...] = field(default=())
    evaluation: Evaluation | None = None
    missing: Prose = ()
    unverified: Prose = ()

    @property
    def conclusion(self) -> Conclusion:
        """All of it together: success only where everything is there, was read here, and succeeds."""
        found = worst([item.conclusion for item in self.items])
        return Conclusion.ACTION_REQUIRED if self.unverified and found is Conclusion.SUCCESS else found


def worst(conclusions: Sequence[Conclusion]) -> Conclusion:
    """Failure before action required before success; nothing at all proves nothing."""
    for one in (Conclusion.FAILURE, Conclusion.ACTION_REQUIRED):
        if one in conclusions:
            return one
    return Conclusion.SUCCESS if conclusions else Conclusion.ACTION_REQUIRED
