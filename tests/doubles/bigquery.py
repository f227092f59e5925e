"""BigQuery made from its discovery document: prices, jobs, tables, and what goes wrong with them.

It runs no SQL: a test says what a query is and gives. What it is strict on: a job's number is taken once, a job is
found only where it ran, ``maximumBytesBilled`` fails the job, a dry run runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.google import Answer, Call, GoogleDouble, GoogleError

_PAGE = 2
Table = tuple[str, str, str]
Export = Callable[[str, "Query"], int]


class BigQueryError(GoogleError):
    """An error in the form of BigQuery: with a reason."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(code, message)
        self.reason = reason

    @property
    def body(self) -> dict[str, Any]:
        """See :class:`GoogleError`."""
        found = super().body
        found["error"]["errors"] = [{"message": self.message, "domain": "global", "reason": self.reason}]
        return found


@dataclass
class Query:
    """What a query is, and what it gives: columns as (name, type), rows of texts as BigQuery sends them."""

    columns: Sequence[tuple[str, str]] = (("id", "INTEGER"),)
    rows: Sequence[Sequence[str | None]] = (("1",),)
    bytes: int = 0
    tables: Sequence[Table] = ()
    routines: Sequence[Table] = ()
    statement: str = "SELECT"
    accuracy: str = "PRECISE"

    @property
    def schema(self) -> Answer:
        """The columns as a schema."""
        return {"fields": [{"name": name, "type": kind, "mode": "NULLABLE"} for name, kind in self.columns]}


@dataclass
class _Job:
    resource: Answer
    query: Query
    polls: int = 0


