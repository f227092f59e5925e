"""Bringing an older database up to date with Alembic, in one transaction and alone.

A SQLite file is copied first. Alembic is imported here only, so that opening what is up to date costs nothing.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, update

from mlopsctl.ground.log import log_for
from mlopsctl.metadata import tables
from mlopsctl.metadata.database import Database

SCRIPTS = Path(__file__).parent / "migrations"

_log = log_for("metadata")


def migrate(database: Database) -> None:
    """Apply the revisions that the database lacks; a second process that wanted the same finds nothing to do.

    Raises:
        Problem: when it cannot be written, or its file cannot be copied; it is then as it was.
    """
    with database.writing() as connection:
        before = version_of(connection)
        if before == tables.VERSION:
            return
        _keep_a_copy(database, before)
        apply(connection, before, tables.VERSION)
        about = tables.ABOUT
        connection.execute(update(about).where(about.c.name == "version").values(value=str(tables.VERSION)))
    _log.warning("the metadata store was migrated", store=database.url, before=before, now=tables.VERSION)


def version_of(connection: Connection) -> int:
    """The revision of the tables."""
    about = tables.ABOUT
    return int(connection.execute(select(about.c.value).where(about.c.name == "version")).scalar_one())


def apply(connection: Connection, before: int, after: int) -> None:
    """Run the scripts of the revisions after ``before`` up to ``after``, inside the connection's transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    if before and not inspect(connection).has_table(tables.REVISION.name):
        tables.REVISION.create(connection)
        connection.execute(insert(tables.REVISION), [{"version_num": str(before)}])
    with EnvironmentContext(config, scripts, fn=lambda at, _: scripts._upgrade_revs(str(after), at)) as environment:
        environment.configure(connection=connection, version_table=tables.REVISION.name, transactional_ddl=True)
        environment.run_migrations()


def _keep_a_copy(database: Database, version: int) -> None:
    path = database.backend.path
    if path is not None:
        from mlopsctl.metadata.sqlite import backup

        backup(path, path.with_name(f"{path.name}.v{version}.backup"))
