"""An orchestrator elsewhere: what it is given, what is there now, and how a run of it goes on.

Everything an engine says is read into these values; only the engine's own package knows its client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from mlopsctl.ground.digest import Json, digest


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was compiled: generated files by relative path, of which ``main`` is the pipeline itself."""

    files: Mapping[str, bytes]
    main: str

    @property
    def digest(self) -> str:
        """The identity of the compiled pipeline."""
        return digest(
            "mlopsctl/bundle/v1", *(part for name in sorted(self.files) for part in (name.encode(), self.files[name]))
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """Runs at given times: five cron fields in an IANA time zone.

    Attributes:
        name: the same on every look.
        paused: it starts nothing.
        max_concurrent: how many of its runs may overlap.
        version: the digest of the bundle that it starts.
    """

    name: str
    cron: str
    timezone: str = "UTC"
    paused: bool = False
    max_concurrent: int = 1
    version: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should stand on the engine's side.

    Attributes:
        name: the pipeline's name there.
        project, environment: whose it is; written beside everything that is made there, so that only our own things
            are ever changed or removed.
        parameters: the defaults of the pipeline's parameters.
    """

    name: str
    project: str
    environment: str
    bundle: Bundle
    schedules: tuple[Schedule, ...] = ()
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deployed:
    """What stands there now.

    Attributes:
        exists: whether there is a pipeline of ours.
        version: the digest of the newest version's bundle; empty for none, or where it is not one of ours.
        schedules: of ours, by name; also those that the file no longer names.
        notes: what a reader should know (a pipeline of the same name that is not ours).
        paused: no run of it begins, whoever asks for it; only some engines can pause a whole pipeline.
    """

    exists: bool = False
    version: str = ""
    schedules: tuple[Schedule, ...] = ()
    notes: tuple[str, ...] = ()
    paused: bool = False


class RunState(StrEnum):
    """How a run or a task stands, in our words."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (RunState.PENDING, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class EngineRun:
    """A run as the engine tells it.

    Attributes:
        id: the engine's own.
        run: the id of the run's ledger; empty where that is the engine's own id.
        schedule: what the engine calls the schedule that started it; empty for none.
        url: where a person looks at it; empty where there is no such page.
        tasks: how the steps stand, by step id; those that the engine has not begun are absent.
        message: what the engine says of a failure.
    """

    id: str
    run: str
    state: RunState
    started: int
    url: str = ""
    tasks: Mapping[str, RunState] = field(default_factory=dict)
    message: str = ""
    schedule: str = ""


class Engine(Protocol):
    """An orchestrator elsewhere. Every method reaches out, may be repeated, and raises ``Problem`` when it cannot."""

    def look(self, wanted: Wanted) -> Deployed:
        """What stands there now; changes nothing."""
        ...

    def deploy(self, wanted: Wanted) -> tuple[str, ...]:
        """Make it as wanted, and say what was done, a line each; nothing where it is so already."""
        ...

    def remove(self, wanted: Wanted) -> tuple[str, ...]:
        """Remove what is ours, and say what was removed."""
        ...

    def start(self, wanted: Wanted, run: str, parameters: Mapping[str, Json]) -> str:
        """Start a run of the deployed version and return the engine's id; asked again for a run, that run's id."""
        ...

    def follow(self, id: str) -> EngineRun:
        """How a run stands now."""
        ...

    def recent(self, wanted: Wanted, limit: int) -> tuple[EngineRun, ...]:
        """The newest runs of our pipeline, those of its schedules too, newest first."""
        ...

    def cancel(self, id: str) -> None:
        """Stop a run; nothing where it has ended."""
        ...
