"""Lineage: from data, code and commit to what serves, and back, over what the metadata store recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.answers.find import places
from mlopsctl.delivery.answers.subject import Subject, find_subject
from mlopsctl.delivery.answers.walk import Touched, walk_down, walk_up
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.digest import PREFIX, Json
from mlopsctl.ground.errors import Problem
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, Release
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.trace import environments, records, runs_of
from mlopsctl.servers.local import LocalServer


@dataclass(frozen=True, slots=True)
class Made:
    """A step that ran: what it read and left, and the commit of its run (empty outside git)."""

    id: int
    record: ExecutionRecord
    environment: str
    commit: str
    dirty: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """What a step read from outside the stores: ``data`` or ``code``, its name and its digest."""

    kind: str
    name: str
    digest: str
    step: str


@dataclass(frozen=True, slots=True)
class Served:
    """Where a model came to: a version in the registry, a release of an environment, or a server."""

    kind: str
    name: str
    detail: str
    model: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where the subject comes from and what it led to; steps in the order in which they ran."""

    subject: Subject
    origins: tuple[Origin, ...]
    up: tuple[Made, ...]
    down: tuple[Made, ...]
    served: tuple[Served, ...]

    @property
    def commits(self) -> tuple[str, ...]:
        """The commits from which the steps above ran, oldest first; one with uncommitted changes ends with ``*``."""
        return tuple(dict.fromkeys(made.commit + "*" * made.dirty for made in self.up if made.commit))


def trace(folder: Path, environment: str | None, what: str, *, up: bool = True, down: bool = True) -> Lineage:
    """The lineage of what a text names; see :func:`~mlopsctl.delivery.answers.subject.find_subject`.

    Raises:
        UsageProblem: when nothing has that name, or several things have.
    """
    with places(folder, environment) as found:
        place, subject = find_subject(found, what)
        metadata = place.stores.metadata
        touched = Touched(metadata)
        start = touched.start(subject)
        above = _read(metadata, walk_up(touched, start)) if up else ()
        known = {made.id for made in above}
        below = _read(metadata, walk_down(touched, subject, start) - known) if down else ()
        models = {a.digest for a in (*subject.artifacts, *_left(below))}
        return Lineage(
            subject=subject,
            origins=_origins(place.loaded, above),
            up=above,
            down=below,
            served=tuple(_served(place.loaded, place.stores, models, below, subject)) if down else (),
        )


def _read(metadata: MetadataStore, ids: Collection[int]) -> tuple[Made, ...]:
    """The records of executions with the commits of their runs, in the order in which they ended."""
    found = records(metadata, sorted(ids))
    runs = runs_of(metadata, {record.run for record in found.values()})
    made = []
    for id, record in sorted(found.items()):
        run = runs.get(record.run)
        git = (run.git.commit, run.git.dirty) if run is not None else ("", False)
        made.append(Made(id, record, run.environment if run is not None else "", *git))
    return tuple(made)


def _left(found: Iterable[Made]) -> Iterable[ArtifactRecord]:
    return (artifact for made in found for artifact in made.record.outputs.values())


def _origins(loaded: Loaded, above: Sequence[Made]) -> tuple[Origin, ...]:
    """The data and the code that the steps above read; the names of data are those of the project as it is now."""
    try:
        sources = {step.id: step.sources for step in lower(loaded).pipeline.steps}
    except Problem:
        sources = {}
    found: dict[tuple[str, str, str], Origin] = {}
    for made in above:
        record = made.record
        material = record.material if isinstance(record.material, Mapping) else {}
        named = sources.get(record.step, {})
        for path, digest in _digests(material.get("parameters"), ()):
            origin = Origin("data", named.get(path, f"{record.step}: {path}"), digest, record.step)
            found.setdefault((origin.kind, origin.name, digest), origin)
        code = material.get("code")
        for file, value in code.items() if isinstance(code, Mapping) else ():
            found.setdefault(("code", file, str(value)), Origin("code", file, str(value), record.step))
    return tuple(sorted(found.values(), key=lambda origin: origin.kind, reverse=True))


def _digests(value: Json, path: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """The digests among parameters: data outside, in whose URI's place its digest stands."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _digests(item, (*path, key))
    elif isinstance(value, str) and value.startswith(PREFIX):
        yield ".".join(path), value


def _served(
    loaded: Loaded, stores: Stores, models: Collection[str], below: Sequence[Made], subject: Subject
) -> Iterable[Served]:
    """Versions, releases in every environment of this store, and the servers of this machine."""
    for made in below:
        notes = made.record.notes
        if made.record.component == "push" and notes.get("pushed") is True:
            model = made.record.inputs["model"].digest if "model" in made.record.inputs else ""
            yield Served("version", f"{notes.get('name')} v{notes.get('version')}", made.record.run, model)
    project = loaded.project.name
    for environment in dict.fromkeys((loaded.environment, *environments(stores.metadata, project))):
        state = stores.state.read(project, environment)
        for release in (*state.history, *((state.release,) if state.release is not None else ())):
            if release.model in models:
                yield Served(
                    "release", f"{environment} release {release.number}", _stands(release, state.release), release.model
                )
        server = LocalServer(stores.home / "serve" / environment).status()
        if server.running and server.digest in models:
            health = "healthy" if server.healthy else "does not answer"
            yield Served("server", f"{environment} {server.url}", health, server.digest)


def _stands(release: Release, current: Release | None) -> str:
    version = f"{release.registry_name} v{release.registry_version}"
    if current is not None and release.number == current.number:
        return f"{version}, the champion now"
    return f"{version}, rolled back" if release.withdrawn else f"{version}, replaced"
