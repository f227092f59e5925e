"""The ledger of a run elsewhere: what came of each step, and its log, kept beside the artifacts.

``runs/<run>/<step>.<attempt>.begun`` says that an attempt has this number, ``….json`` is its record, which is written
last, and ``….log`` its output; ``runs/<run>/end.json`` is how the engine says that the run ended, and
``keys/ab/cdef….json`` the newest good record of a key. Steps write it wherever they run; whoever applies reads it back
into the metadata store. An attempt that began and has no record was killed, or still runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from mlopsctl.artifacts.blobs import KEYS, RUNS
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.digest import Json, canonical_json, digest_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepState

_ENDED_WELL = (StepState.SUCCESS, StepState.CACHED)
_ATTEMPT = re.compile(r"/(?P<step>[A-Za-z0-9][A-Za-z0-9_-]*)\.(?P<number>[1-9][0-9]{0,8})\.(?P<what>begun|json|log)")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, as its last task was told.

    Attributes:
        finished: milliseconds since 1970.
        id: the engine's own.
        notes: what that task could not do: record the run, or tell somebody.
    """

    state: Literal["success", "failed", "canceled"]
    finished: int
    id: str = ""
    message: str = ""
    notes: tuple[str, ...] = ()


def run_id(given: str, job: str) -> str:
    """The id of a run: the one it was given, else the last part of the engine's own.

    Raises:
        StepProblem: when neither can name a folder.
    """
    found = given or job.rpartition("/")[2]
    if not _RUN.fullmatch(found):
        raise StepProblem.because(
            "bad-run",
            f"the run has no usable id: {found!r}",
            hint="compile the pipeline anew; its tasks are given the run's id, or the engine's own id of the job",
        )
    return found


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that began: ``begun`` in milliseconds since 1970."""

    step: str
    attempt: int
    component: str
    begun: int


def begin_attempt(store: ArtifactStore, run: str, step: str, component: str, now: int) -> int:
    """The number of a new attempt, which nobody else has or will get; attempts count from 1."""
    number = 1 + max((number for found, number, _ in _attempts(store, run) if found == step), default=0)
    content = canonical_json({"component": component, "begun": now})
    while True:
        try:
            store.note(_name(run, step, number, "begun"), content, new=True)
        except FileExistsError:
            number += 1
        else:
            return number


def keep(store: ArtifactStore, record: ExecutionRecord, *, findable: bool = True, place: str = "") -> None:
    """Write an attempt's record; ``findable``: a good one may be taken again by whoever has its key.

    Args:
        place: where else than everywhere the key counts; see :func:`place_of`.
    """
    content = canonical_json(_json(record))
    store.note(_name(record.run, record.step, record.attempt, "json"), content)
    if findable and record.key and record.state is StepState.SUCCESS:
        store.note(_key_name(record.key, place), content)


def keep_log(store: ArtifactStore, run: str, step: str, attempt: int, output: bytes) -> str:
    """Write an attempt's output; the name it has there."""
    name = _name(run, step, attempt, "log")
    store.note(name, output)
    return name


def log_of(store: ArtifactStore, run: str, step: str, attempt: int) -> bytes | None:
    """An attempt's output; ``None`` where there is none."""
    return store.noted(_name(run, step, attempt, "log"))


def records(store: ArtifactStore, run: str) -> Iterator[ExecutionRecord]:
    """What is recorded of a run so far, by step, attempts in order."""
    for step, number, what in sorted(_attempts(store, run)):
        found = _parsed(store.noted(_name(run, step, number, "json"))) if what == "json" else None
        if found is not None and (found.run, found.step, found.attempt) == (run, step, number):
            yield found


def newest(store: ArtifactStore, run: str, steps: Collection[str]) -> dict[str, ExecutionRecord]:
    """The record of the last attempt of each of these steps, by step; without those that have none."""
    last: dict[str, int] = {}
    for step, number, what in _attempts(store, run):
        if what == "json" and step in steps:
            last[step] = max(number, last.get(step, 0))
    found = {step: _parsed(store.noted(_name(run, step, number, "json"))) for step, number in last.items()}
    return {step: record for step, record in found.items() if record is not None}


def silent(store: ArtifactStore, run: str) -> Iterator[Begun]:
    """The attempts that began and have no record."""
    found = set(_attempts(store, run))
    for step, number, what in sorted(found):
        if what == "begun" and (step, number, "json") not in found:
            read = _validated(_Begun, store.noted(_name(run, step, number, "begun")))
            if read is not None:
                yield Begun(step, number, read.component, read.begun)


