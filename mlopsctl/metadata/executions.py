"""Executions, their artifacts and the events between them: writing many at once, reading many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, insert, literal, select

from mlopsctl.ground.errors import Problem
from mlopsctl.metadata import events, properties
from mlopsctl.metadata.mlmd import ASSOCIATION, ATTRIBUTION, EXECUTION, EXECUTION_PROPERTY, TYPE, TypeKind, beginning
from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.metadata.runs import Place
from mlopsctl.metadata.tables import DOCUMENT
from mlopsctl.metadata.text import chunks, document_digest, dump, load, name, prose
from mlopsctl.metadata.vocabulary import STATES, type_ids
from mlopsctl.step.task import StepState


def write(connection: Connection, records: Sequence[ExecutionRecord], places: Mapping[str, Place]) -> list[int]:
    """Add executions with everything around them; returns their ids in the same order.

    Raises:
        Problem: for an attempt of a step that its run has recorded already.
    """
    ids = _write_executions(connection, records)
    artifacts = events.write_artifacts(connection, records)
    materials = _write_materials(connection, records)
    rows = [
        row
        for id, record, material in zip(ids, records, materials, strict=True)
        for row in properties.rows("execution_id", id, _properties(record, material))
    ]
    properties.write(connection, EXECUTION_PROPERTY, rows)
    events.write_events(connection, ids, records, artifacts)
    _write_contexts(connection, ids, records, artifacts, places)
    return ids


def read(connection: Connection, ids: Sequence[int]) -> dict[int, ExecutionRecord]:
    """The executions of these ids."""
    found: dict[int, ExecutionRecord] = {}
    for some in chunks(ids):
        values = properties.read(connection, EXECUTION_PROPERTY, some)
        wires = events.read_events(connection, some)
        materials = _read_materials(connection, {owner.text("material") for owner in values.values()})
        columns = (
            EXECUTION.c.id,
            TYPE.c.name,
            EXECUTION.c.create_time_since_epoch,
            EXECUTION.c.last_update_time_since_epoch,
        )
        query = select(*columns).join(TYPE, TYPE.c.id == EXECUTION.c.type_id).where(EXECUTION.c.id.in_(some))
        for id, component, started, finished in connection.execute(query):
            head = _Head(component, started, finished, materials.get(values[id].text("material"), "null"))
            found[id] = _record(head, values[id], wires[id])
    return {id: found[id] for id in ids if id in found}


def of_run(connection: Connection, context: int) -> list[int]:
    """The ids of a run's executions, in the order they were recorded."""
    query = select(ASSOCIATION.c.execution_id).where(ASSOCIATION.c.context_id == context)
    return sorted(connection.execute(query).scalars().all())


def step_names(connection: Connection, context: int) -> tuple[str, ...]:
    """The steps that a run has executions of, each once, in the order they were recorded."""
    table = EXECUTION_PROPERTY
    query = (
        select(table.c.string_value)
        .join(ASSOCIATION, ASSOCIATION.c.execution_id == table.c.execution_id)
        .where(ASSOCIATION.c.context_id == context, table.c.name == "step", table.c.is_custom_property == 0)
        .order_by(table.c.execution_id)
    )
    return tuple(dict.fromkeys(connection.execute(query).scalars()))


def of_key(connection: Connection, key: str) -> list[int]:
    """The ids of all executions of a step key, newest first."""
    table = EXECUTION_PROPERTY
    query = select(table.c.execution_id).where(
        table.c.name == "key", table.c.is_custom_property == 0, table.c.string_value == key
    )
    if connection.dialect.name == "postgresql":
        query = query.where(beginning(table.c.string_value) == beginning(literal(key)))
    return sorted(connection.execute(query).scalars().all(), reverse=True)


def _write_executions(connection: Connection, records: Sequence[ExecutionRecord]) -> list[int]:
    types = type_ids(connection, TypeKind.EXECUTION, (name(record.component) for record in records))
    names = [f"{name(record.run)}/{name(record.step)}/{record.attempt}" for record in records]
    for some in chunks(names):
        taken = connection.execute(select(EXECUTION.c.name).where(EXECUTION.c.name.in_(some)).limit(1)).scalar()
        if taken is not None:
            raise _twice(taken)
    if len(set(names)) != len(names):
        raise _twice(next(one for one in names if names.count(one) > 1))
    rows = [
        {
            "type_id": types[record.component],
            "last_known_state": STATES[record.state].value,
            "name": own,
            "create_time_since_epoch": record.started,
            "last_update_time_since_epoch": record.finished,
        }
        for own, record in zip(names, records, strict=True)
    ]
    made = connection.execute(insert(EXECUTION).returning(EXECUTION.c.name, EXECUTION.c.id), rows)
    by_name: dict[str, int] = dict(made.all())
    return [by_name[own] for own in names]


