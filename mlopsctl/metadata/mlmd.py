"""The tables of ML Metadata, schema version 10, as Google's ``ml-metadata`` client creates them.

Nine concepts: artifact type, artifact, execution type, execution, event, context type, context, attribution and
association. The client opens a database with these tables and reads and writes it; see ``docs/metadata.md``.

On PostgreSQL the client's names are lower case and some of its types are others. Two things differ from it there: a
property's integer has 64 bits, for it holds times, and the index of long texts is over their beginning, for an index
cannot hold them whole.
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy.sql import quoted_name

SCHEMA_VERSION = 10

TABLES = MetaData()


class TypeKind(IntEnum):
    """What a row of ``Type`` is a type of."""

    EXECUTION = 0
    ARTIFACT = 1
    CONTEXT = 2


class PropertyKind(IntEnum):
    """The declared type of a property."""

    INT = 1
    DOUBLE = 2
    STRING = 3


class ArtifactState(IntEnum):
    """An artifact's life; ours are live from the start, for they are recorded when they are whole."""

    LIVE = 2
    MARKED_FOR_DELETION = 3
    DELETED = 4


class ExecutionState(IntEnum):
    """How an execution ended."""

    COMPLETE = 3
    FAILED = 4
    CACHED = 5
    CANCELED = 6


class EventKind(IntEnum):
    """Which way an artifact went."""

    INPUT = 3
    OUTPUT = 4


_BIG = Integer().with_variant(BigInteger(), "postgresql")
_FLAG = SmallInteger().with_variant(Boolean(), "postgresql")
_KIND = Integer().with_variant(SmallInteger(), "postgresql")
# Far below the largest key of PostgreSQL's index, also in letters of four bytes.
_INDEXED = 500


def _named(name: str) -> quoted_name:
    """A table's name, never in quotation marks: SQLite keeps its capitals, PostgreSQL writes it small."""
    return quoted_name(name, quote=False)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _node(name: str, *columns: Column[int] | Column[str], named: bool) -> Table:
    """A table of artifacts, executions or contexts."""
    kind = name.lower()
    return Table(
        _named(name),
        TABLES,
        _id(),
        Column("type_id", Integer, nullable=False),
        *columns,
        Column("name", String(255), nullable=not named),
        Column("external_id", String(255), unique=True),
        Column("create_time_since_epoch", _BIG, nullable=False, server_default="0"),
        Column("last_update_time_since_epoch", _BIG, nullable=False, server_default="0"),
        UniqueConstraint("type_id", "name"),
        Index(f"idx_{kind}_create_time_since_epoch", "create_time_since_epoch"),
        Index(f"idx_{kind}_last_update_time_since_epoch", "last_update_time_since_epoch"),
        Index(f"idx_{kind}_external_id", "external_id"),
        sqlite_autoincrement=True,
    )


def _properties(of: str) -> Table:
    """A table of properties; one of the value columns is set."""
    owner = f"{of.lower()}_id"
    table = Table(
        _named(f"{of}Property"),
        TABLES,
        Column(owner, Integer, nullable=False, autoincrement=False),
        Column("name", String(255), nullable=False),
        Column("is_custom_property", _FLAG, nullable=False),
        Column("int_value", _BIG),
        Column("double_value", Double),
        Column("string_value", Text),
        Column("byte_value", LargeBinary),
        Column("proto_value", LargeBinary),
        Column("bool_value", Boolean),
        PrimaryKeyConstraint(owner, "name", "is_custom_property"),
    )
    for kind in ("int", "double", "string"):
        value = table.c[f"{kind}_value"]
        index = Index(*_property_index(table, kind), value, sqlite_where=value.is_not(None))
        if kind == "string":
            index.ddl_if(dialect="sqlite")
            Index(*_property_index(table, kind), beginning(value)).ddl_if(dialect="postgresql")
    return table