def keep_end(store: ArtifactStore, run: str, ended: Ended) -> None:
    """Write how a run ended."""
    content = {name: getattr(ended, name) for name in ended.__dataclass_fields__}
    store.note(_end_name(run), canonical_json(content))


def end_of(store: ArtifactStore, run: str) -> Ended | None:
    """How a run ended; ``None`` while nobody has said so."""
    read = _validated(_End, store.noted(_end_name(run)))
    return None if read is None else Ended(**dict(read))


def place_of(project: str, environment: str) -> str:
    """Where a result counts that was compared with an environment's own state."""
    return digest_json("mlopsctl/place/v1", [project, environment])


def known(store: ArtifactStore, key: str, place: str = "") -> ExecutionRecord | None:
    """The newest good record of a key whose outputs are all there."""
    found = _parsed(store.noted(_key_name(key, place)))
    if found is None or found.key != key or found.state not in _ENDED_WELL:
        return None
    digests = {artifact.digest for artifact in found.outputs.values()}
    return found if store.has_many(digests) == digests else None


def again(record: ExecutionRecord, run: str, step: str, attempt: int, now: int) -> ExecutionRecord:
    """The record of a step that takes an earlier result."""
    state = StepState.CACHED
    return replace(record, run=run, step=step, state=state, started=now, finished=now, attempt=attempt, log="")


def _attempts(store: ArtifactStore, run: str) -> Iterator[tuple[str, int, str]]:
    """What there is of each attempt: its step, its number, and the kind of text."""
    folder = f"{RUNS}/{run}"
    for name in store.notes(folder):
        found = _ATTEMPT.fullmatch(name.removeprefix(folder))
        if found is not None:
            yield found["step"], int(found["number"]), found["what"]


def _name(run: str, step: str, attempt: int, what: str) -> str:
    return f"{RUNS}/{run}/{step}.{attempt}.{what}"


def _end_name(run: str) -> str:
    return f"{RUNS}/{run}/end.json"


def _key_name(key: str, place: str) -> str:
    name = digest_json("mlopsctl/key-in-place/v1", [key, place]) if place else key
    digits = name.rpartition(":")[2]
    return f"{KEYS}/{digits[:2]}/{digits[2:]}.json"


def _json(record: ExecutionRecord) -> dict[str, Json]:
    fields: dict[str, Json] = {name: getattr(record, name) for name in record.__dataclass_fields__}
    artifacts: dict[str, Json] = {"inputs": _artifacts(record.inputs), "outputs": _artifacts(record.outputs)}
    return {**fields, **artifacts, "state": record.state.value}


def _artifacts(found: Mapping[str, ArtifactRecord]) -> Json:
    return {name: {"digest": one.digest, "type": one.type.value, "uri": one.uri} for name, one in found.items()}


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class _Artifact(_Wire):
    digest: str
    type: ArtifactType
    uri: str


class _Record(_Wire):
    run: str
    step: str
    component: str
    state: StepState
    key: str
    material: JsonValue
    started: int
    finished: int
    attempt: int
    inputs: dict[str, _Artifact]
    outputs: dict[str, _Artifact]
    state_inputs: dict[str, str]
    notes: dict[str, JsonValue]
    line: str
    problem: str
    hint: str
    log: str


class _Begun(_Wire):
    component: str
    begun: int


class _End(_Wire):
    state: Literal["success", "failed", "canceled"]
    finished: int
    id: str
    message: str
    notes: tuple[str, ...]


_T = TypeVar("_T", bound=_Wire)


def _validated(kind: type[_T], content: bytes | None) -> _T | None:
    """The text as that kind; ``None`` where there is none, or it is something else."""
    try:
        return kind.model_validate_json(content) if content is not None else None
    except ValidationError:
        return None


def _parsed(content: bytes | None) -> ExecutionRecord | None:
    """The record; ``None`` where there is none, or the text is not one."""
    read = _validated(_Record, content)
    if read is None:
        return None
    artifacts = {
        side: {name: ArtifactRecord(one.digest, one.type, one.uri) for name, one in found.items()}
        for side, found in (("inputs", read.inputs), ("outputs", read.outputs))
    }
    return ExecutionRecord(**{**dict(read), **artifacts})
