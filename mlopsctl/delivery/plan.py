"""The plan: what ``apply`` would do, and why, as a value.

Pure over (pipeline, surroundings, history, release state, live systems). Printing, saving, comparing and executing
read the same value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

from mlopsctl.delivery.cost import Cost
from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.pipeline.ir import Decision, Step


class Action(StrEnum):
    """What happens to a thing; the sign stands in front of its line."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"

    @property
    def sign(self) -> str:
        return {"create": "+", "update": "~", "delete": "-", "keep": "="}[self.value]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan: a step, a gate, the release or the server, what happens to it, and why.

    ``waits`` marks a line whose outcome is known only once the steps before it have run.
    """

    kind: str
    name: str
    action: Action
    reasons: tuple[str, ...] = ()
    waits: bool = False


class History(Protocol):
    """What the metadata and artifact stores can tell a plan."""

    def cached(self, keys: Collection[str]) -> Mapping[str, ExecutionRecord]:
        """The newest complete execution of each key whose outputs are still in the artifact store."""
        ...

    def latest(self) -> Mapping[str, ExecutionRecord]:
        """The newest result of each step, or its failure where the last run ended in one."""
        ...

    def steps(self) -> tuple[str, ...]:
        """The ids of the steps of the last run that came to its end."""
        ...

    def refusal(self, artifact: ArtifactRecord) -> str:
        """Why a guard artifact's verdict is not pass, in a sentence; empty when it is."""
        ...

    def branch(self, decision: Decision, artifact: ArtifactRecord | None) -> str:
        """Why a branch is not taken on what a step wrote, in a sentence; empty when it is, or nothing can be said."""
        ...

    def accepted_statistics(self, dataset: str) -> Sequence[str]:
        """The digests of the statistics of the data that passed its checks last and before that, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What becomes of a step: reuse ``cached``, stay ``skipped`` for a reason, or run because of ``reasons``.

    ``waits``: it reads a step that runs, and is reused after all when that step's output turns out the same.
    """

    step: Step
    reasons: tuple[str, ...]
    cached: ExecutionRecord | None = None
    skipped: str = ""
    is_new: bool = False
    waits: bool = False

    @property
    def runs(self) -> bool:
        """Whether it will run, as far as can be known before the steps it reads have run."""
        return self.cached is None and not self.skipped

    @property
    def line(self) -> Line:
        """Its line in the plan."""
        if not self.runs:
            return Line("step", self.step.id, Action.KEEP, (self.skipped,) if self.skipped else ())
        action = Action.CREATE if self.is_new else Action.UPDATE
        return Line("step", self.step.id, action, self.reasons, self.waits)


@dataclass(frozen=True, slots=True)
class Seal:
    """What a plan was made from; ``apply PLAN`` refuses when one of these moved, and names it."""

    tool: str
    project: str
    environment: str
    pipeline: str
    policy: str
    data_and_code: str
    state: str
    live: str

    NAMES: ClassVar[Mapping[str, str]] = {
        "tool": "the version of mlopsctl",
        "project": "the project's name",
        "environment": "the environment",
        "pipeline": "the pipeline (steps, parameters or wiring)",
        "policy": "the gates",
        "data_and_code": "the data, the user code or the installed packages",
        "state": "the release state (somebody applied, rolled back or destroyed meanwhile)",
        "live": "what is registered or served",
    }

    def moved(self, now: Seal) -> tuple[str, ...]:
        """What differs between this seal and another, in words."""
        return tuple(words for name, words in self.NAMES.items() if getattr(self, name) != getattr(now, name))


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``apply`` would do.

    Attributes:
        steps: in pipeline order.
        others: gates, the release and the server; ``KEEP`` lines are things that stay.
        pinned: state inputs read once, by name; see :mod:`mlopsctl.step.pinned`.
        notes: what a reader should know beside the changes (a hold, the last refusal, kinds that wait for a version).
        expected: how long steps that run took before, in milliseconds; no part of the plan's identity.
        cost: what they would cost then; ``None`` without prices. No part of the plan's identity either.
    """

    project: str
    environment: str
    steps: tuple[StepPlan, ...]
    removed: tuple[str, ...]
    others: tuple[Line, ...]
    pinned: Mapping[str, str]
    seal: Seal
    notes: tuple[str, ...] = ()
    expected: Mapping[str, int] = field(default_factory=dict)
    cost: Cost | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line, steps first."""
        return (
            *(step.line for step in self.steps),
            *(Line("step", name, Action.DELETE, ("no longer in the pipeline",)) for name in self.removed),
            *self.others,
        )

    @property
    def changes(self) -> tuple[Line, ...]:
        """The lines that change something; none after an apply."""
        return tuple(line for line in self.lines if line.action is not Action.KEEP)

    @property
    def digest(self) -> str:
        """The identity of a plan: its seal, its lines and what it pinned."""
        return digest_json("mlopsctl/plan/v1", self.as_json())

    def as_json(self) -> Mapping[str, Json]:
        """The plan as data; stable keys, safe to print."""
        return {
            "project": self.project,
            "environment": self.environment,
            "lines": [
                {"kind": x.kind, "name": x.name, "action": x.action.value, "reasons": x.reasons, "waits": x.waits}
                for x in self.lines
            ],
            "pinned": self.pinned,
            "notes": self.notes,
            "seal": {name: getattr(self.seal, name) for name in Seal.NAMES},
        }
