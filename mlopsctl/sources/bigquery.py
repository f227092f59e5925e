"""``bigquery``: a query or a table of Google BigQuery, with a bound on what may be read."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.ground.scalars import PositiveCount
from mlopsctl.sources.tabled import DatabaseSource


class BigQuery(DatabaseSource):
    """The rows of a BigQuery query."""

    not_yet: ClassVar[str] = "reading from BigQuery"

    kind: Literal["bigquery"] = Field(default="bigquery", title="Kind", description="A query or a table of BigQuery.")
    project: str | None = Field(
        default=None,
        min_length=1,
        title="Project",
        description="The Google Cloud project that is billed; the default of the credentials when nothing is said.",
    )
    location: str | None = Field(
        default=None, min_length=1, title="Location", description="Where the data lies, for example EU."
    )
    max_bytes_billed: PositiveCount | None = Field(
        default=None,
        title="Most bytes billed",
        description="The query is refused when it would read more bytes than this.",
    )

    def resolved(self, project: Path) -> tuple[str, ...]:
        """The table's name as a URI, or that it is a query."""
        where = self.project or "-"
        return (f"bigquery://{where}/{self.table}" if self.table else f"bigquery://{where}/query",)

    def outside(self) -> dict[str, str]:
        """Nothing: this version does not read it."""
        return {}

    def fingerprints(self, project: Path, memo: Path | None = None) -> dict[str, str]:
        """Nothing; see :meth:`outside`."""
        return {}
