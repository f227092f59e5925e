"""DuckDB as this tool opens it: bounded memory, one thread for one result, and no way out to other files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection
    from pyarrow import RecordBatchReader

MEMORY = "600MiB"

# The Parquet bytes are an artifact's identity: these settings and one thread make them the same every time.
_PARQUET = "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880"


@contextmanager
def opened(reads: Sequence[Path] = (), writes: Sequence[Path] = ()) -> Iterator[Connection]:
    """A DuckDB in memory that spills to a temporary folder.

    Args:
        reads: the only files and folders it may read.
        writes: the only folders it may write to.

    Raises:
        StepProblem: when the data or an expression of the user makes a query fail.
    """
    import tempfile

    import duckdb

    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "memory_limit": MEMORY,
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with duckdb.connect(":memory:", config=config) as connection:
            folders = [*(path for path in reads if path.is_dir()), *writes]
            connection.execute(f"SET allowed_directories = {_paths([*folders, *map(_exactly, folders)], '/')}")
            single = [path for path in reads if not path.is_dir()]
            connection.execute(f"SET allowed_paths = {_paths([*single, *map(_exactly, single)])}")
            # An engine without calendars knows no time zones: it takes every moment as UTC anyway.
            with suppress(duckdb.CatalogException):
                connection.execute("SET TimeZone = 'UTC'")
            # What statistics say of a source would decide how the Parquet that is written calls its columns.
            connection.execute("SET disabled_optimizers = 'statistics_propagation'")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            try:
                yield connection
            except duckdb.OutOfMemoryException as why:
                hint = "free space for temporary files, or read fewer columns with `columns`"
                raise StepProblem.because(
                    "out-of-memory", f"the data does not fit: {_first(str(why))}", hint=hint
                ) from why
            except (duckdb.DataError, duckdb.InvalidInputException) as why:
                if told := malformed(str(why)):
                    raise StepProblem.because("bad-data", told[0], hint=told[1]) from why
                hint = "correct the data, or declare the column's type"
                raise StepProblem.because(
                    "bad-data", f"the data cannot be read: {_first(str(why))}", hint=hint
                ) from why
            except (duckdb.IOException, duckdb.PermissionException) as why:
                hint = "check that the file is whole and may be read"
                raise StepProblem.because(
                    "unreadable-data", f"the data cannot be read: {_first(str(why))}", hint=hint
                ) from why


def identifier(name: str) -> str:
    """A column's name as SQL, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text as an SQL string, whatever characters it holds."""
    return "'" + text.replace("'", "''") + "'"


def file_literal(path: Path) -> str:
    """A path as an SQL string that names this one file, though it may look like a pattern."""
    return literal(_exactly(path))


def parquet(*files: Path) -> str:
    """The rows of Parquet files, as SQL: the columns in the files, whatever the folders above them are called."""
    return f"read_parquet([{', '.join(file_literal(file) for file in files)}], hive_partitioning = false)"


def write_parquet(connection: Connection, query: str, file: Path) -> int:
    """Write a query's rows in its order, and say how many there were. Equal rows give equal bytes."""
    row = connection.execute(f"COPY ({query}) TO {literal(str(file))} ({_PARQUET})").fetchone()
    return int(row[0]) if row else 0


def batches(connection: Connection, query: str, rows: int) -> RecordBatchReader:
    """A query's rows as Arrow batches of at most about so many rows, read as they are asked for."""
    # An answer of which only the first row was wanted must end before another one can be read this way.
    connection.execute("SELECT NULL").fetchall()
    relation = connection.sql(query)
    # DuckDB renamed it on the way to version 2.
    read = getattr(relation, "to_arrow_reader", None) or getattr(relation, "fetch_arrow_reader")  # noqa: B009
    return cast("RecordBatchReader", read(rows))


def _exactly(path: Path) -> str:
    """The pattern that only this path matches."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(path))


def _paths(paths: Sequence[Path | str], end: str = "") -> str:
    return "[" + ", ".join(literal(f"{path}{end}") for path in paths) + "]"


def malformed(message: str) -> tuple[str, str] | None:
    """Message and hint for what the engine says of a delimited line that does not fit; ``None`` for all else."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    if line is None:
        return None
    if "unterminated quote" in message:
        told = f"line {line[1]}: a quote is opened and never closed"
        return told, 'close it; a quote inside text is written twice: ""'
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if counts is None:
        return None
    told = f"line {line[1]} has {counts[2]} values, and the header names {counts[1]} columns"
    return told, "correct that line; text that holds the delimiter needs quotes"


def _first(message: str) -> str:
    """The first lines of an engine's message, on one line."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    # Its advice is about its own settings.
    lines = [line for line in lines if not line.startswith("Try setting")] or lines
    return printable(" ".join(lines[:3]))[:500]
