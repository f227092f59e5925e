"""What is kept below the pipeline root: every deployed version's file, and which of them is deployed.

Vertex AI has no object for a pipeline. ``mlopsctl/<name>/<digest>.yaml`` is a version, written once, and
``mlopsctl/<name>/deployed.json`` says which one is deployed, whose it is, and how its schedules were left.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from mlopsctl.ground.digest import canonical_json
from mlopsctl.ground.errors import Locked, StepProblem
from mlopsctl.objects.content import Content
from mlopsctl.objects.contract import Objects, Stored
from mlopsctl.objects.opening import open_objects
from mlopsctl.orchestrators.contract import Wanted

MARKER = "deployed.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Left:
    """How a schedule was left.

    Attributes:
        id: its resource name.
        version: the digest of the bundle that it starts.
        asked: the digest of what was asked for.
        content: the digest of the job as Vertex AI gave it back.
    """

    id: str
    version: str
    asked: str
    content: str


@dataclass(frozen=True, slots=True)
class Marker:
    """What ``deployed.json`` says.

    Attributes:
        schedules: by name.
    """

    project: str
    environment: str
    version: str = ""
    schedules: Mapping[str, Left] = field(default_factory=dict)

    def is_of(self, wanted: Wanted) -> bool:
        """Whether it is this project's in this environment."""
        return (self.project, self.environment) == (wanted.project, wanted.environment)


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of one pipeline.

    Raises:
        ObjectsUnavailable: from every function, when Cloud Storage cannot be asked.
    """

    place: Objects

    @classmethod
    def of(cls, pipeline_root: str, wanted: Wanted) -> Kept:
        """Where they are; nothing is asked yet."""
        return cls(open_objects(f"{pipeline_root.rstrip('/')}/mlopsctl/{wanted.name}"))

    def marker(self) -> tuple[Marker | None, Stored | None]:
        """What is deployed, with what :meth:`mark` must find unchanged.

        Raises:
            StepProblem: when the file is there and is none of ours.
        """
        seen = self.place.about(MARKER)
        if seen is None:
            return None, None
        held = io.BytesIO()
        try:
            self.place.download(MARKER, held, seen.version)
        except FileNotFoundError as error:
            raise self._overtaken() from error
        return self._parsed(held.getvalue()), seen

    def keep(self, wanted: Wanted) -> bool:
        """Write a version's file; false when it is there already.

        Raises:
            StepProblem: when a file of that name holds something else.
        """
        name, content = _file(wanted), wanted.bundle.files[wanted.bundle.main]
        try:
            self.place.create(name, Content.of(content))
        except FileExistsError as error:
            held = io.BytesIO()
            self.place.download(name, held)
            if held.getvalue() != content:
                raise StepProblem.because(
                    "changed-version",
                    f"{self.place.uri(name)} holds something else than the version that it is named by",
                    hint="find out who changed it, remove it, and run the same command again",
                ) from error
            return False
        return True

    def mark(self, marker: Marker, seen: Stored | None) -> None:
        """Say what is deployed, in place of what was seen.

        Raises:
            Locked: when somebody else deploys at the same time.
        """
        schedules = {
            name: {"id": left.id, "version": left.version, "asked": left.asked, "content": left.content}
            for name, left in marker.schedules.items()
        }
        content = canonical_json(
            {
                "format": _FORMAT,
                "project": marker.project,
                "environment": marker.environment,
                "version": marker.version,
                "schedules": schedules,
            }
        )
        try:
            if seen is None:
                self.place.create(MARKER, Content.of(content))
            else:
                self.place.replace(MARKER, Content.of(content), seen)
        except FileExistsError as error:
            raise self._overtaken() from error

    def remove(self) -> int:
        """Remove every file, the marker last; how many."""
        names = [stored.name for stored in self.place.list("") if "/" not in stored.name]
        for name in sorted(names, key=lambda name: name == MARKER):
            self.place.remove(name)
        return len(names)

    def _parsed(self, content: bytes) -> Marker:
        try:
            read = _Marker.model_validate_json(content)
        except ValidationError as error:
            raise StepProblem.because(
                "bad-marker",
                f"{self.place.uri(MARKER)} is not a file of this version of mlopsctl",
                hint="use the version that wrote it, or set `orchestrator.pipeline_root` to another place",
            ) from error
        schedules = {
            name: Left(left.id, left.version, left.asked, left.content) for name, left in read.schedules.items()
        }
        return Marker(read.project, read.environment, read.version, schedules)

    def _overtaken(self) -> Locked:
        return Locked.because(
            "deployed-elsewhere",
            f"somebody else changed {self.place.uri(MARKER)} meanwhile",
            hint="wait for the other apply, and run the same command again",
        )


def _file(wanted: Wanted) -> str:
    return f"{wanted.bundle.digest.rpartition(':')[2]}.yaml"


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class _Left(_Wire):
    id: str
    version: str
    asked: str
    content: str


class _Marker(_Wire):
    format: int
    project: str
    environment: str
    version: str
    schedules: dict[str, _Left]
