"""Making the tables of a new database, bringing older ones up to date, and refusing what this version cannot read."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, insert, inspect, select

from mlopsctl.metadata import mlmd, tables
from mlopsctl.metadata.database import Database
from mlopsctl.metadata.problems import MetadataProblem, newer
from mlopsctl.metadata.vocabulary import simple_types


def prepare(database: Database) -> str:
    """Make what is missing, migrate what is older, and return the database's lineage.

    Raises:
        Problem: for a database of a later version, or one with tables of another program.
    """
    with database.reading() as connection:
        about = _about(connection, database.url)
    if about is None:
        with database.writing(first=True) as connection:
            return _create(connection, database)
    if about["version"] != str(tables.VERSION):
        from mlopsctl.metadata.migrate import migrate

        migrate(database)
    return about["lineage"]


def _about(connection: Connection, url: str) -> dict[str, str] | None:
    """What stands in the table about the others, checked; ``None`` in a database without our tables."""
    if not inspect(connection).has_table(tables.ABOUT.name):
        return None
    about: dict[str, str] = {row.name: row.value for row in connection.execute(select(tables.ABOUT))}
    version = about.get("version", "")
    if not version.isdecimal() or int(version) > tables.VERSION or "lineage" not in about:
        raise newer(url, f"tables of version {version}, this mlopsctl knows version {tables.VERSION}")
    _check_mlmd(connection, url)
    return about


def _check_mlmd(connection: Connection, url: str) -> None:
    versions = connection.execute(select(mlmd.MLMD_ENV.c.schema_version)).scalars().all()
    if any(version > mlmd.SCHEMA_VERSION for version in versions):
        raise newer(url, f"ML Metadata tables of version {max(versions)}, this mlopsctl knows {mlmd.SCHEMA_VERSION}")
    if list(versions) != [mlmd.SCHEMA_VERSION]:
        raise MetadataProblem.because(
            "metadata-older",
            f"the metadata store {url} has ML Metadata tables of version {versions}, not {mlmd.SCHEMA_VERSION}",
            hint="upgrade it with Google's ml-metadata client (enable_upgrade_migration), or use another database",
        )


def _create(connection: Connection, database: Database) -> str:
    """Our tables, and those of ML Metadata unless its own client made them first."""
    about = _about(connection, database.url)
    if about is not None:  # another process was faster
        return about["lineage"]
    known = {name.lower() for name in inspect(connection).get_table_names()}
    if mlmd.MLMD_ENV.name.lower() in known:
        _check_mlmd(connection, database.url)
        if database.backend.name == "postgresql":
            _widen(connection)
    elif known:
        raise MetadataProblem.because(
            "foreign-database",
            f"{database.url} is the database of another program (it has a table {min(known)!r})",
            hint="give stores.metadata a database of its own",
        )
    else:
        mlmd.TABLES.create_all(connection)
        connection.execute(insert(mlmd.MLMD_ENV), [{"schema_version": mlmd.SCHEMA_VERSION}])
        connection.execute(insert(mlmd.TYPE), simple_types())
    tables.TABLES.create_all(connection)
    lineage = str(uuid.uuid4())
    about = {"version": str(tables.VERSION), "lineage": lineage}
    connection.execute(insert(tables.ABOUT), [{"name": name, "value": value} for name, value in about.items()])
    connection.execute(insert(tables.REVISION), [{"version_num": str(tables.VERSION)}])
    return lineage


def _widen(connection: Connection) -> None:
    """Where the client's tables on PostgreSQL are too narrow: times as properties, and texts longer than an index."""
    for table in (mlmd.ARTIFACT_PROPERTY, mlmd.EXECUTION_PROPERTY, mlmd.CONTEXT_PROPERTY):
        index = mlmd.text_index(table)
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ALTER COLUMN int_value TYPE BIGINT")
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {index.name}")
        index.create(connection)
