"""What a check counts on: the rows of a dataset, what is known of them, and what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.checks.data_schema import DataSchema
from mlopsctl.checks.facts import Unknown
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import ColumnType, shown
from mlopsctl.tables.engine import parquet
from mlopsctl.tables.statistics import ColumnStatistics, Statistics

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

HELD = {
    ColumnType.INT: "numbers",
    ColumnType.FLOAT: "numbers",
    ColumnType.STRING: "text",
    ColumnType.BOOL: "true and false",
    ColumnType.TIMESTAMP: "times",
    ColumnType.OTHER: "lists, structures or bytes",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a dataset, what is known of them, and what they are compared with.

    Attributes:
        connection: a DuckDB that may read the folder.
        folder: an Examples artifact.
        previous: the statistics of the newest earlier run whose checks passed, if there is one.
        references: the statistics of other datasets, by name.
        clock: now, milliseconds since 1970; 0 where the plan pinned no moment.
    """

    connection: Connection
    folder: Path
    examples: files.Examples
    statistics: Statistics
    schema: DataSchema
    previous: Statistics | None = None
    references: Mapping[str, Statistics] = field(default_factory=dict)
    clock: int = 0

    @property
    def source(self) -> str:
        """All rows and columns after the filter, as SQL."""
        return parquet(self.folder / files.SOURCE_FILE)

    def splits(self, *names: str) -> str:
        """The rows of some splits together, as SQL."""
        return parquet(*(files.split_file(self.folder, name) for name in names))

    def known(self, name: str) -> ColumnStatistics | Unknown:
        """What is known of a column of the source."""
        found = self.statistics.tables["source"].column(name)
        return found if found is not None else Unknown(f"there is no column {shown(name)} in the data")
