"""Datasets made of a few values, and what the checks say of them: the counting and the judging, without processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from mlopsctl.checks import Check
from mlopsctl.checks.counting import count
from mlopsctl.checks.data_schema import DataSchema, inferred, reviewed
from mlopsctl.checks.rows import Rows
from mlopsctl.checks.rule import DataEvidence
from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.evidence import CheckResult
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import Column
from mlopsctl.tables.engine import opened, parquet, write_parquet
from mlopsctl.tables.measure import measure
from mlopsctl.tables.scan import column_type
from mlopsctl.tables.statistics import Statistics

CHECK: TypeAdapter[Any] = TypeAdapter(Check)
ALL_TRAIN = (slice(None), slice(0, 0), slice(0, 0))


class Made:
    """Makes Examples artifacts below one folder, and judges them."""

    def __init__(self, root: Path, connection: Any) -> None:
        self.root = root
        self.connection = connection
        self._count = 0

    def examples(self, values: Mapping[str, Any], splits: Sequence[slice] = ALL_TRAIN) -> Path:
        """An Examples artifact of these rows, written as `ingest` writes them; NaN stays NaN."""
        self._count += 1
        folder = self.root / str(self._count)
        folder.mkdir()
        rows = pa.table(
            {name: v if isinstance(v, pa.Array) else pa.array(v, from_pandas=False) for name, v in values.items()}
        )
        self._write(rows, folder / files.SOURCE_FILE)
        parts = {
            split: rows.slice(*_range(part, rows.num_rows)) for split, part in zip(files.SPLITS, splits, strict=True)
        }
        for split, part in parts.items():
            self._write(part, files.split_file(folder, split))
        found = self.connection.execute(f"DESCRIBE FROM {parquet(folder / files.SOURCE_FILE)}").fetchall()
        columns = tuple(Column(row[0], column_type(row[1])) for row in found)
        counts = {split: part.num_rows for split, part in parts.items()}
        files.write(files.Examples("d", None, None, columns, columns, counts, rows.num_rows), folder)
        return folder

    def statistics(self, folder: Path) -> Statistics:
        """As the step of that name counts them; the train split once more only where it is not the source itself."""
        examples = files.read(folder)
        source = measure(self.connection, folder / files.SOURCE_FILE, examples.source_columns)
        whole = examples.splits["train"] == examples.rows
        train = source if whole else measure(self.connection, files.split_file(folder, "train"), examples.columns)
        return Statistics("d", {"source": source, "train": train})

    def judged(
        self,
        values: Mapping[str, Any],
        check: Mapping[str, Any],
        *,
        splits: Sequence[slice] = ALL_TRAIN,
        previous: Statistics | None = None,
        references: Mapping[str, Statistics] | None = None,
        clock: int = 0,
        contract: Mapping[str, Any] | None = None,
    ) -> CheckResult:
        """The check's result on these rows."""
        folder = self.examples(values, splits)
        examples, statistics = files.read(folder), self.statistics(folder)
        schema: DataSchema = inferred("d", statistics.tables["train"])
        if contract is not None:
            schema = reviewed("d", SchemaFile.model_validate({"columns": contract}))
        rows = Rows(self.connection, folder, examples, statistics, schema, previous, references or {}, clock)
        written = CHECK.validate_python({"name": "c", **check})
        result: CheckResult = written.judge(DataEvidence(rows=examples.rows, fact=count(written, rows)))
        return result

    def _write(self, rows: pa.Table, file: Path) -> None:
        # A cursor of its own: a connection whose last answer was not read to its end takes no new table.
        with self.connection.cursor() as writer:
            writer.register("rows", rows)
            write_parquet(writer, "SELECT * FROM rows", file)


@contextmanager
def making(root: Path) -> Iterator[Made]:
    """One engine for many datasets: opening it takes longer than a check."""
    with opened(reads=[root], writes=[root]) as connection:
        yield Made(root, connection)


def _range(part: slice, rows: int) -> tuple[int, int]:
    start, stop, _ = part.indices(rows)
    return start, max(stop - start, 0)
