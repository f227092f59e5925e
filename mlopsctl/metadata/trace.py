"""Looking things up in what happened: runs and artifacts by the beginning of a name, who made and who read what.

Every function reads one consistent view and takes no lock, so it works while an apply writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from mlopsctl.metadata import executions, properties, runs
from mlopsctl.metadata.mlmd import (
    ARTIFACT,
    ASSOCIATION,
    CONTEXT,
    CONTEXT_PROPERTY,
    EVENT,
    EXECUTION,
    EXECUTION_PROPERTY,
    TYPE,
    EventKind,
    ExecutionState,
    TypeKind,
)
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, RunRecord
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.text import chunks
from mlopsctl.metadata.vocabulary import ENVIRONMENT, RUN
from mlopsctl.pipeline.ir import ArtifactType

_AT_ONCE = 20
_LEFT_OUTPUTS = (ExecutionState.COMPLETE.value, ExecutionState.CACHED.value)


@dataclass(frozen=True, slots=True)
class Tally:
    """How the steps of a run ended.

    Attributes:
        steps: how many there are.
        ran, reused: how many left something, by themselves or from an earlier run.
        failed_attempts: also those that a later attempt made good.
        judged: whether a gate was asked.
        said: what the evaluation said in one line; empty without one.
    """

    steps: int = 0
    ran: int = 0
    reused: int = 0
    failed_attempts: int = 0
    judged: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True)
class Touch:
    """An execution that made or read an artifact, in few words; ``id`` finds the whole record and grows with time."""

    id: int
    run: str
    step: str
    key: str
    reused: bool


def runs_that_begin(store: MetadataStore, project: str, prefix: str, limit: int = 10) -> list[RunRecord]:
    """The runs of a project whose id begins so, newest first."""
    with store.database.reading() as connection:
        query = (
            select(CONTEXT.c.id)
            .join(TYPE, TYPE.c.id == CONTEXT.c.type_id)
            .join(CONTEXT_PROPERTY, CONTEXT_PROPERTY.c.context_id == CONTEXT.c.id)
            .where(TYPE.c.name == RUN, TYPE.c.type_kind == TypeKind.CONTEXT.value)
            .where(CONTEXT.c.name.startswith(prefix, autoescape=True))
            .where(CONTEXT_PROPERTY.c.name == "project", CONTEXT_PROPERTY.c.string_value == project)
            .order_by(CONTEXT.c.id.desc())
            .limit(limit)
        )
        return runs.read(connection, connection.execute(query).scalars().all())


def runs_of(store: MetadataStore, ids: Collection[str]) -> Mapping[str, RunRecord]:
    """The runs of these ids, as far as there are such."""
    found: dict[str, RunRecord] = {}
    with store.database.reading() as connection:
        for some in chunks(ids):
            contexts = connection.execute(_contexts(RUN).where(CONTEXT.c.name.in_(some))).all()
            found.update({run.id: run for run in runs.read(connection, [row.id for row in contexts])})
    return found


def environments(store: MetadataStore, project: str) -> tuple[str, ...]:
    """The environments in which a project was ever run."""
    with store.database.reading() as connection:
        query = _contexts(ENVIRONMENT).where(CONTEXT.c.name.startswith(f"{project}/", autoescape=True))
        rows = connection.execute(query.order_by(CONTEXT.c.id)).all()
    return tuple(row.name.removeprefix(f"{project}/") for row in rows)


def tallies(store: MetadataStore, ids: Collection[str]) -> Mapping[str, Tally]:
    """How the steps of each run ended; a few queries, however many steps there are."""
    found: dict[str, Tally] = {}
    with store.database.reading() as connection:
        types = _execution_types(connection, ("evaluate", "gate"))
        for some in chunks(ids):
            names = {row.id: row.name for row in connection.execute(_contexts(RUN).where(CONTEXT.c.name.in_(some)))}
            counted: dict[int, list[_Counted]] = defaultdict(list)
            for row in connection.execute(_counted(list(names), types)):
                counted[row[0]].append(_Counted(*row[1:]))
            evaluations = {id: max((c.evaluate for c in counted[id] if c.evaluate), default=0) for id in names}
            values = properties.read(connection, EXECUTION_PROPERTY, filter(None, evaluations.values()))
            for context, name in names.items():
                by_state = {one.state: one.count for one in counted[context]}
                found[name] = Tally(
                    steps=sum(one.first for one in counted[context]),
                    ran=by_state.get(ExecutionState.COMPLETE, 0),
                    reused=by_state.get(ExecutionState.CACHED, 0),
                    failed_attempts=by_state.get(ExecutionState.FAILED, 0),
                    judged=any(one.gate for one in counted[context]),
                    said=values[evaluations[context]].text("line") if evaluations[context] else "",
                )
    return found


def artifacts_that_begin(store: MetadataStore, prefix: str, limit: int = 10) -> list[ArtifactRecord]:
    """The artifacts whose digest begins so."""
    with store.database.reading() as connection:
        query = (
            select(ARTIFACT.c.name, TYPE.c.name, ARTIFACT.c.uri)
            .join(TYPE, TYPE.c.id == ARTIFACT.c.type_id)
            .where(ARTIFACT.c.name.startswith(prefix, autoescape=True))
            .order_by(ARTIFACT.c.id)
            .limit(limit)
        )
        return [
            ArtifactRecord(digest, ArtifactType(kind), uri or "") for digest, kind, uri in connection.execute(query)
        ]


def makers(store: MetadataStore, digests: Collection[str]) -> Mapping[str, Sequence[Touch]]:
    """Who left each artifact, by running or by reusing, oldest first."""
    return _touches(store, digests, EventKind.OUTPUT)


def readers(store: MetadataStore, digests: Collection[str]) -> Mapping[str, Sequence[Touch]]:
    """Who read each artifact and left something, by running or by reusing, oldest first."""
    return _touches(store, digests, EventKind.INPUT)


def inputs_of(store: MetadataStore, ids: Collection[int]) -> Mapping[int, Sequence[str]]:
    """The digests of what executions read, by their ids."""
    return _wires(store, ids, EventKind.INPUT)


def outputs_of(store: MetadataStore, ids: Collection[int]) -> Mapping[int, Sequence[str]]:
    """The digests of what executions left, by their ids."""
    return _wires(store, ids, EventKind.OUTPUT)


def records(store: MetadataStore, ids: Sequence[int]) -> Mapping[int, ExecutionRecord]:
    """The whole records of touches."""
    with store.database.reading() as connection:
        return executions.read(connection, list(ids))


def before(store: MetadataStore, run: RunRecord, step: str, limit: int = 20) -> list[ExecutionRecord]:
    """The executions of a step in the run's environment before that run, newest first."""
    with store.database.reading() as connection:
        context = runs.context_of(connection, run.id)
        known = [] if context is None else executions.of_run(connection, context)
        query = _of_step(run.project, run.environment, step).limit(limit)
        if known:
            query = query.where(EXECUTION_PROPERTY.c.execution_id < min(known))
        found = executions.read(connection, list(connection.execute(query).scalars()))
    return [record for record in found.values() if record.run != run.id]


