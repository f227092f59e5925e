"""Lineage: from data, code and commit to what serves, and back, over what the metadata store recorded.

Artifacts and executions are the nodes. A reused result counts as the execution that made it, so the walk is the same
whether a step ran in a run or was reused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.answers.find import places
from mlopsctl.delivery.answers.subject import Subject, find_subject
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.digest import PREFIX, Json
from mlopsctl.ground.errors import Problem
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, Release
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.trace import Touch, makers, readers, records, runs_of
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
        above = walk_up(metadata, subject) if up else ()
        below = walk_down(metadata, subject, above) if down else ()
        models = {a.digest for a in (*subject.artifacts, *_left(below))}
        return Lineage(
            subject=subject,
            origins=_origins(place.loaded, above),
            up=above,
            down=below,
            served=tuple(_served(place.loaded, place.stores, models, below, subject)) if down else (),
        )


def walk_up(metadata: MetadataStore, subject: Subject) -> tuple[Made, ...]:
    """The steps that made the subject, and those that made what they read, back to the data."""
    return _walk(metadata, subject, makers, lambda record: record.inputs.values(), _one_maker)


def walk_down(metadata: MetadataStore, subject: Subject, above: Collection[Made] = ()) -> tuple[Made, ...]:
    """The steps that read the subject, and those that read what they left, down to releases; without those above."""
    known = {made.id for made in above}
    below = _walk(metadata, subject, readers, lambda record: record.outputs.values(), _each_reader)
    return tuple(made for made in below if made.id not in known)


_Look = Callable[[MetadataStore, Collection[str]], Mapping[str, Sequence[Touch]]]
_Choose = Callable[[Sequence[Touch], str], Iterable[Touch]]


def _walk(
    metadata: MetadataStore,
    subject: Subject,
    look: _Look,
    onward: Callable[[ExecutionRecord], Iterable[ArtifactRecord]],
    choose: _Choose,
) -> tuple[Made, ...]:
    """Level by level, with a few queries for each level, until nothing new is met."""
    seen: set[str] = set()
    found: dict[int, ExecutionRecord] = {}
    level = {artifact.digest for artifact in subject.artifacts}
    while level:
        seen |= level
        touched = look(metadata, sorted(level))
        wanted = {touch.id for touches in touched.values() for touch in choose(touches, subject.run)} - found.keys()
        new = records(metadata, sorted(wanted))
        found.update(new)
        level = {artifact.digest for record in new.values() for artifact in onward(record)} - seen
    runs = runs_of(metadata, {record.run for record in found.values()})
    made = []
    for id, record in sorted(found.items()):
        run = runs.get(record.run)
        git = (run.git.commit, run.git.dirty) if run is not None else ("", False)
        made.append(Made(id, record, run.environment if run is not None else "", *git))
    return tuple(made)


def _one_maker(touches: Sequence[Touch], run: str) -> Iterable[Touch]:
    """One maker for each step: that of the run in question, else the one whose result it reused, else the first."""
    by_step: dict[str, list[Touch]] = {}
    for touch in touches:
        by_step.setdefault(touch.step, []).append(touch)
    for mine in by_step.values():
        yield next((touch for touch in mine if touch.run == run), mine[0])


def _each_reader(touches: Sequence[Touch], run: str) -> Iterable[Touch]:
    """One reader for each step and key: the run in question's, else the first; the same step done twice is one."""
    by_key: dict[tuple[str, str], list[Touch]] = {}
    for touch in touches:
        by_key.setdefault((touch.step, touch.key or str(touch.id)), []).append(touch)
    for mine in by_key.values():
        yield next((touch for touch in mine if touch.run == run), mine[0])


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
    runs = stores.metadata.runs(project, None, limit=10_000)
    for environment in dict.fromkeys((loaded.environment, *(run.environment for run in runs))):
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