def _twice(execution: str) -> Problem:
    return MetadataProblem.because(
        "execution-exists", f"the execution {execution!r} (run/step/attempt) is recorded already"
    )


def _write_materials(connection: Connection, records: Sequence[ExecutionRecord]) -> list[str]:
    """Keep what each key was computed from, equal ones once; returns the name of each record's document."""
    bodies = [dump(record.material) for record in records]
    digests = [document_digest(body) for body in bodies]
    missing = dict(zip(digests, bodies, strict=True))
    for some in chunks(digests):
        for known in connection.execute(select(DOCUMENT.c.digest).where(DOCUMENT.c.digest.in_(some))).scalars():
            missing.pop(known, None)
    if missing:
        connection.execute(insert(DOCUMENT), [{"digest": key, "body": body} for key, body in missing.items()])
    return digests


def _read_materials(connection: Connection, digests: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(digests):
        rows = connection.execute(select(DOCUMENT.c.digest, DOCUMENT.c.body).where(DOCUMENT.c.digest.in_(some)))
        found.update(dict(rows.all()))
    return found


def _write_contexts(
    connection: Connection,
    ids: Sequence[int],
    records: Sequence[ExecutionRecord],
    artifacts: Mapping[tuple[str, str], int],
    places: Mapping[str, Place],
) -> None:
    """Executions belong to their run and environment, and what they left belongs there too."""
    associations: dict[int, set[int]] = defaultdict(set)
    attributions: dict[int, set[int]] = defaultdict(set)
    for id, record in zip(ids, records, strict=True):
        place = places[record.run]
        outputs = {artifacts[artifact.type.value, artifact.digest] for artifact in record.outputs.values()}
        for context in (place.run, place.environment_context):
            associations[context].add(id)
            attributions[context] |= outputs
    _write_edges(connection, ASSOCIATION, "execution_id", associations, known=False)
    _write_edges(connection, ATTRIBUTION, "artifact_id", attributions, known=True)


def _write_edges(connection: Connection, table: Table, to: str, edges: Mapping[int, set[int]], *, known: bool) -> None:
    """Add edges from contexts; ``known`` when some may exist already."""
    rows = []
    for context, wanted in edges.items():
        new = set(wanted)
        for some in chunks(wanted) if known else ():
            query = select(table.c[to]).where(table.c.context_id == context, table.c[to].in_(some))
            new.difference_update(connection.execute(query).scalars())
        rows += [{"context_id": context, to: id} for id in sorted(new)]
    if rows:
        connection.execute(insert(table), rows)


@dataclass(frozen=True, slots=True)
class _Head:
    component: str
    started: int
    finished: int
    material: str


def _properties(record: ExecutionRecord, material: str) -> dict[str, properties.Value | None]:
    return {
        "run": record.run,
        "step": record.step,
        "attempt": record.attempt,
        "state": record.state.value,
        "key": prose(record.key),
        "material": material,
        "state_inputs": dump(record.state_inputs) if record.state_inputs else None,
        "notes": dump(record.notes) if record.notes else None,
        "line": prose(record.line),
        "problem": prose(record.problem),
        "hint": prose(record.hint),
        "log": prose(record.log),
    }


def _record(head: _Head, values: properties.Properties, wires: events.Wires) -> ExecutionRecord:
    state_inputs = load(values.text("state_inputs") or "{}")
    notes = load(values.text("notes") or "{}")
    return ExecutionRecord(
        run=values.text("run"),
        step=values.text("step"),
        component=head.component,
        state=StepState(values.text("state")),
        key=values.text("key"),
        material=load(head.material),
        started=head.started,
        finished=head.finished,
        attempt=values.number("attempt") or 1,
        inputs=wires.inputs,
        outputs=wires.outputs,
        state_inputs={key: str(value) for key, value in state_inputs.items()} if isinstance(state_inputs, dict) else {},
        notes=notes if isinstance(notes, dict) else {},
        line=values.text("line"),
        problem=values.text("problem"),
        hint=values.text("hint"),
        log=values.text("log"),
    )
