"""Our own tables beside those of ML Metadata, all named ``mlopsctl_…``: look-ups, release state and intents.

What happened stands in the tables of :mod:`mlopsctl.metadata.mlmd`. ``step_cache`` and ``latest_step`` only find it
quickly; ``document`` holds JSON once, however many executions share it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

# The newest revision in ``migrations/versions``; a change of a table here needs the next one there.
VERSION = 2

TABLES = MetaData()

# version: of these tables. lineage: the name of this database, made with it.
ABOUT = Table(
    "mlopsctl_about", TABLES, Column("name", String(32), primary_key=True), Column("value", Text, nullable=False)
)

# The revision, as Alembic keeps it; the same number as the version above.
REVISION = Table("mlopsctl_alembic", TABLES, Column("version_num", String(32), primary_key=True))

# The newest successful execution of a step key.
STEP_CACHE = Table(
    "mlopsctl_step_cache",
    TABLES,
    Column("key", String(255), primary_key=True),
    Column("execution_id", Integer, nullable=False),
)

# The newest execution of a step, in an environment, that left outputs.
LATEST_STEP = Table(
    "mlopsctl_latest_step",
    TABLES,
    Column("project", String(255), primary_key=True),
    Column("environment", String(255), primary_key=True),
    Column("step", String(255), primary_key=True),
    Column("execution_id", Integer, nullable=False),
)

DOCUMENT = Table(
    "mlopsctl_document", TABLES, Column("digest", String(71), primary_key=True), Column("body", Text, nullable=False)
)

# Release state. token: grows with each lease; serial: grows with each write. lease_until: milliseconds since the epoch
# by the server's clock, null where nobody holds the lease or a kernel lock says so (SQLite).
ENVIRONMENT = Table(
    "mlopsctl_environment",
    TABLES,
    Column("project", String(255), primary_key=True),
    Column("environment", String(255), primary_key=True),
    Column("serial", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    Column("gates", Text, nullable=False),
    Column("hold", Text, nullable=False),
    Column("lease_until", BigInteger),
)

# Every release of an environment. left_at: the serial at which it stopped being current, null for the current one.
RELEASE = Table(
    "mlopsctl_release",
    TABLES,
    Column("project", String(255), primary_key=True),
    Column("environment", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("left_at", Integer),
    Column("withdrawn", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)

INTENT = Table(
    "mlopsctl_intent",
    TABLES,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("project", String(255), nullable=False),
    Column("environment", String(255), nullable=False),
    Column("key", String(255), nullable=False),
    Column("kind", String(255), nullable=False),
    Column("payload", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("done", Boolean, nullable=False),
    UniqueConstraint("project", "environment", "key"),
    Index("idx_mlopsctl_intent_open", "project", "environment", "done"),
    sqlite_autoincrement=True,
)
