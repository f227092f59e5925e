"""What a level asks for: criteria that are judged by evidence, never by a mere flag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.config.project import Project
from mlopsctl.evidence import Anomalies, Blessing, Evaluation, InfraBlessing
from mlopsctl.ground.source import DocPath
from mlopsctl.levels.workflow import Workflow
from mlopsctl.metadata.records import Release, RunRecord


@dataclass(frozen=True, slots=True)
class Promoted:
    """What an environment was given by a promotion.

    Attributes:
        evidence: what it follows and by what that is proved; empty where nothing is.
        found: where that stands: the lock and its commit, the run, the model's digest.
        problem: why what stands there proves nothing.
    """

    environment: str
    evidence: str = ""
    found: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found of a project, in one environment.

    Attributes:
        loaded: the project in the environment whose runs are looked at.
        environments: the project in every environment.
        problems: what is wrong with the project, a sentence each.
        steps: the ids of the pipeline's steps; empty where it cannot be made, and ``uncompiled`` says why.
        run: the newest run that came to a verdict on a model, with what it left.
        triggered: the newest runs that something besides a person started, in any environment.
        schedules: those that stand on the orchestrator and start runs there; ``unasked`` says why nobody asked it.
        anomalies: of its datasets.
        workflows: the files of the CI in the repository.
        differing: files that `ci init` would write otherwise, a sentence each.
        tests: of each kind of test, the functions that assert something, as ``file:line::function``.
        promoted: what came of the promotion into each environment that has one.
        commit: what is checked out, where nothing but the commit is looked at.
    """

    loaded: Loaded
    environments: tuple[Loaded, ...]
    problems: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    uncompiled: str = ""
    run: RunRecord | None = None
    triggered: tuple[RunRecord, ...] = ()
    schedules: tuple[str, ...] = ()
    unasked: str = ""
    recorded: int = 0
    anomalies: tuple[Anomalies, ...] = ()
    evaluation: Evaluation | None = None
    blessing: Blessing | None = None
    infra: InfraBlessing | None = None
    release: Release | None = None
    workflows: tuple[Workflow, ...] = ()
    differing: tuple[str, ...] = ()
    tests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    promoted: tuple[Promoted, ...] = ()
    commit: str = ""

    @property
    def project(self) -> Project:
        """The project."""
        return self.loaded.project

    @property
    def judged(self) -> tuple[str, ...]:
        """The run that the verdicts are of, as a place of evidence."""
        return (f"run {self.run.id}",) if self.run is not None else ()

    def at(self, path: DocPath) -> str:
        """Where a value stands in the project's file, as ``file:line``."""
        span = self.loaded.span(path, prefer_key=True)
        return f"{Path(span.file).name}:{span.line}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a criterion found; it is met where there is evidence and nothing missing.

    Attributes:
        found: where the evidence is: ``file:line``, a run, a digest.
        fix: what to do, where that is more than the criterion's own.
    """

    evidence: str = ""
    missing: str = ""
    found: tuple[str, ...] = ()
    fix: str = ""

    @property
    def met(self) -> bool:
        """Whether the criterion is met."""
        return bool(self.evidence) and not self.missing


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a level asks for.

    Attributes:
        asks: what must be so, as a sentence.
        probe: how it is found out.
        fix: what to do where it is not so.
    """

    id: str
    level: int
    asks: str
    probe: str
    fix: str
    look: Callable[[Evidence], Answer]


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion with its answer."""

    criterion: Criterion
    answer: Answer

    @property
    def fix(self) -> str:
        """What to do; empty where it is met."""
        return "" if self.answer.met else self.answer.fix or self.criterion.fix


@dataclass(frozen=True, slots=True)
class Standing:
    """The level that is reached, beside the one that the project declares.

    Attributes:
        written: it is what a commit says, and no run was looked at.
    """

    project: str
    environment: str
    declared: int
    criteria: tuple[Judged, ...]
    written: bool = False

    @property
    def reached(self) -> int:
        """The highest level all of whose criteria, and those of the levels below, are met."""
        missing = [one.criterion.level for one in self.criteria if not one.answer.met]
        return min(missing, default=3) - 1 if missing else 2

    def missing(self, level: int) -> tuple[Judged, ...]:
        """What keeps the project from a level."""
        return tuple(one for one in self.criteria if one.criterion.level <= level and not one.answer.met)
