"""Artifacts and the events that tie them to executions: what was read, what was left, by which name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select, update

from mlopsctl.metadata.mlmd import ARTIFACT, EVENT, EVENT_PATH, TYPE, ArtifactState, EventKind, TypeKind
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.metadata.text import chunks, prose
from mlopsctl.metadata.vocabulary import type_ids
from mlopsctl.pipeline.ir import ArtifactType


@dataclass(slots=True)
class Wires:
    """The artifacts of one execution, by the names they went by."""

    inputs: dict[str, ArtifactRecord] = field(default_factory=dict)
    outputs: dict[str, ArtifactRecord] = field(default_factory=dict)


def write_artifacts(connection: Connection, records: Sequence[ExecutionRecord]) -> dict[tuple[str, str], int]:
    """The id of each artifact by type and digest; new ones are added, moved ones get their new place,
    removed ones live again."""
    wanted = {
        (artifact.type.value, artifact.digest): (artifact.uri, record.finished)
        for record in records
        for artifact in (*record.inputs.values(), *record.outputs.values())
    }
    types = type_ids(connection, TypeKind.ARTIFACT, (kind for kind, _ in wanted))
    kinds = {id: kind for kind, id in types.items()}
    found: dict[tuple[str, str], int] = {}
    columns = (ARTIFACT.c.id, ARTIFACT.c.type_id, ARTIFACT.c.name, ARTIFACT.c.uri, ARTIFACT.c.state)
    for digests in chunks(sorted({digest for _, digest in wanted})):
        for id, type_id, digest, uri, state in connection.execute(select(*columns).where(ARTIFACT.c.name.in_(digests))):
            artifact = (kinds.get(type_id, ""), digest)
            if artifact in wanted:
                found[artifact] = id
                now = {"uri": wanted[artifact][0], "state": ArtifactState.LIVE.value}
                if now != {"uri": uri, "state": state}:
                    connection.execute(update(ARTIFACT).where(ARTIFACT.c.id == id).values(**now))
    rows = [
        {
            "type_id": types[kind],
            "name": digest,
            "uri": uri,
            "state": ArtifactState.LIVE.value,
            "create_time_since_epoch": finished,
            "last_update_time_since_epoch": finished,
        }
        for (kind, digest), (uri, finished) in wanted.items()
        if (kind, digest) not in found
    ]
    if rows:
        made = connection.execute(insert(ARTIFACT).returning(ARTIFACT.c.type_id, ARTIFACT.c.name, ARTIFACT.c.id), rows)
        found |= {(kinds[type_id], digest): id for type_id, digest, id in made}
    return found


def write_events(
    connection: Connection,
    ids: Sequence[int],
    records: Sequence[ExecutionRecord],
    artifacts: Mapping[tuple[str, str], int],
) -> None:
    """One event for an artifact and an execution and a direction; its path lists the names it went by."""
    paths: dict[tuple[int, int, int], list[str]] = defaultdict(list)
    times: dict[int, int] = {}
    for id, record in zip(ids, records, strict=True):
        times[id] = record.finished
        for kind, wires in ((EventKind.INPUT, record.inputs), (EventKind.OUTPUT, record.outputs)):
            for wire, artifact in wires.items():
                paths[id, artifacts[artifact.type.value, artifact.digest], kind.value].append(prose(wire))
    if not paths:
        return
    rows = [
        {"execution_id": id, "artifact_id": artifact, "type": kind, "milliseconds_since_epoch": times[id]}
        for id, artifact, kind in paths
    ]
    made = connection.execute(
        insert(EVENT).returning(EVENT.c.execution_id, EVENT.c.artifact_id, EVENT.c.type, EVENT.c.id), rows
    )
    steps = [
        {"event_id": event, "is_index_step": 0, "step_key": wire}
        for id, artifact, kind, event in made
        for wire in paths[id, artifact, kind]
    ]
    connection.execute(insert(EVENT_PATH), steps)


def read_events(connection: Connection, ids: Sequence[int]) -> dict[int, Wires]:
    """The artifacts of each execution."""
    found: dict[int, Wires] = defaultdict(Wires)
    query = (
        select(EVENT.c.execution_id, EVENT.c.type, EVENT_PATH.c.step_key, ARTIFACT.c.name, ARTIFACT.c.uri, TYPE.c.name)
        .join(EVENT_PATH, EVENT_PATH.c.event_id == EVENT.c.id)
        .join(ARTIFACT, ARTIFACT.c.id == EVENT.c.artifact_id)
        .join(TYPE, TYPE.c.id == ARTIFACT.c.type_id)
        .where(EVENT.c.execution_id.in_(ids), EVENT_PATH.c.is_index_step == 0)
        .order_by(EVENT.c.id)
    )
    for id, kind, wire, digest, uri, type_name in connection.execute(query):
        wires = found[id].inputs if kind == EventKind.INPUT else found[id].outputs
        wires[wire] = ArtifactRecord(digest, ArtifactType(type_name), uri)
    return found
