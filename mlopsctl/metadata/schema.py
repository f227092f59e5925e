"""Making the tables of a new database, and refusing one that this version cannot understand."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, insert, inspect, select

from mlopsctl.metadata import mlmd, tables
from mlopsctl.metadata.database import Database
from mlopsctl.metadata.problems import MetadataProblem, newer
from mlopsctl.metadata.vocabulary import simple_types


def prepare(database: Database) -> str:
    """Make what is missing and return the database's lineage.

    Raises:
        Problem: for a database of a later version, or one with tables of another program.
    """
    with database.reading() as connection:
        known = set(inspect(connection).get_table_names())
        if tables.ABOUT.name in known:
            return _check(connection, database.url)
    with database.writing() as connection:
        return _create(connection, database.url)


def _check(connection: Connection, url: str) -> str:
    about: dict[str, str] = {row.name: row.value for row in connection.execute(select(tables.ABOUT))}
    if about.get("version") != str(tables.VERSION):
        raise newer(url, f"tables of version {about.get('version')}, this mlopsctl knows version {tables.VERSION}")
    _check_mlmd(connection, url)
    return about["lineage"]


def _check_mlmd(connection: Connection, url: str) -> None:
    versions = connection.execute(select(mlmd.MLMD_ENV.c.schema_version)).scalars().all()
    if any(version > mlmd.SCHEMA_VERSION for version in versions):
        raise newer(url, f"ML Metadata tables of version {max(versions)}, this mlopsctl knows {mlmd.SCHEMA_VERSION}")
    if list(versions) != [mlmd.SCHEMA_VERSION]:
        raise MetadataProblem.because(
            "metadata-older",
            f"the metadata store {url} has ML Metadata tables of version {versions}, not {mlmd.SCHEMA_VERSION}",
            hint="upgrade it with Google's ml-metadata client (enable_upgrade_migration), or use another file",
        )


def _create(connection: Connection, url: str) -> str:
    """Our tables, and those of ML Metadata unless its own client made them first."""
    known = set(inspect(connection).get_table_names())
    if tables.ABOUT.name in known:  # another process was faster
        return _check(connection, url)
    if mlmd.MLMD_ENV.name in known:
        _check_mlmd(connection, url)
    elif known:
        raise MetadataProblem.because(
            "foreign-database",
            f"{url} is the database of another program (it has a table {min(known)!r})",
            hint="give stores.metadata a file of its own",
        )
    else:
        mlmd.TABLES.create_all(connection)
        connection.execute(insert(mlmd.MLMD_ENV), [{"schema_version": mlmd.SCHEMA_VERSION}])
        connection.execute(insert(mlmd.TYPE), simple_types())
    tables.TABLES.create_all(connection)
    lineage = str(uuid.uuid4())
    about = {"version": str(tables.VERSION), "lineage": lineage}
    connection.execute(insert(tables.ABOUT), [{"name": name, "value": value} for name, value in about.items()])
    return lineage
