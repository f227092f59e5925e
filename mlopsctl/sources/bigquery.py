"""``bigquery``: a query or a table of Google BigQuery, with a bound on what may be spent.

Nothing is read when a plan is made: a dry run, which is free, says what the query would read, and the states of the
tables below it stand for the rows in the step's key; see :mod:`.bigquery_identity`. With ``version`` one small query
does instead. A child process asks, that alone gets the credentials of its surroundings.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import PositiveCount
from mlopsctl.sources.bigquery_names import BucketFolder, Location, ProjectId, TableName
from mlopsctl.sources.tabled import DatabaseSource

if TYPE_CHECKING:
    from mlopsctl.sources.bigquery_shards import Shards
    from mlopsctl.tables.bigquery import Fingerprinted

_LONGEST = 60
OVER_BUDGET = "over-budget"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plan learns of a source: what stands for its rows, and a few words on what reading them would cost."""

    digest: str
    cost: str


class BigQuery(DatabaseSource):
    """The rows of a query or a table of BigQuery, read with the credentials of the surroundings."""

    kind: Literal["bigquery"] = Field(default="bigquery", title="Kind", description="A query or a table of BigQuery.")
    table: TableName | None = Field(
        default=None,
        title="Table",
        description="The table whose rows are read: dataset.table or project.dataset.table.",
    )
    project: ProjectId | None = Field(
        default=None,
        title="Project",
        description="The Google Cloud project that is billed; the default of the credentials when nothing is said.",
    )
    location: Location | None = Field(
        default=None, title="Location", description="Where the data lies, for example EU."
    )
    max_bytes_billed: PositiveCount | None = Field(
        default=None,
        title="Most bytes billed",
        description="The query is refused when it would read more bytes than this: when the plan is made, and by "
        "BigQuery itself when it runs.",
    )
    export: BucketFolder | None = Field(
        default=None,
        title="Export folder",
        description="A folder of Cloud Storage: the rows are exported there as Parquet files, fetched and removed. "
        "Without it they come through BigQuery's own API, which is slow beyond some gigabytes.",
    )
    version: str | None = Field(
        default=None,
        min_length=1,
        title="Version",
        description="A query of one row that changes whenever the rows do; plan asks it, and it is billed, in place of "
        "the states of the tables, which say nothing of external data, remote functions and the time.",
    )

    def resolved(self, project: Path) -> tuple[str, ...]:
        """The table's name as a URI, or that it is a query."""
        where = self.project or "-"
        return (f"bigquery://{where}/{self.table}" if self.table else f"bigquery://{where}/query",)

    def outside(self) -> dict[str, str]:
        """See :meth:`FileSource.outside`: the question, in one line, and a short digest that tells two apart."""
        asked = " ".join((self.table or self.query or "").split())
        if len(asked) > _LONGEST:
            asked = f"{asked[:_LONGEST]}…"
        exact = hashlib.sha256(canonical_json(self.model_dump(mode="json"))).hexdigest()[:8]
        return {"table" if self.table else "query": f"bigquery: {asked} ({exact})"}

    def line_of(self, problem: str) -> str:
        """The key whose line a problem belongs to, by the problem's id."""
        return "max_bytes_billed" if problem == OVER_BUDGET and self.max_bytes_billed else next(iter(self.outside()))

    def fingerprints(self, project: Path, memo: Path | None = None) -> dict[str, str]:
        """See :meth:`FileSource.fingerprints`."""
        (name,) = self.outside().values()
        return {name: self.asked().digest}

    def asked(self, split: Fingerprinted | None = None) -> Asked:
        """What a plan needs to know, asked by a child process.

        Args:
            split: the rows a split by fingerprint uses; ``None`` for another split, which uses all.

        Raises:
            StepProblem: see :meth:`asked_here`.
        """
        from mlopsctl.ground.ambient import google
        from mlopsctl.sources.asking import answer_elsewhere

        wanted: Json = asdict(split) if split is not None else None
        answer = answer_elsewhere({"source": self.model_dump(mode="json"), "split": wanted}, google(os.environ))
        return Asked(str(answer["digest"]), str(answer.get("cost", "")))

    def asked_here(self, split: Fingerprinted | None = None) -> Asked:
        """See :meth:`asked`; in this process.

        Raises:
            StepProblem: when BigQuery does not answer, more would be read than ``max_bytes_billed`` allows, or nothing
                can stand for the rows.
        """
        from mlopsctl.sources.bigquery_calls import BigQueryCalls
        from mlopsctl.sources.bigquery_reading import cost, fingerprint, reading_of

        calls = BigQueryCalls(self.project, self.location)
        reading = reading_of(self, calls, split)
        digest, remarks = fingerprint(self, calls, reading)
        return Asked(digest, "; ".join([cost(reading), *remarks]))

    def read(self, folder: Path, split: Fingerprinted | None = None, most: int | None = None) -> Shards:
        """Run the query, or none for a table, and keep the rows as Parquet in the folder.

        Args:
            most: the most rows that are taken where they come through BigQuery's own API.

        Raises:
            StepProblem: see :meth:`asked_here`; also when there is no row, or more than ``most``.
        """
        from mlopsctl.sources.bigquery_calls import BigQueryCalls
        from mlopsctl.sources.bigquery_reading import export, reading_of, rows
        from mlopsctl.sources.bigquery_shards import Shards, fetched, place_for_export, spooled
        from mlopsctl.sources.bound import at_most

        calls = BigQueryCalls(self.project, self.location)
        reading = reading_of(self, calls, split)
        if self.export is None:
            files = spooled(at_most(rows(reading, calls, self.max_bytes_billed), most), folder)
        else:
            with place_for_export(self.export) as place:
                files = fetched(place, export(reading, calls, self.max_bytes_billed, place), folder)
        if not files:
            raise StepProblem.because("empty-data", "BigQuery gave no rows", hint="run the query there and look")
        left = split is not None and not split.whole
        return Shards(files, ("rows of unused buckets stayed in BigQuery",) if left else ())
