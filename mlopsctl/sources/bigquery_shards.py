"""The rows of BigQuery as Parquet files in a folder: as they come, or exported to Cloud Storage and fetched from there.

Exported files stand in a folder of their own below the one the source names, and are removed once they were fetched,
also when fetching fails. A process that is killed leaves them: an age rule on the bucket sees to those.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import Problem, StepProblem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duckdb import DuckDBPyConnection as Connection
    from pyarrow import RecordBatch

    from mlopsctl.sources.bigquery_calls import Written
    from mlopsctl.tables.scan import Scan

_PREFIX = "mlopsctl-"


@dataclass(frozen=True, slots=True)
class Shards:
    """Rows in Parquet files of equal columns, in no order."""

    files: tuple[Path, ...]
    remarks: tuple[str, ...] = ()

    def scan(self, connection: Connection) -> Scan:
        """The rows, of the same types as those of any Parquet file."""
        from mlopsctl.tables.columns import check_names
        from mlopsctl.tables.engine import parquet
        from mlopsctl.tables.scan import normalized

        relation = parquet(*self.files)
        described = [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()]
        check_names([name for name, _ in described], "the query's answer")
        return replace(normalized(relation, described), unordered=True, remarks=self.remarks)


def spooled(batches: Iterable[RecordBatch], folder: Path) -> tuple[Path, ...]:
    """Keep batches as they come; no file when there is no row."""
    from pyarrow.parquet import ParquetWriter

    file, writer = folder / "rows.parquet", None
    try:
        for batch in batches:
            if batch.num_rows:
                writer = writer or ParquetWriter(file, batch.schema)
                writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()
    return (file,) if writer is not None else ()


@contextmanager
def place_for_export(folder: str) -> Iterator[str]:
    """A new folder of Cloud Storage below the given one, gone at the end with all that is in it.

    Rows that were read and paid for are not given up because their copies there cannot be removed: that is told in
    the step's log.
    """
    place = f"{folder}/{_PREFIX}{uuid.uuid4().hex}"
    try:
        yield place
    finally:
        try:
            _remove(place)
        except Problem as problem:
            print(f"{place} could not be removed: {problem}; remove it by hand", file=sys.stderr)


def _remove(place: str) -> None:
    from mlopsctl.objects.opening import open_objects

    objects = open_objects(place)
    for left in list(objects.list("")):
        objects.remove(left.name)


def fetched(place: str, written: Written, folder: Path) -> tuple[Path, ...]:
    """Bring the exported files here; none when they hold no row.

    Raises:
        StepProblem: when files or rows are not as many as BigQuery says it wrote, or cannot be read.
    """
    from pyarrow.parquet import read_metadata

    from mlopsctl.sources.elsewhere import bring

    if written.files == 0:
        return ()
    files = tuple(sorted(bring(place, folder / "shards", ".parquet").rglob("*.parquet")))
    if written.files not in (None, len(files)):
        raise _not_all(f"{written.files} files", place, len(files))
    rows = sum(int(read_metadata(file).num_rows) for file in files)
    if written.rows not in (None, rows):
        raise _not_all(f"{written.rows} rows", place, rows)
    return files if rows else ()


def _not_all(said: str, place: str, came: int) -> StepProblem:
    message = f"BigQuery wrote {said} to {place}, and {came} came"
    return StepProblem.because("missing-data", message, hint="run again; let nothing else write to `export`")
