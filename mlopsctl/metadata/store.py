"""The metadata store: what ran, in which run, from which artifacts, and what it left.

The tables are those of ML Metadata (:mod:`mlopsctl.metadata.mlmd`) with a few of our own beside them
(:mod:`mlopsctl.metadata.tables`). What a method acknowledged by returning survives a kill and a power loss.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, delete, insert, select

from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.files import sync_folder
from mlopsctl.metadata import executions, runs
from mlopsctl.metadata.address import database_at
from mlopsctl.metadata.database import Database
from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.metadata.runs import Place
from mlopsctl.metadata.schema import prepare
from mlopsctl.metadata.tables import LATEST_STEP, STEP_CACHE
from mlopsctl.metadata.text import chunks
from mlopsctl.step.task import StepState


def open_store(address: str) -> MetadataStore:
    """Open the store at a path or URL (``sqlite:///``, ``postgresql+psycopg://``), making the tables that are missing.

    Raises:
        Problem: when it cannot be opened, is not a metadata store, is damaged, or was written by a later version.
    """
    database = database_at(address)
    path = database.backend.path
    new = path is not None and _make_room(path)
    try:
        lineage = prepare(database)
    except BaseException:
        database.close()
        raise
    if new and path is not None:
        sync_folder(path.parent)
    return MetadataStore(database, lineage)


def _make_room(path: Path) -> bool:
    """Make the folder of a database file; whether the file is yet to be made."""
    new = not path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MetadataProblem.because(
            "metadata-unavailable",
            f"the folder {str(path.parent)!r} for the metadata store cannot be made: {error.strerror}",
            hint="check its permissions; stores.metadata in mlops.yaml says where it is",
        ) from error
    return new


class MetadataStore:
    """An open store. Threads may share it; a forked child opens its own. Every method may raise ``Problem``."""

    def __init__(self, database: Database, lineage: str) -> None:
        self.database = database
        self.lineage = lineage

    def __enter__(self) -> MetadataStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def begin_run(self, run: RunRecord) -> None:
        """Record that a run started. Its id must be new."""
        with self.database.writing() as connection:
            runs.begin(connection, run)

    def finish_run(self, id: str, state: str, exit_code: int | None, finished: int) -> None:
        """Record how a run ended (``finished``: milliseconds since the epoch)."""
        with self.database.writing() as connection:
            context = runs.context_of(connection, id)
            if context is None:
                raise runs.unknown(id)
            runs.finish(connection, [context], state, exit_code, finished)

    def tell_cause(self, id: str, cause: str) -> None:
        """Add what started a run, where that is not recorded; nothing for a run that was never begun."""
        with self.database.writing() as connection:
            runs.tell_cause(connection, id, cause)

    def record(self, records: Sequence[ExecutionRecord]) -> None:
        """Record executions of begun runs in one transaction: all of them or none."""
        if not records:
            return
        with self.database.writing() as connection:
            places = runs.places(connection, sorted({record.run for record in records}))
            ids = executions.write(connection, records, places)
            _index_keys(connection, ids, records)
            _index_steps(connection, ids, records, places)

    def cached(self, keys: Collection[str]) -> Mapping[str, ExecutionRecord]:
        """The newest successful execution of each key that has one, with all its outputs."""
        with self.database.reading() as connection:
            found: dict[str, int] = {}
            for some in chunks(keys):
                query = select(STEP_CACHE.c.key, STEP_CACHE.c.execution_id).where(STEP_CACHE.c.key.in_(some))
                found.update(dict(connection.execute(query).all()))
            by_id = executions.read(connection, list(found.values()))
        return {key: by_id[id] for key, id in found.items()}

    def executions_of_key(self, key: str) -> list[ExecutionRecord]:
        """Every execution of a step key, whatever came of it, newest first."""
        with self.database.reading() as connection:
            return list(executions.read(connection, executions.of_key(connection, key)).values())

    def latest(self, project: str, environment: str) -> Mapping[str, ExecutionRecord]:
        """The newest execution of each step that left outputs (success or cached), by step id."""
        table = LATEST_STEP
        with self.database.reading() as connection:
            query = select(table.c.step, table.c.execution_id).where(
                table.c.project == project, table.c.environment == environment
            )
            found: dict[str, int] = dict(connection.execute(query).all())
            by_id = executions.read(connection, list(found.values()))
        return {step: by_id[id] for step, id in found.items()}

    def runs(self, project: str, environment: str | None = None, limit: int = 20) -> list[RunRecord]:
        """The newest runs first, of one environment or of all."""
        with self.database.reading() as connection:
            return runs.newest(connection, project, environment, limit)

    def run(self, id: str) -> RunRecord | None:
        """The run of that id, if there is one."""
        with self.database.reading() as connection:
            context = runs.context_of(connection, id)
            return None if context is None else runs.read(connection, [context])[0]

    def executions(self, run_id: str) -> list[ExecutionRecord]:
        """The executions of a run in the order they were recorded; none for an unknown run."""
        with self.database.reading() as connection:
            context = runs.context_of(connection, run_id)
            ids = [] if context is None else executions.of_run(connection, context)
            return list(executions.read(connection, ids).values())

    def steps(self, run_id: str) -> tuple[str, ...]:
        """The ids of the steps that a run has executions of; cheaper than the executions themselves."""
        with self.database.reading() as connection:
            context = runs.context_of(connection, run_id)
            return () if context is None else executions.step_names(connection, context)

    def sweep_dead_runs(self, project: str, environment: str, except_run: str = "") -> tuple[str, ...]:
        """Mark the runs that a killed process left ``running`` as canceled and return their ids.

        Only the holder of the environment's lease may call this: then no other run can be alive.
        """
        with self.database.writing() as connection:
            left = runs.read(connection, runs.running(connection, project, environment))
            dead = [run.id for run in left if run.id != except_run]
            contexts = [context for run in dead if (context := runs.context_of(connection, run)) is not None]
            runs.finish(connection, contexts, "canceled", None, now_ms())
        return tuple(dead)


def _index_keys(connection: Connection, ids: Sequence[int], records: Sequence[ExecutionRecord]) -> None:
    """Successes become what the cache finds for their key."""
    newest = {
        record.key: id
        for id, record in zip(ids, records, strict=True)
        if record.state is StepState.SUCCESS and record.key
    }
    for some in chunks(newest):
        connection.execute(delete(STEP_CACHE).where(STEP_CACHE.c.key.in_(some)))
    if newest:
        connection.execute(insert(STEP_CACHE), [{"key": key, "execution_id": id} for key, id in newest.items()])


def _index_steps(
    connection: Connection, ids: Sequence[int], records: Sequence[ExecutionRecord], places: Mapping[str, Place]
) -> None:
    """What left outputs becomes the step's latest in its environment."""
    newest: dict[tuple[str, str], dict[str, int]] = {}
    for id, record in zip(ids, records, strict=True):
        if record.state in (StepState.SUCCESS, StepState.CACHED):
            place = places[record.run]
            newest.setdefault((place.project, place.environment), {})[record.step] = id
    table = LATEST_STEP
    for (project, environment), steps in newest.items():
        for some in chunks(steps):
            mine = (table.c.project == project, table.c.environment == environment)
            connection.execute(delete(table).where(*mine, table.c.step.in_(some)))
        rows = [
            {"project": project, "environment": environment, "step": step, "execution_id": id}
            for step, id in steps.items()
        ]
        connection.execute(insert(table), rows)
