"""What can be told, how it reads, and the part that every notifier has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, get_args

from pydantic import Field

from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.model import Spec

Event: TypeAlias = Literal[
    "run_failed", "check_failed", "gate_failed", "gate_undecided", "registered", "deployed", "rolled_back", "drift"
]
EVENTS: tuple[Event, ...] = get_args(Event)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened, as it is told.

    Attributes:
        run: the run's id; empty for what no run did.
        step: the step that it is about; empty for none.
        name: the gate, the check, or the model's version.
        verdict: ``pass``, ``fail`` or ``error`` of what was judged; empty elsewhere.
        reason: one sentence.
        time: ISO text, UTC.
    """

    event: Event
    project: str
    environment: str
    time: str
    run: str = ""
    step: str = ""
    name: str = ""
    verdict: str = ""
    reason: str = ""

    def payload(self) -> Mapping[str, Json]:
        """All of it as JSON; every key is always there."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def body(self) -> bytes:
        """The payload as one line of canonical JSON, without a line end."""
        return canonical_json(self.payload())


class Notifying(Spec):
    """The base of notifiers: which events they tell, and how."""

    blocking: ClassVar[bool] = False

    events: tuple[Event, ...] = Field(
        EVENTS, min_length=1, title="Events", description="What is told; every event by default."
    )

    def send(self, happening: Happening, project: Path) -> None:
        """Tell it.

        Args:
            project: the project's folder.

        Raises:
            Problem: when it could not be told.
        """
        raise NotImplementedError
