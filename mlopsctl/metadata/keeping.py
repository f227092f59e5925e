"""Which artifacts the history still needs, which runs are pinned, and what is noted once an artifact is removed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from sqlalchemy import Column, Connection, Select, delete, insert, select, update

from mlopsctl.ground.clock import now_ms
from mlopsctl.metadata import properties, runs
from mlopsctl.metadata.mlmd import (
    ARTIFACT,
    ASSOCIATION,
    CONTEXT,
    CONTEXT_PROPERTY,
    EVENT,
    EXECUTION_PROPERTY,
    PARENT_CONTEXT,
    TYPE,
    ArtifactState,
    EventKind,
    TypeKind,
)
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.tables import LATEST_STEP, RELEASE, STEP_CACHE
from mlopsctl.metadata.text import chunks, load, prose
from mlopsctl.metadata.vocabulary import ENVIRONMENT, RUN

PINNED = "pinned"

T = TypeVar("T")


def known(store: MetadataStore) -> set[str]:
    """The digest of every artifact that was recorded and not removed since."""
    with store.database.reading() as connection:
        query = select(ARTIFACT.c.name).where(
            ARTIFACT.c.state == ArtifactState.LIVE.value, ARTIFACT.c.name.is_not(None)
        )
        return set(connection.execute(query).scalars())


def recorded(store: MetadataStore) -> set[str]:
    """The digest of every artifact that was ever recorded."""
    with store.database.reading() as connection:
        return set(connection.execute(select(ARTIFACT.c.name).where(ARTIFACT.c.name.is_not(None))).scalars())


def needed(store: MetadataStore, keep: int) -> set[str]:
    """The digests of the artifacts that stay.

    These are what was read or left by an execution of a kept run, or by the newest one of a step, with what it was
    compared with; and what a release names, now or in the history. Kept are, in each environment, the ``keep`` newest
    runs, the newest that succeeded, those that run, those that are pinned, and the run of the current release.
    """
    with store.database.reading() as connection:
        contexts = _kept_runs(connection, keep)
        executions = set(connection.execute(select(LATEST_STEP.c.execution_id)).scalars())
        executions |= _in(connection, select(ASSOCIATION.c.execution_id), ASSOCIATION.c.context_id, contexts)
        artifacts = _in(connection, select(EVENT.c.artifact_id), EVENT.c.execution_id, executions)
        digests: set[str] = _in(connection, select(ARTIFACT.c.name), ARTIFACT.c.id, artifacts)
        return digests | _compared_with(connection, executions) | _released(connection)


def forget(store: MetadataStore, digests: Collection[str]) -> None:
    """Note that artifacts are removed: no step is taken as done because of them, and nobody looks for them."""
    with store.database.writing() as connection:
        for some in chunks(sorted(digests)):
            mine = ARTIFACT.c.name.in_(some)
            made = (
                select(EVENT.c.execution_id)
                .join(ARTIFACT, ARTIFACT.c.id == EVENT.c.artifact_id)
                .where(mine, EVENT.c.type == EventKind.OUTPUT.value)
            )
            connection.execute(delete(STEP_CACHE).where(STEP_CACHE.c.execution_id.in_(made)))
            connection.execute(
                update(ARTIFACT)
                .where(mine)
                .values(state=ArtifactState.DELETED.value, last_update_time_since_epoch=now_ms())
            )


def pin(store: MetadataStore, run: str, reason: str) -> None:
    """Keep a run's artifacts until it is unpinned.

    Raises:
        Problem: when there is no such run.
    """
    with store.database.writing() as connection:
        context = _unpinned(connection, run)
        row = {
            "context_id": context,
            "name": PINNED,
            "is_custom_property": 1,
            "string_value": prose(reason) or "pinned",
        }
        connection.execute(insert(CONTEXT_PROPERTY).values(**row))


def unpin(store: MetadataStore, run: str) -> None:
    """Let a run's artifacts go when their time comes.

    Raises:
        Problem: when there is no such run.
    """
    with store.database.writing() as connection:
        _unpinned(connection, run)


def pins(store: MetadataStore) -> Mapping[str, str]:
    """The pinned runs, with why."""
    table = CONTEXT_PROPERTY
    with store.database.reading() as connection:
        query = (
            select(CONTEXT.c.name, table.c.string_value)
            .join(CONTEXT, CONTEXT.c.id == table.c.context_id)
            .where(table.c.name == PINNED, table.c.is_custom_property == 1)
            .order_by(CONTEXT.c.id)
        )
        return {run: str(reason or "") for run, reason in connection.execute(query)}


def _unpinned(connection: Connection, run: str) -> int:
    context = runs.context_of(connection, run)
    if context is None:
        raise runs.unknown(run)
    table = CONTEXT_PROPERTY
    mine = (table.c.context_id == context, table.c.name == PINNED, table.c.is_custom_property == 1)
    connection.execute(delete(table).where(*mine))
    return context


def _kept_runs(connection: Connection, keep: int) -> set[int]:
    types = {
        row.name: row.id
        for row in connection.execute(
            select(TYPE.c.name, TYPE.c.id).where(
                TYPE.c.type_kind == TypeKind.CONTEXT.value, TYPE.c.name.in_((ENVIRONMENT, RUN))
            )
        )
    }
    parent = CONTEXT.alias()
    query = (
        select(PARENT_CONTEXT.c.parent_context_id, CONTEXT.c.id, CONTEXT.c.name)
        .join(CONTEXT, CONTEXT.c.id == PARENT_CONTEXT.c.context_id)
        .join(parent, parent.c.id == PARENT_CONTEXT.c.parent_context_id)
        .where(CONTEXT.c.type_id == types.get(RUN, -1), parent.c.type_id == types.get(ENVIRONMENT, -1))
        .order_by(CONTEXT.c.id.desc())
    )
    by_environment: dict[int, list[int]] = defaultdict(list)
    ids: dict[str, int] = {}
    for environment, id, run in connection.execute(query):
        by_environment[environment].append(id)
        ids[run] = id
    states = {
        id: found.text("state") for id, found in properties.read(connection, CONTEXT_PROPERTY, ids.values()).items()
    }
    kept = {id for id, state in states.items() if state == "running"}
    for newest_first in by_environment.values():
        kept.update(newest_first[:keep])
        kept.update([id for id in newest_first if states.get(id) == "success"][:1])
    table = CONTEXT_PROPERTY
    pinned = select(table.c.context_id).where(table.c.name == PINNED, table.c.is_custom_property == 1)
    kept.update(connection.execute(pinned).scalars())
    released = connection.execute(select(RELEASE.c.body).where(RELEASE.c.left_at.is_(None))).scalars()
    kept.update(ids[run] for body in released if (run := str(json.loads(body).get("run", ""))) in ids)
    return kept


def _compared_with(connection: Connection, executions: Collection[int]) -> set[str]:
    """What a plan pinned for these executions: the champion that a model had to beat."""
    table = EXECUTION_PROPERTY
    found: set[str] = set()
    for some in chunks(executions):
        query = select(table.c.string_value).where(table.c.execution_id.in_(some), table.c.name == "state_inputs")
        for text in connection.execute(query).scalars():
            pinned = load(text or "{}")
            found.update(str(digest) for digest in (pinned.values() if isinstance(pinned, dict) else ()))
    return found


def _released(connection: Connection) -> set[str]:
    bodies = (json.loads(body) for body in connection.execute(select(RELEASE.c.body)).scalars())
    return {str(body.get(name, "")) for body in bodies for name in ("model", "evaluation", "blessing")}


def _in(connection: Connection, query: Select[T], column: Column[int], values: Iterable[int]) -> set[T]:
    """What a query finds where a column has one of these values."""
    found: set[T] = set()
    for some in chunks(values):
        found.update(connection.execute(query.where(column.in_(some))).scalars())
    return found
