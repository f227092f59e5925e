"""What stands on the server, as far as it matters here, read out of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from mlopsctl.ground.digest import Json
from mlopsctl.orchestrators.contract import Wanted
from mlopsctl.orchestrators.kfp.marks import Mark, read_mark

BUNDLE, AT, SETTINGS, RUN = "bundle", "at", "settings", "run"
"""Keys in our marks: the digest of a version, when we made it, what a recurring run was made with, a run's id."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline; ``mark`` is ``None`` where it is not ours."""

    id: str
    name: str
    mark: Mark | None

    @classmethod
    def read(cls, thing: Mapping[str, Json]) -> Self:
        """From the server's answer. Servers before 2.5 have one name where later ones have two."""
        name = text(thing, "name") or text(thing, "display_name")
        return cls(text(thing, "pipeline_id"), name, read_mark(text(thing, "description")))


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a pipeline; ``created`` in milliseconds, of which the server knows the seconds."""

    id: str
    name: str
    created: int
    mark: Mark | None

    @classmethod
    def read(cls, thing: Mapping[str, Json]) -> Self:
        """From the server's answer."""
        return cls(
            id=text(thing, "pipeline_version_id"),
            name=text(thing, "name") or text(thing, "display_name"),
            created=milliseconds(text(thing, "created_at")),
            mark=read_mark(text(thing, "description")),
        )

    def bundle(self, wanted: Wanted) -> str:
        """The digest of what was compiled to it; empty where the version is not of this project and environment."""
        return self.mark.more.get(BUNDLE, "") if self.mark is not None and self.mark.is_of(wanted) else ""

    @property
    def age(self) -> tuple[int, int]:
        """Sorts versions by age; our own clock decides within a second of the server's."""
        at = self.mark.more.get(AT, "") if self.mark is not None else ""
        return self.created, int(at) if at.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Recurring:
    """A recurring run.

    Attributes:
        cron: as the server has it; empty for a trigger of another kind.
        most: how many of its runs may overlap.
        version: the id of the pipeline version that it starts.
        bounded: it has a first or a last day.
    """

    id: str
    name: str
    created: int
    mark: Mark | None
    cron: str
    paused: bool
    most: int
    version: str
    experiment: str
    catches_up: bool
    bounded: bool
    service_account: str = ""
    pipeline_root: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def read(cls, thing: Mapping[str, Json]) -> Self:
        """From the server's answer."""
        schedule = inner(thing, "trigger", "cron_schedule")
        most = str(thing.get("max_concurrency") or "0")
        return cls(
            id=text(thing, "recurring_run_id"),
            name=text(thing, "display_name"),
            created=milliseconds(text(thing, "created_at")),
            mark=read_mark(text(thing, "description")),
            cron=text(schedule, "cron"),
            paused=text(thing, "status") != "ENABLED",
            most=int(most) if most.isdecimal() else 0,
            version=text(inner(thing, "pipeline_version_reference"), "pipeline_version_id"),
            experiment=text(thing, "experiment_id"),
            catches_up=thing.get("no_catchup") is not True,
            bounded=any(milliseconds(text(schedule, key)) > 0 for key in ("start_time", "end_time")),
            service_account=text(thing, "service_account"),
            pipeline_root=text(inner(thing, "runtime_config"), "pipeline_root"),
            parameters=inner(thing, "runtime_config", "parameters"),
        )


def text(thing: Mapping[str, Json], key: str) -> str:
    """A text in an answer; empty where it is left out, as the server does with empty ones."""
    value = thing.get(key)
    return value if isinstance(value, str) else ""


def inner(thing: Mapping[str, Json], *keys: str) -> Mapping[str, Json]:
    """A mapping within an answer; empty where it is left out."""
    for key in keys:
        value = thing.get(key)
        thing = value if isinstance(value, Mapping) else {}
    return thing


def listed(thing: Mapping[str, Json], key: str) -> tuple[Mapping[str, Json], ...]:
    """The mappings of a list in an answer; none where it is left out."""
    value = thing.get(key)
    return tuple(one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()


def milliseconds(time: str) -> int:
    """A time of the server since the epoch; 0 for none."""
    try:
        return int(datetime.fromisoformat(time).timestamp() * 1000)
    except ValueError:
        return 0