def of_step(store: MetadataStore, project: str, environment: str, step: str) -> Iterator[ExecutionRecord]:
    """Every execution of a step in an environment, newest first, read some at a time as they are asked for."""
    with store.database.reading() as connection:
        ids = list(connection.execute(_of_step(project, environment, step)).scalars())
    for start in range(0, len(ids), _AT_ONCE):
        yield from records(store, ids[start : start + _AT_ONCE]).values()


def _of_step(project: str, environment: str, step: str) -> Select[int]:
    """The ids of a step's executions in an environment, newest first."""
    place = _contexts(ENVIRONMENT).where(CONTEXT.c.name == f"{project}/{environment}").with_only_columns(CONTEXT.c.id)
    table = EXECUTION_PROPERTY
    return (
        select(table.c.execution_id)
        .join(ASSOCIATION, ASSOCIATION.c.execution_id == table.c.execution_id)
        .where(ASSOCIATION.c.context_id.in_(place))
        .where(table.c.name == "step", table.c.is_custom_property == 0, table.c.string_value == step)
        .order_by(table.c.execution_id.desc())
    )


def _contexts(kind: str) -> Select[int, str]:
    """Id and name of the contexts of a type."""
    return (
        select(CONTEXT.c.id, CONTEXT.c.name)
        .join(TYPE, TYPE.c.id == CONTEXT.c.type_id)
        .where(TYPE.c.name == kind, TYPE.c.type_kind == TypeKind.CONTEXT.value)
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """The executions of a run in one state: how many, how many first attempts, the newest of two components."""

    state: int
    count: int
    first: int
    evaluate: int | None
    gate: int | None


def _counted(contexts: Sequence[int], types: Mapping[str, int]) -> Select[int, int, int, int, int, int]:
    """One pass over the executions of the runs, for each run and state; names are ``run/step/attempt``."""

    def newest(component: str) -> ColumnElement[int]:
        return func.max(case((EXECUTION.c.type_id == types.get(component, -1), EXECUTION.c.id)))

    first = func.sum(case((EXECUTION.c.name.like("%/1"), 1), else_=0))
    state = EXECUTION.c.last_known_state
    return (
        select(ASSOCIATION.c.context_id, state, func.count(), first, newest("evaluate"), newest("gate"))
        .join(EXECUTION, EXECUTION.c.id == ASSOCIATION.c.execution_id)
        .where(ASSOCIATION.c.context_id.in_(contexts))
        .group_by(ASSOCIATION.c.context_id, state)
    )


def _execution_types(connection: Connection, components: Collection[str]) -> dict[str, int]:
    query = select(TYPE.c.name, TYPE.c.id).where(
        TYPE.c.type_kind == TypeKind.EXECUTION.value, TYPE.c.version.is_(None), TYPE.c.name.in_(components)
    )
    return dict(connection.execute(query).all())


def _touches(store: MetadataStore, digests: Collection[str], way: EventKind) -> Mapping[str, Sequence[Touch]]:
    found: dict[str, list[Touch]] = defaultdict(list)
    with store.database.reading() as connection:
        kinds = select(TYPE.c.id).where(TYPE.c.type_kind == TypeKind.ARTIFACT.value)
        types = list(connection.execute(kinds).scalars())
        for some in chunks(digests):
            # Artifacts are found by type and name together; by name alone every event would be looked at.
            query = select(ARTIFACT.c.id, ARTIFACT.c.name).where(
                ARTIFACT.c.type_id.in_(types), ARTIFACT.c.name.in_(some)
            )
            artifacts: dict[int, str] = dict(connection.execute(query).all())
            edges = connection.execute(_edges(artifacts, way)).all()
            keys = _keys(connection, {row[0] for row in edges})
            for id, name, artifact, state in edges:
                run, step, _ = name.split("/")
                reused = state == ExecutionState.CACHED.value
                found[artifacts[artifact]].append(Touch(id, run, step, keys.get(id, ""), reused))
    return found


def _edges(artifacts: Collection[int], way: EventKind) -> Select[int, str, int, int]:
    return (
        select(EXECUTION.c.id, EXECUTION.c.name, EVENT.c.artifact_id, EXECUTION.c.last_known_state)
        .join(EVENT, EVENT.c.execution_id == EXECUTION.c.id)
        .where(EVENT.c.artifact_id.in_(artifacts), EVENT.c.type == way.value)
        .where(EXECUTION.c.last_known_state.in_(_LEFT_OUTPUTS))
        .order_by(EXECUTION.c.id)
    )


def _wires(store: MetadataStore, ids: Collection[int], way: EventKind) -> Mapping[int, Sequence[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    with store.database.reading() as connection:
        for some in chunks(ids):
            query = (
                select(EVENT.c.execution_id, ARTIFACT.c.name)
                .join(ARTIFACT, ARTIFACT.c.id == EVENT.c.artifact_id)
                .where(EVENT.c.execution_id.in_(some), EVENT.c.type == way.value)
                .order_by(EVENT.c.id)
            )
            for id, digest in connection.execute(query):
                found[id].append(digest)
    return found


def _keys(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """The keys of executions; only what a walk needs, for an artifact can have thousands of readers."""
    table = EXECUTION_PROPERTY
    found: dict[int, str] = {}
    for some in chunks(ids):
        query = select(table.c.execution_id, table.c.string_value).where(
            table.c.execution_id.in_(some), table.c.is_custom_property == 0, table.c.name == "key"
        )
        found.update(dict(connection.execute(query).all()))
    return found
