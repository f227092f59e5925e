"""Runs as contexts of ML Metadata: ``Run`` in an ``Environment`` of a ``Project``, and of a ``Pipeline``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, delete, insert, select, update

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Problem
from mlopsctl.metadata import properties
from mlopsctl.metadata.mlmd import CONTEXT, CONTEXT_PROPERTY, PARENT_CONTEXT, TYPE, TypeKind
from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.records import GitInfo, RunRecord
from mlopsctl.metadata.text import chunks, dump, load, name, prose
from mlopsctl.metadata.vocabulary import ENVIRONMENT, PIPELINE, PROJECT, RUN, type_ids

CAUSE = "cause"
"""The custom property of a run that says what started it, besides a person."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run's executions belong: ids of its contexts, and their names."""

    run: int
    environment_context: int
    project: str
    environment: str


def begin(connection: Connection, run: RunRecord) -> None:
    """Add a run and, where they are new, its project, environment and pipeline.

    Raises:
        Problem: when there is a run of that id.
    """
    types = type_ids(connection, TypeKind.CONTEXT, (PROJECT, ENVIRONMENT, PIPELINE, RUN))
    project, environment = name(run.project), name(run.environment)
    if _context(connection, types[RUN], name(run.id)) is not None:
        raise MetadataProblem.because("run-exists", f"a run {run.id!r} is recorded already")

    above = _ensure(connection, types[PROJECT], project, run.started, {}, parents=())
    where = {"project": project, "environment": environment}
    place = _ensure(connection, types[ENVIRONMENT], f"{project}/{environment}", run.started, where, parents=(above,))
    what = {"project": project, "pipeline_digest": prose(run.pipeline_digest)}
    pipeline = _ensure(
        connection, types[PIPELINE], f"{project}/{prose(run.pipeline_digest)}", run.started, what, parents=(above,)
    )
    made = _ensure(connection, types[RUN], run.id, run.started, _run_properties(run), parents=(place, pipeline))
    _tell(connection, made, run.cause)


def finish(connection: Connection, ids: Sequence[int], state: str, exit_code: int | None, finished: int) -> None:
    """Close runs, given by the ids of their contexts."""
    changed = {"state": state, "exit_code": exit_code, "finished": finished}
    table = CONTEXT_PROPERTY
    for some in chunks(ids):
        connection.execute(delete(table).where(table.c.context_id.in_(some), table.c.name.in_(list(changed))))
        rows = [row for id in some for row in properties.rows("context_id", id, changed)]
        properties.write(connection, table, rows)
        connection.execute(update(CONTEXT).where(CONTEXT.c.id.in_(some)).values(last_update_time_since_epoch=finished))


def tell_cause(connection: Connection, run: str, cause: str) -> None:
    """Add what started a run, where that is not recorded."""
    context = context_of(connection, run)
    if context is None:
        return
    known = properties.read(connection, CONTEXT_PROPERTY, [context], custom=True)
    if context not in known or not known[context].text(CAUSE):
        _tell(connection, context, cause)


def context_of(connection: Connection, run: str) -> int | None:
    """The id of a run's context."""
    types = _type_ids_read(connection)
    return _context(connection, types[RUN], run) if RUN in types else None


def unknown(run: str) -> Problem:
    """A run that was never begun."""
    return MetadataProblem.because("unknown-run", f"there is no run {run!r} in the metadata store")


def places(connection: Connection, runs: Iterable[str]) -> dict[str, Place]:
    """Where each run belongs.

    Raises:
        Problem: for a run that was never begun.
    """
    types = _type_ids_read(connection)
    found: dict[str, Place] = {}
    for run in runs:
        context = _context(connection, types.get(RUN, -1), run)
        if context is None:
            raise unknown(run)
        values = properties.read(connection, CONTEXT_PROPERTY, [context])[context]
        project, environment = values.text("project"), values.text("environment")
        above = _context(connection, types[ENVIRONMENT], f"{project}/{environment}")
        found[run] = Place(context, above if above is not None else context, project, environment)
    return found


def newest(connection: Connection, project: str, environment: str | None, limit: int) -> list[RunRecord]:
    """The newest runs first."""
    query = _runs_of(connection, project, environment).order_by(CONTEXT.c.id.desc()).limit(limit)
    return read(connection, connection.execute(query).scalars().all())


def running(connection: Connection, project: str, environment: str) -> list[int]:
    """The contexts of runs that are not finished."""
    state = CONTEXT_PROPERTY
    query = (
        _runs_of(connection, project, environment)
        .join(state, state.c.context_id == CONTEXT.c.id)
        .where(state.c.name == "state", state.c.string_value == "running")
    )
    return list(connection.execute(query).scalars().all())


