"""Asking BigQuery: what a query would cost, what a table is, running a query once, and its rows.

A job gets a number of ours before it is asked for. When the answer is lost, asking again finds the job that is there,
so nothing runs or is billed twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources.bigquery_errors import passes, told
from mlopsctl.sources.bigquery_names import TableId

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.api_core.retry import Retry
    from google.cloud.bigquery import Client, QueryJobConfig
    from google.cloud.bigquery.job import ExtractJob, QueryJob
    from pyarrow import RecordBatch

_FIRST_WAIT, _LONGEST_WAIT, _PATIENCE = 0.2, 20.0, 180.0
_ONE_CALL = 120.0
_PAGE_ROWS = 20_000
_LABELS = {"created-by": "mlopsctl"}

_Job = TypeVar("_Job", "QueryJob", "ExtractJob")


@dataclass(frozen=True, slots=True)
class Field:
    """A column as BigQuery describes it; ``type`` in its newer words (``INT64``), ``ARRAY`` where it repeats."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Price:
    """What the dry run of a query tells; nothing was run or billed.

    Attributes:
        bytes: how many it would read; ``accuracy`` is ``PRECISE``, ``UPPER_BOUND``, ``LOWER_BOUND`` or ``UNKNOWN``.
        statement: ``SELECT``, or what else it is.
        tables, routines: what it reads and calls, by full names.
    """

    bytes: int
    accuracy: str
    statement: str
    fields: tuple[Field, ...]
    tables: tuple[TableId, ...]
    routines: tuple[TableId, ...]
    location: str


@dataclass(frozen=True, slots=True)
class Written:
    """What an export wrote, as far as BigQuery says it."""

    files: int | None
    rows: int | None = None


class BigQueryCalls:
    """One client, of one project that is billed.

    Raises:
        StepProblem: from every method, when BigQuery does not do what it is asked; see :mod:`.bigquery_errors`.
    """

    def __init__(self, project: str | None, location: str | None) -> None:
        self._location = location
        self._client = _client(project, location)
        self.project = str(self._client.project)

    def price(self, sql: str, parameters: Mapping[str, int] | None = None, default: TableId | None = None) -> Price:
        """What a query is and would read; ``default`` names the dataset of tables that are named alone."""
        config = _config(parameters, default=default)
        config.dry_run, config.use_query_cache = True, False
        with told("say what the query would cost (jobs.insert, dry run)", self.project):
            job = self._client.query(
                sql, job_config=config, location=self._location, retry=_retry(), job_retry=None, timeout=_ONE_CALL
            )
        told_of = job._properties.get("statistics", {}).get("query", {})
        return Price(
            bytes=int(job.total_bytes_processed or 0),
            accuracy=str(told_of.get("totalBytesProcessedAccuracy", "UNKNOWN")),
            statement=str(job.statement_type or ""),
            fields=fields_of(told_of),
            tables=_ids(told_of.get("referencedTables", ()), "tableId"),
            routines=_ids(told_of.get("referencedRoutines", ()), "routineId"),
            location=str(job.location or self._location or ""),
        )

    def table(self, table: TableId) -> Mapping[str, Json]:
        """A table's description, as ``tables.get`` gives it."""
        with told(f"describe the table {table} (tables.get)", self.project):
            found: Mapping[str, Json] = self._client.get_table(
                str(table.within(self.project)), retry=_retry(), timeout=_ONE_CALL
            ).to_api_repr()
        return found

    def routine(self, routine: TableId) -> Mapping[str, Json]:
        """A function's description, as ``routines.get`` gives it."""
        with told(f"describe the routine {routine} (routines.get)", self.project):
            found: Mapping[str, Json] = self._client.get_routine(
                str(routine), retry=_retry(), timeout=_ONE_CALL
            ).to_api_repr()
        return found

    def run(
        self, sql: str, parameters: Mapping[str, int], cap: int | None, location: str, doing: str = "run the query"
    ) -> QueryJob:
        """Run a statement to its end, once."""
        config = _config(parameters)
        if cap is not None:
            config.maximum_bytes_billed = cap
        id = _new_id()
        with told(f"{doing} (jobs.insert)", self.project):
            job = self._once(id, location, lambda: self._client.query(
                sql, job_config=config, job_id=id, location=location or None, retry=_retry(), job_retry=None,
                timeout=_ONE_CALL,
            ))  # fmt: skip
            job.result(page_size=_PAGE_ROWS, retry=_retry(), job_retry=None)
        return job

    def export(self, statement: str, parameters: Mapping[str, int], cap: int | None, location: str) -> Written:
        """Run an ``EXPORT DATA`` statement to its end, once; what it wrote."""
        job = self.run(statement, parameters, cap, location, "export the rows of the query")
        told_of = job._properties.get("statistics", {}).get("query", {}).get("exportDataStatistics", {})
        files, rows = told_of.get("fileCount"), told_of.get("rowCount")
        return Written(None if files is None else int(files), None if rows is None else int(rows))

    def rows_of(self, job: QueryJob) -> Iterator[RecordBatch]:
        """The rows of a query that has run."""
        with told("give the rows of the query (jobs.getQueryResults)", self.project):
            yield from job.result(page_size=_PAGE_ROWS, retry=_retry(), job_retry=None).to_arrow_iterable()

    def rows_in(self, table: TableId) -> Iterator[RecordBatch]:
        """The rows of a table, without a query."""
        with told(f"give the rows of the table {table} (tabledata.list)", self.project):
            whole = self._client.get_table(str(table.within(self.project)), retry=_retry(), timeout=_ONE_CALL)
            rows = self._client.list_rows(whole, page_size=_PAGE_ROWS, retry=_retry(), timeout=_ONE_CALL)
            yield from rows.to_arrow_iterable()

    def extract(self, table: TableId, files: str, location: str) -> Written:
        """Write a table's rows as Parquet; ``files`` is a pattern."""
        from google.cloud.bigquery import DestinationFormat, ExtractJobConfig

        config = ExtractJobConfig(destination_format=DestinationFormat.PARQUET, labels=_LABELS)
        id = _new_id()
        with told(f"export the table {table} to {files} (jobs.insert)", self.project):
            job = self._once(id, location, lambda: self._client.extract_table(
                str(table.within(self.project)), [files], job_id=id, location=location or None, job_config=config,
                retry=_retry(), timeout=_ONE_CALL,
            ))  # fmt: skip
            job.result(retry=_retry())
        counts = job.destination_uri_file_counts
        return Written(None if counts is None else sum(counts))

    def _once(self, id: str, location: str, begin: Callable[[], _Job]) -> _Job:
        """Begin a job; where an earlier try already did and its answer was lost, find it."""
        from google.api_core.exceptions import Conflict

        try:
            return begin()
        except Conflict:
            # For a moment after it was made, a job may not be found.
            found: _Job = self._client.get_job(
                id, location=location or None, retry=_retry(missing=True), timeout=_ONE_CALL
            )
            return found