def _property_index(table: Table, kind: str) -> tuple[str, Column[str], Column[int]]:
    """The name of an index of properties, and its first columns."""
    of = table.name.removesuffix("Property").lower()
    return f"idx_{of}_property_{kind}", table.c.name, table.c.is_custom_property


def text_index(table: Table) -> Index:
    """The index of a table of properties by the beginning of their texts, as it is on PostgreSQL."""
    found = table.to_metadata(MetaData())
    found.indexes.clear()
    return Index(*_property_index(found, "string"), beginning(found.c.string_value))


def beginning(value: ColumnElement[str] | str) -> ColumnElement[str]:
    """As much of a text as PostgreSQL's index holds; a search for the whole text asks for this too."""
    return func.left(value, literal_column(str(_INDEXED)))


def _pair(name: str, left: str, right: str) -> Table:
    """A table of edges that are rows with an id."""
    return Table(
        _named(name),
        TABLES,
        _id(),
        Column(left, Integer, nullable=False),
        Column(right, Integer, nullable=False),
        UniqueConstraint(left, right),
        sqlite_autoincrement=True,
    )


TYPE = Table(
    _named("Type"),
    TABLES,
    _id(),
    Column("name", String(255), nullable=False),
    Column("version", String(255)),
    Column("type_kind", _KIND, nullable=False),
    Column("description", Text),
    Column("input_type", Text),
    Column("output_type", Text),
    Column("external_id", String(255), unique=True),
    Index("idx_type_name", "name"),
    Index("idx_type_external_id", "external_id"),
    sqlite_autoincrement=True,
)
TYPE_PROPERTY = Table(
    _named("TypeProperty"),
    TABLES,
    Column("type_id", Integer, nullable=False, autoincrement=False),
    Column("name", String(255), nullable=False),
    Column("data_type", Integer),
    PrimaryKeyConstraint("type_id", "name"),
)
PARENT_TYPE = Table(
    _named("ParentType"),
    TABLES,
    Column("type_id", Integer, nullable=False, autoincrement=False),
    Column("parent_type_id", Integer, nullable=False, autoincrement=False),
    PrimaryKeyConstraint("type_id", "parent_type_id"),
)

ARTIFACT = _node("Artifact", Column("uri", Text), Column("state", Integer), named=False)
Index("idx_artifact_uri", ARTIFACT.c.uri)
EXECUTION = _node("Execution", Column("last_known_state", Integer), named=False)
CONTEXT = _node("Context", named=True)
ARTIFACT_PROPERTY = _properties("Artifact")
EXECUTION_PROPERTY = _properties("Execution")
CONTEXT_PROPERTY = _properties("Context")

EVENT = Table(
    _named("Event"),
    TABLES,
    _id(),
    Column("artifact_id", Integer, nullable=False),
    Column("execution_id", Integer, nullable=False),
    Column("type", Integer, nullable=False),
    Column("milliseconds_since_epoch", _BIG),
    UniqueConstraint("artifact_id", "execution_id", "type"),
    Index("idx_event_execution_id", "execution_id"),
    sqlite_autoincrement=True,
)
EVENT_PATH = Table(
    _named("EventPath"),
    TABLES,
    Column("event_id", Integer, nullable=False),
    Column("is_index_step", _FLAG, nullable=False),
    Column("step_index", Integer),
    Column("step_key", Text),
    Index("idx_eventpath_event_id", "event_id"),
)
PARENT_CONTEXT = Table(
    _named("ParentContext"),
    TABLES,
    Column("context_id", Integer, nullable=False, autoincrement=False),
    Column("parent_context_id", Integer, nullable=False, autoincrement=False),
    PrimaryKeyConstraint("context_id", "parent_context_id"),
    Index("idx_parentcontext_parent_context_id", "parent_context_id"),
)
ASSOCIATION = _pair("Association", "context_id", "execution_id")
ATTRIBUTION = _pair("Attribution", "context_id", "artifact_id")
MLMD_ENV = Table(_named("MLMDEnv"), TABLES, Column("schema_version", Integer, primary_key=True, autoincrement=False))
