"""What can be told, and the part that every notifier has."""

from typing import ClassVar, Literal, TypeAlias, get_args

from pydantic import Field

from mlopsctl.ground.model import Spec

Event: TypeAlias = Literal[
    "run_failed", "check_failed", "gate_failed", "gate_undecided", "registered", "deployed", "rolled_back", "drift"
]
EVENTS: tuple[Event, ...] = get_args(Event)


class Notifying(Spec):
    """The base of notifiers: which events they tell."""

    not_yet: ClassVar[str] = "notifications"
    blocking: ClassVar[bool] = False

    events: tuple[Event, ...] = Field(
        EVENTS, min_length=1, title="Events", description="What is told; every event by default."
    )