def _client(project: str | None, location: str | None) -> Client:
    import os
    from importlib.util import find_spec

    if find_spec("google") is None or find_spec("google.cloud") is None or find_spec("google.cloud.bigquery") is None:
        message = "BigQuery cannot be read: google-cloud-bigquery is not installed"
        raise StepProblem.because("missing-library", message, hint="pip install 'mlopsctl[gcp]'")
    from google.auth import credentials
    from google.cloud.bigquery import Client

    # An emulator knows nobody, and gets no credentials.
    nobody: Callable[[], credentials.Credentials] = credentials.AnonymousCredentials
    emulated = nobody() if os.environ.get("BIGQUERY_EMULATOR_HOST") else None
    with told("name the project", project or "of the credentials"):
        try:
            return Client(project=project, location=location, credentials=emulated)
        except OSError as why:
            hint = "write `project: ID` in the source, or set GOOGLE_CLOUD_PROJECT"
            message = "no Google Cloud project is named: neither `project` nor the credentials say one"
            raise StepProblem.because("no-project", message, hint=hint) from why


def _config(parameters: Mapping[str, int] | None, default: TableId | None = None) -> QueryJobConfig:
    from google.cloud.bigquery import DatasetReference, QueryJobConfig, ScalarQueryParameter

    bound = [ScalarQueryParameter(name, "INT64", value) for name, value in (parameters or {}).items()]
    config = QueryJobConfig(query_parameters=bound, use_legacy_sql=False, labels=_LABELS)
    if default is not None:
        config.default_dataset = DatasetReference(default.project, default.dataset)
    return config


def _retry(*, missing: bool = False) -> Retry:
    """How long to insist; with ``missing`` also on what is not there yet."""
    from google.api_core.exceptions import NotFound
    from google.api_core.retry import Retry

    def again(why: BaseException) -> bool:
        return passes(why) or (missing and isinstance(why, NotFound))

    return Retry(predicate=again, initial=_FIRST_WAIT, maximum=_LONGEST_WAIT, multiplier=2.0, timeout=_PATIENCE)


def _new_id() -> str:
    return f"mlopsctl_{uuid.uuid4().hex}"


_NEWER = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def fields_of(described: Mapping[str, Json]) -> tuple[Field, ...]:
    """The columns of a table's description, or of what a dry run told."""
    schema = described.get("schema")
    every = schema.get("fields") if isinstance(schema, Mapping) else None
    return tuple(
        Field(
            str(one.get("name")),
            "ARRAY" if one.get("mode") == "REPEATED" else _NEWER.get(str(one.get("type")), str(one.get("type"))),
        )
        for one in (every if isinstance(every, list) else ())
        if isinstance(one, Mapping)
    )


def _ids(named: Sequence[Mapping[str, str]], last: str) -> tuple[TableId, ...]:
    found = {(one.get("projectId", ""), one.get("datasetId", ""), one.get(last, "")) for one in named}
    return tuple(TableId(*parts) for parts in sorted(found))