@dataclass
class BigQueryDouble(GoogleDouble):
    """The service.

    Attributes:
        queries: what a statement is, by a part of its text; the longest part that fits counts.
        tables: descriptions by name, with ``rows`` for ``tabledata.list``.
        routines: descriptions by name.
        refused: errors to answer with, by the call's id; each is used once.
        billed: the bytes of each job that ran, by its number.
        export: writes a query's rows to a pattern of Cloud Storage, and says how many files that made.
    """

    location: str = "EU"
    queries: dict[str, Query] = field(default_factory=dict)
    tables: dict[Table, Answer] = field(default_factory=dict)
    table_rows: dict[Table, Query] = field(default_factory=dict)
    routines: dict[Table, Answer] = field(default_factory=dict)
    refused: dict[str, list[BigQueryError]] = field(default_factory=dict)
    billed: dict[str, int] = field(default_factory=dict)
    export: Export | None = None

    def __post_init__(self) -> None:
        super().__init__("bigquery.v2")
        self._jobs: dict[str, _Job] = {}
        for method, handler in {
            "jobs.insert": self._insert,
            "jobs.get": self._get_job,
            "jobs.getQueryResults": self._results,
            "tables.get": self._get_table,
            "tabledata.list": self._list,
            "routines.get": self._get_routine,
        }.items():
            self.handlers[f"bigquery.{method}"] = self._refusing(f"bigquery.{method}", handler)

    def answer(
        self, verb: str, path: str, query: Mapping[str, str], body: Any, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """See :class:`GoogleDouble`. Google's own client sends ``jobs.get`` what only ``jobs.list`` documents."""
        if verb == "GET" and "/jobs/" in path:
            query = {name: value for name, value in query.items() if name != "projection"}
        return super().answer(verb, path, query, body, headers)

    def add_table(self, *name: str, content: Query | None = None, **described: Any) -> None:
        """Keep a table; ``described`` overrides what is said of it."""
        key = (name[0], name[1], name[2])
        held = content or Query()
        self.tables[key] = {
            "kind": "bigquery#table", "type": "TABLE", "location": self.location, "etag": "x",
            "tableReference": {"projectId": key[0], "datasetId": key[1], "tableId": key[2]}, "schema": held.schema,
            "numRows": str(len(held.rows)), "numBytes": str(held.bytes), "lastModifiedTime": "1700000000000",
            **described,
        }  # fmt: skip
        self.table_rows[key] = held

    def statements(self, *, dry: bool = False) -> list[str]:
        """The texts of the queries that were asked to run, or only to be priced."""
        asked = [call.body["configuration"] for call in self.calls if call.method == "bigquery.jobs.insert"]
        return [one["query"]["query"] for one in asked if "query" in one and bool(one.get("dryRun")) == dry]

    def _refusing(self, method: str, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def handle(call: Call) -> Answer:
            waiting = self.refused.get(method)
            if waiting:
                raise waiting.pop(0)
            return handler(call)

        return handle

    def _insert(self, call: Call) -> Answer:
        configuration = call.body["configuration"]
        reference = {"projectId": call.path["projectId"], **call.body.get("jobReference", {})}
        id = reference.setdefault("jobId", f"theirs-{next(self.ids)}")
        if "query" in configuration:
            query = self._query(configuration["query"]["query"])
            statistics = self._statistics(query)
        else:
            source = configuration["extract"]["sourceTable"]
            query = self.table_rows[(source["projectId"], source["datasetId"], source["tableId"])]
            statistics = {}
        asked = reference.get("location")
        if asked not in (None, self.location):
            raise BigQueryError(404, "notFound", f"Not found: Dataset was not found in location {asked}")
        reference["location"] = self.location
        resource = {
            "kind": "bigquery#job", "jobReference": reference, "configuration": configuration,
            "statistics": {"creationTime": "1700000000000", "query": statistics}, "status": {"state": "DONE"},
        }  # fmt: skip
        if configuration.get("dryRun"):
            return resource
        if id in self._jobs:
            raise BigQueryError(409, "duplicate", f"Already Exists: Job {reference['projectId']}:{self.location}.{id}")
        self._run(resource, query)
        return {**resource, "status": {"state": "RUNNING"}}

    def _run(self, resource: Answer, query: Query) -> None:
        configuration, id = resource["configuration"], resource["jobReference"]["jobId"]
        self._jobs[id] = _Job(resource, query)
        if "extract" in configuration:
            (uri,) = configuration["extract"]["destinationUris"]
            counts = [str(self.export(uri, query))] if self.export else ["0"]
            resource["statistics"] = {"creationTime": "1700000000000", "extract": {"destinationUriFileCounts": counts}}
            self.billed[id] = 0
            return
        cap = int(configuration["query"].get("maximumBytesBilled", query.bytes))
        if query.bytes > cap:
            message = f"Query exceeded limit for bytes billed: {cap}. {query.bytes} or higher required."
            error = {"reason": "bytesBilledLimitExceeded", "message": message}
            resource["status"] |= {"errorResult": error, "errors": [error]}
            return
        self.billed[id] = query.bytes
        text = configuration["query"]["query"]
        if text.startswith("EXPORT DATA") and self.export:
            files = self.export(text.split("'")[1], query)
            told = {"fileCount": str(files), "rowCount": str(len(query.rows))}
            resource["statistics"]["query"]["exportDataStatistics"] = told

    def _get_job(self, call: Call) -> Answer:
        return self._job(call).resource

    def _results(self, call: Call) -> Answer:
        job = self._job(call)
        if error := job.resource["status"].get("errorResult"):
            raise BigQueryError(400, error["reason"], error["message"])
        job.polls += 1
        answer = {"kind": "bigquery#getQueryResultsResponse", "jobReference": job.resource["jobReference"]}
        if job.polls == 1:
            return {**answer, "jobComplete": False}
        total = {"totalRows": str(len(job.query.rows)), "schema": job.query.schema}
        return {**answer, "jobComplete": True, **total, **_page(call, job.query)}

    def _job(self, call: Call) -> _Job:
        found = self._jobs.get(call.path["jobId"])
        if found is None or call.query.get("location", "US") != self.location:
            raise BigQueryError(404, "notFound", f"Not found: Job {call.path['projectId']}:{call.path['jobId']}")
        return found

    def _get_table(self, call: Call) -> Answer:
        return self.tables[self._named(call, "tableId", self.tables)]

    def _list(self, call: Call) -> Answer:
        query = self.table_rows[self._named(call, "tableId", self.table_rows)]
        return {"kind": "bigquery#tableDataList", "totalRows": str(len(query.rows)), **_page(call, query)}

    def _get_routine(self, call: Call) -> Answer:
        return self.routines[self._named(call, "routineId", self.routines)]

    def _named(self, call: Call, last: str, held: dict[Table, Any]) -> Table:
        name = (call.path["projectId"], call.path["datasetId"], call.path[last])
        if name not in held:
            raise BigQueryError(404, "notFound", f"Not found: Table {name[0]}:{name[1]}.{name[2]}")
        return name

    def _query(self, text: str) -> Query:
        found = [part for part in self.queries if part in text]
        if not found:
            raise BigQueryError(400, "invalidQuery", f"Syntax error: Unexpected {text[:40]!r} at [1:1]")
        return self.queries[max(found, key=len)]

    def _statistics(self, query: Query) -> Answer:
        return {
            "totalBytesProcessed": str(query.bytes),
            "totalBytesProcessedAccuracy": query.accuracy,
            "statementType": query.statement,
            "schema": query.schema,
            "referencedTables": [{"projectId": p, "datasetId": d, "tableId": t} for p, d, t in query.tables],
            "referencedRoutines": [{"projectId": p, "datasetId": d, "routineId": r} for p, d, r in query.routines],
        }


def _page(call: Call, query: Query) -> Answer:
    """The rows of a page, of two at most: what asks must go on to the next."""
    if call.query.get("maxResults") == "0":
        return {}
    first = int(call.query.get("pageToken", call.query.get("startIndex", "0")))
    rows = [{"f": [{"v": value} for value in row]} for row in query.rows[first : first + _PAGE]]
    more = {"pageToken": str(first + _PAGE)} if first + _PAGE < len(query.rows) else {}
    return {"rows": rows, **more}
