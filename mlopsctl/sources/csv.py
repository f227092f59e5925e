"""``csv``: one text file with a header line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from mlopsctl.ground.scalars import ColumnName
from mlopsctl.sources.files import FileSource

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from mlopsctl.tables.scan import Scan

ColumnKind: TypeAlias = Literal["int", "float", "string", "bool"]


class Csv(FileSource):
    """A CSV file with a header line, UTF-8. The type of a column is found from all of its values."""

    kind: Literal["csv"] = Field(default="csv", title="Kind", description="A CSV file with a header line.")
    delimiter: str = Field(
        default=",",
        min_length=1,
        max_length=1,
        pattern=r'^[^"\r\n]$',
        title="Delimiter",
        description="The character between two values; a comma when nothing is said.",
    )
    nulls: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(
        default=("",),
        title="Missing values",
        description='How a missing value is written; the empty text when nothing is said, for example ["", NA].',
    )
    types: dict[ColumnName, ColumnKind] = Field(
        default_factory=dict,
        title="Types",
        description="The types of columns that must not be guessed, for example zip_code: string.",
    )

    def scan(self, connection: Connection, project: Path) -> Scan:
        """The rows of the file; every value is looked at to find the types, none is dropped.

        Raises:
            StepProblem: when the file is missing, empty or no CSV, or a value is not of its declared type.
        """
        from mlopsctl.sources.delimited import scan_delimited

        (file,) = self.files(project)
        return scan_delimited(connection, file, delimiter=self.delimiter, nulls=self.nulls, types=self.types)
