"""What a level asks for: criteria that are judged by evidence, never by a mere flag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mlopsctl.config.load import Loaded
from mlopsctl.config.project import Project
from mlopsctl.evidence import Anomalies, Blessing, Evaluation, InfraBlessing
from mlopsctl.metadata.records import Release, RunRecord


@dataclass(frozen=True, slots=True)
class Workflow:
    """A file by which a CI runs something: its path in the repository, what starts it, and its text."""

    path: str
    pull_request: bool
    push: bool
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found of a project, in one environment.

    Attributes:
        loaded: the project in the environment whose runs are looked at.
        environments: the project in every environment.
        problems: what is wrong with the project, a sentence each.
        steps: the ids of the pipeline's steps; empty where it cannot be made, and ``uncompiled`` says why.
        run: the newest run that came to a verdict on a model, with what it left.
        anomalies: of its datasets.
        workflows: the files of the CI in the repository.
        differing: files that `ci init` would write otherwise, a sentence each.
        tests: of each kind of test, the functions that assert something, as ``file::function``.
        locks: the lock files of environments.
    """

    loaded: Loaded
    environments: tuple[Loaded, ...]
    problems: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    uncompiled: str = ""
    run: RunRecord | None = None
    recorded: int = 0
    anomalies: tuple[Anomalies, ...] = ()
    evaluation: Evaluation | None = None
    blessing: Blessing | None = None
    infra: InfraBlessing | None = None
    release: Release | None = None
    workflows: tuple[Workflow, ...] = ()
    differing: tuple[str, ...] = ()
    tests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    locks: tuple[str, ...] = ()

    @property
    def project(self) -> Project:
        """The project."""
        return self.loaded.project


@dataclass(frozen=True, slots=True)
class Answer:
    """What a criterion found; it is met where there is evidence and nothing missing."""

    evidence: str = ""
    missing: str = ""

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


@dataclass(frozen=True, slots=True)
class Standing:
    """The level that is reached, beside the one that the project declares."""

    project: str
    environment: str
    declared: int
    criteria: tuple[Judged, ...]

    @property
    def reached(self) -> int:
        """The highest level all of whose criteria, and those of the levels below, are met."""
        missing = [one.criterion.level for one in self.criteria if not one.answer.met]
        return min(missing, default=3) - 1 if missing else 2

    def missing(self, level: int) -> tuple[Judged, ...]:
        """What keeps the project from a level."""
        return tuple(one for one in self.criteria if one.criterion.level <= level and not one.answer.met)


def judge(evidence: Evidence, criteria: Sequence[Criterion]) -> Standing:
    """Ask every criterion."""
    return Standing(
        project=evidence.project.name,
        environment=evidence.loaded.environment,
        declared=evidence.project.level,
        criteria=tuple(Judged(one, one.look(evidence)) for one in criteria),
    )
