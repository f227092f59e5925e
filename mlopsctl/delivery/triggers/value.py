"""What was decided about each trigger, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import ExitCode


class State(StrEnum):
    """What a trigger comes to. ``undecided``: evidence is missing; ``unreadable``: a source cannot be read."""

    DUE = "due"
    WAITING = "waiting"
    UNDECIDED = "undecided"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Decision:
    """What one trigger comes to.

    Attributes:
        reason: one sentence.
        next: when it may be due next; ``None`` where nobody knows.
        hint: what to do; empty for nothing.
    """

    state: State
    reason: str
    next: datetime | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A trigger by its place in ``triggers`` (from 0), and its decision. ``subject`` says what it watches."""

    index: int
    kind: str
    subject: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Checked:
    """All triggers of an environment at one moment."""

    project: str
    environment: str
    now: datetime
    triggers: tuple[Decided, ...]

    @property
    def due(self) -> tuple[Decided, ...]:
        """The triggers that ask for a run now."""
        return tuple(one for one in self.triggers if one.decision.state is State.DUE)

    @property
    def cause(self) -> str:
        """What a run that starts now is recorded with: the first trigger that asks for it."""
        return next((f"{one.kind}: {one.subject}" for one in self.due), "")

    @property
    def exit_code(self) -> ExitCode:
        """1 when a source could not be read, 2 when a run is due, 4 when nobody can say, else 0."""
        states = {one.decision.state for one in self.triggers}
        if State.UNREADABLE in states:
            return ExitCode.FAILED
        if State.DUE in states:
            return ExitCode.CHANGES
        return ExitCode.UNDECIDED if State.UNDECIDED in states else ExitCode.DONE

    def as_json(self) -> Mapping[str, Json]:
        """All of it as data; stable keys."""
        return {
            "project": self.project,
            "environment": self.environment,
            "now": shown(self.now),
            "due": bool(self.due),
            "triggers": [
                {
                    "index": one.index,
                    "kind": one.kind,
                    "subject": one.subject,
                    "state": one.decision.state.value,
                    "reason": one.decision.reason,
                    "next": None if one.decision.next is None else shown(one.decision.next),
                    "hint": one.decision.hint,
                }
                for one in self.triggers
            ],
        }


def shown(moment: datetime) -> str:
    """A moment as ISO text in UTC, to the second."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def of_ms(milliseconds: int) -> datetime:
    """A moment of the records."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
