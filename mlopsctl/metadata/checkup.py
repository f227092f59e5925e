"""Looking at the whole metadata store: the file itself, references between rows, look-ups, documents, release state."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Column, Connection, Exists, Table, delete, func, select

from mlopsctl.ground.flaw import Flaw
from mlopsctl.metadata import mlmd, tables
from mlopsctl.metadata.records import Release
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.text import document_digest

_RESTORE = "restore a backup of the metadata store; `mlopsctl` itself cannot have written this"
_HEALS = "`mlopsctl fsck --repair` removes the look-up; the steps run again"

_LOOK_UPS: tuple[tuple[Table, str], ...] = ((tables.STEP_CACHE, "execution_id"), (tables.LATEST_STEP, "execution_id"))
_REFERENCES: tuple[tuple[Table, str, Table], ...] = (
    (mlmd.EVENT, "execution_id", mlmd.EXECUTION),
    (mlmd.EVENT, "artifact_id", mlmd.ARTIFACT),
    (mlmd.EVENT_PATH, "event_id", mlmd.EVENT),
    (mlmd.ASSOCIATION, "context_id", mlmd.CONTEXT),
    (mlmd.ASSOCIATION, "execution_id", mlmd.EXECUTION),
    (mlmd.ATTRIBUTION, "context_id", mlmd.CONTEXT),
    (mlmd.ATTRIBUTION, "artifact_id", mlmd.ARTIFACT),
    (mlmd.PARENT_CONTEXT, "context_id", mlmd.CONTEXT),
    (mlmd.PARENT_CONTEXT, "parent_context_id", mlmd.CONTEXT),
    (mlmd.EXECUTION_PROPERTY, "execution_id", mlmd.EXECUTION),
    (mlmd.CONTEXT_PROPERTY, "context_id", mlmd.CONTEXT),
    (mlmd.ARTIFACT_PROPERTY, "artifact_id", mlmd.ARTIFACT),
    (mlmd.ARTIFACT, "type_id", mlmd.TYPE),
    (mlmd.EXECUTION, "type_id", mlmd.TYPE),
    (mlmd.CONTEXT, "type_id", mlmd.TYPE),
)


def check(store: MetadataStore, *, repair: bool = False) -> Iterator[Flaw]:
    """Every flaw of the database. With ``repair`` look-ups that lead nowhere are removed; nothing else is touched."""
    with store.database.reading() as connection:
        flaws = [*_file(connection), *_references(connection), *_documents(connection), *_states(connection)]
        loose = {table: _dangling(connection, table.c[column], mlmd.EXECUTION) for table, column in _LOOK_UPS}
    yield from flaws
    if repair and any(loose.values()):
        with store.database.writing() as connection:
            for table, column in _LOOK_UPS:
                connection.execute(delete(table).where(~_there(table.c[column], mlmd.EXECUTION)))
    for table, count in loose.items():
        if count:
            yield Flaw(
                "dangling-look-up", f"{count} rows of {table.name} name executions that are not there", _HEALS, repair
            )


def _file(connection: Connection) -> Iterator[Flaw]:
    if connection.dialect.name != "sqlite":
        return
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if said != "ok":
            yield Flaw("damaged-database", f"SQLite says of the metadata store: {said}", "restore a backup of the file")


def _references(connection: Connection) -> Iterator[Flaw]:
    for table, column, target in _REFERENCES:
        count = _dangling(connection, table.c[column], target)
        if count:
            message = f"{count} rows of {table.name} name a {column} that is not in {target.name}"
            yield Flaw("dangling-reference", message, _RESTORE)


def _documents(connection: Connection) -> Iterator[Flaw]:
    table = tables.DOCUMENT
    for digest, body in connection.execute(select(table.c.digest, table.c.body)):
        if document_digest(body) != digest:
            yield Flaw("changed-document", f"the document {digest} is not what its name says", _RESTORE)


def _states(connection: Connection) -> Iterator[Flaw]:
    """Releases count from 1 without gaps, at most one is current, and none was left in the future."""
    table = tables.RELEASE
    rows: dict[tuple[str, str], list[tuple[int, int | None, str]]] = {}
    for row in connection.execute(select(table).order_by(table.c.number)):
        rows.setdefault((row.project, row.environment), []).append((row.number, row.left_at, row.body))
    environment = tables.ENVIRONMENT
    serials = {(row.project, row.environment): row.serial for row in connection.execute(select(environment))}
    for place, releases in rows.items():
        for wrong in _wrong(releases, serials.get(place)):
            yield Flaw("broken-state", f"the release state of {place[1]!r} of {place[0]!r}: {wrong}", _RESTORE)
    for row in connection.execute(select(environment)):
        if not _is_json(row.gates):
            message = f"the release state of {row.environment!r} of {row.project!r}: its gates are not JSON"
            yield Flaw("broken-state", message, _RESTORE)


def _wrong(releases: list[tuple[int, int | None, str]], serial: int | None) -> Iterator[str]:
    if serial is None:
        yield "it has releases and no state"
        return
    numbers = [number for number, _, _ in releases]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"its releases are numbered {', '.join(map(str, numbers))}"
    current = [number for number, left, _ in releases if left is None]
    if len(current) > 1:
        yield f"the releases {', '.join(map(str, current))} are all current"
    if any(left is not None and left > serial for _, left, _ in releases):
        yield "a release was left after the newest change"
    for number, _, body in releases:
        try:
            named = Release(**json.loads(body)).number
        except (ValueError, TypeError):
            yield f"release {number} cannot be read"
        else:
            if named != number:
                yield f"release {number} says that it is {named}"


def _dangling(connection: Connection, column: Column[int], target: Table) -> int:
    """How many rows name something that is not there."""
    query = select(func.count()).select_from(column.table).where(~_there(column, target))
    return int(connection.execute(query).scalar_one())


def _there(column: Column[int], target: Table) -> Exists:
    other = target.alias()
    return select(other.c.id).where(other.c.id == column).exists()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
