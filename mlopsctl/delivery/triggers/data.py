"""The data trigger: due when a dataset's source holds something else than the last run read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.refresh import source_digests
from mlopsctl.delivery.triggers.past import Past
from mlopsctl.delivery.triggers.value import Decision, State, of_ms, shown
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.sources.files import FileSource
from mlopsctl.triggers import DataTrigger


def decide_data(trigger: DataTrigger, loaded: Loaded, pipeline: Pipeline, past: Past, now: datetime) -> Decision:
    """Decide from the source as it is and the digests that the last run recorded.

    ``every``: within that time after a run began the source is not asked.

    Raises:
        Problem: when the source cannot be read.
    """
    ingest = next(step for step in pipeline.steps if step.id == f"ingest-{trigger.dataset}")
    run = next((run for run in past.whole() if ingest.id in past.of(run)), None)
    following = None if trigger.every is None else now + timedelta(seconds=trigger.every)
    if run is None:
        source_digests(loaded, loaded.project.data[trigger.dataset], past.stores.home / "digests")
        return Decision(State.DUE, f"no run has read {trigger.dataset} yet", following)
    again = None if trigger.every is None else of_ms(run.started) + timedelta(seconds=trigger.every)
    if again is not None and now < again:
        return Decision(State.WAITING, f"run {run.id} read it; the next look is at {shown(again)}", again)
    found, _ = source_digests(loaded, loaded.project.data[trigger.dataset], past.stores.home / "digests")
    record = past.of(run)[ingest.id]
    if _recorded(ingest, record.material) == {path: found[name] for path, name in ingest.sources.items()}:
        return Decision(State.WAITING, f"it is what run {run.id} read", following)
    return _by_rows(trigger, loaded, record, following)


def _by_rows(trigger: DataTrigger, loaded: Loaded, record: ExecutionRecord, following: datetime | None) -> Decision:
    changed = f"it is no longer what run {record.run} read"
    before = record.notes.get("rows")
    if trigger.min_new_rows <= 1 or not isinstance(before, int):
        return Decision(State.DUE, changed, following)
    rows = _rows(loaded, trigger.dataset)
    if rows is None:
        told = f"{changed}; its rows are counted in the run"
        return Decision(State.DUE, told, following)
    state = State.DUE if rows - before >= trigger.min_new_rows else State.WAITING
    told = f"{changed}: {rows} rows, {rows - before:+} since then, of {trigger.min_new_rows} that are asked for"
    return Decision(state, told, following)


def _rows(loaded: Loaded, name: str) -> int | None:
    """The rows of a dataset in files of this machine, its filter applied; ``None`` for another source."""
    from mlopsctl.tables.engine import opened
    from mlopsctl.tables.filter import filtered

    dataset = loaded.project.data[name]
    source = dataset.source
    if not isinstance(source, FileSource) or source.remote:
        return None
    with opened(reads=source.files(loaded.folder)) as connection:
        scan = source.scan(connection, loaded.folder)
        query = scan.query
        if dataset.filter is not None:
            query = filtered(connection, query, dataset.filter, [column.name for column in scan.columns])
        row = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return None if row is None else int(row[0])


def _recorded(step: Step, material: Json) -> dict[str, Json]:
    """The digests of outside data that an execution was recorded with, by the parameter that names them."""
    parameters = material.get("parameters") if isinstance(material, Mapping) else None
    return {path: _at(parameters, path) for path in step.sources}


def _at(value: Json, path: str) -> Json:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