def read(connection: Connection, ids: Sequence[int]) -> list[RunRecord]:
    """The runs of these contexts, in their order."""
    columns = (CONTEXT.c.id, CONTEXT.c.name, CONTEXT.c.create_time_since_epoch)
    heads: dict[int, tuple[str, int]] = {}
    for some in chunks(ids):
        for id, run, started in connection.execute(select(*columns).where(CONTEXT.c.id.in_(some))):
            heads[id] = (run, started)
    values = properties.read(connection, CONTEXT_PROPERTY, ids)
    causes = properties.read(connection, CONTEXT_PROPERTY, ids, custom=True)
    return [_record(*heads[id], values[id], causes[id].text(CAUSE)) for id in ids if id in heads]


def _runs_of(connection: Connection, project: str, environment: str | None) -> Select[int]:
    """The ids of a project's runs, in one environment or all: its children's children in the graph of contexts."""
    types = _type_ids_read(connection)
    above, parent = PARENT_CONTEXT, CONTEXT.alias()
    query = (
        select(CONTEXT.c.id)
        .join(above, above.c.context_id == CONTEXT.c.id)
        .join(parent, parent.c.id == above.c.parent_context_id)
        .where(CONTEXT.c.type_id == types.get(RUN, -1), parent.c.type_id == types.get(ENVIRONMENT, -1))
    )
    if environment is not None:
        return query.where(parent.c.name == f"{project}/{environment}")
    over, grand = PARENT_CONTEXT.alias(), CONTEXT.alias()
    return (
        query.join(over, over.c.context_id == parent.c.id)
        .join(grand, grand.c.id == over.c.parent_context_id)
        .where(grand.c.type_id == types.get(PROJECT, -1), grand.c.name == project)
    )


def _type_ids_read(connection: Connection) -> dict[str, int]:
    query = select(TYPE.c.name, TYPE.c.id).where(
        TYPE.c.type_kind == TypeKind.CONTEXT.value,
        TYPE.c.version.is_(None),
        TYPE.c.name.in_((PROJECT, ENVIRONMENT, PIPELINE, RUN)),
    )
    return {row.name: row.id for row in connection.execute(query)}


def _context(connection: Connection, type_id: int, context: str) -> int | None:
    query = select(CONTEXT.c.id).where(CONTEXT.c.type_id == type_id, CONTEXT.c.name == context)
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found


def _ensure(
    connection: Connection,
    type_id: int,
    context: str,
    created: int,
    values: Mapping[str, properties.Value | None],
    parents: tuple[int, ...],
) -> int:
    found = _context(connection, type_id, context)
    if found is not None:
        return found
    row = {"create_time_since_epoch": created, "last_update_time_since_epoch": created}
    made: int = connection.execute(
        insert(CONTEXT).values(type_id=type_id, name=context, **row).returning(CONTEXT.c.id)
    ).scalar_one()
    properties.write(connection, CONTEXT_PROPERTY, properties.rows("context_id", made, values))
    for parent in parents:
        connection.execute(insert(PARENT_CONTEXT).values(context_id=made, parent_context_id=parent))
    return made


def _tell(connection: Connection, context: int, cause: str) -> None:
    """Databases that are older than this property have a type of runs that does not name it."""
    told = properties.rows("context_id", context, {CAUSE: prose(cause)}, custom=True)
    properties.write(connection, CONTEXT_PROPERTY, told)


def _run_properties(run: RunRecord) -> dict[str, properties.Value | None]:
    return {
        "project": run.project,
        "environment": run.environment,
        "pipeline_digest": prose(run.pipeline_digest),
        "plan_digest": prose(run.plan_digest),
        "git_commit": prose(run.git.commit),
        "git_branch": prose(run.git.branch),
        "git_dirty": int(run.git.dirty),
        "tool_version": prose(run.tool_version),
        "parameters": dump(run.parameters),
        "state": name(run.state),
        "finished": run.finished,
        "exit_code": run.exit_code,
    }


def _record(run: str, started: int, values: properties.Properties, cause: str) -> RunRecord:
    parameters: Json = load(values.text("parameters") or "{}")
    return RunRecord(
        id=run,
        project=values.text("project"),
        environment=values.text("environment"),
        pipeline_digest=values.text("pipeline_digest"),
        plan_digest=values.text("plan_digest"),
        started=started,
        git=GitInfo(values.text("git_commit"), values.text("git_branch"), bool(values.number("git_dirty"))),
        tool_version=values.text("tool_version"),
        parameters=parameters if isinstance(parameters, dict) else {},
        finished=values.number("finished"),
        state=values.text("state"),
        exit_code=values.number("exit_code"),
        cause=cause,
    )
