"""How the rows of a ``bigquery`` source are got: found out by dry runs, which are free, before anything is spent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.sources.bigquery_calls import BigQueryCalls, Field, Price, Written, fields_of
from mlopsctl.sources.bigquery_identity import States
from mlopsctl.sources.bigquery_names import TableId, table_id
from mlopsctl.sources.bigquery_text import all_rows, bare, exporting, kept_rows, no_select, numbers
from mlopsctl.tables.bigquery import Fingerprinted

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from mlopsctl.sources.bigquery import BigQuery

_DOMAIN = "mlopsctl/bigquery/v1"
_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_ABOUT = {"UPPER_BOUND": "at most ", "LOWER_BOUND": "at least "}
# The types whose text BigQuery and this tool write alike.
_ALIKE = frozenset({"INT64", "FLOAT64", "BOOL", "STRING", "TIMESTAMP"})


@dataclass(frozen=True, slots=True)
class Reading:
    """How to get the rows.

    Attributes:
        query: the statement, with the numbers that are bound to it; empty where a table is read without one.
        price: what its dry run said; ``None`` without a statement.
        table, described: the table a source names, and what BigQuery says of it.
    """

    query: str
    bound: Mapping[str, int]
    price: Price | None
    table: TableId | None = None
    described: Mapping[str, Json] | None = None


def reading_of(source: BigQuery, calls: BigQueryCalls, split: Fingerprinted | None) -> Reading:
    """How to get the rows that a split uses, within what may be spent.

    Raises:
        StepProblem: when the query is no SELECT or would read more than ``max_bytes_billed`` allows, when the split's
            fingerprint would not be BigQuery's own, or when BigQuery does not answer.
    """
    table, described, price = table_id(source.table or ""), None, None
    if table is not None:
        table = table.within(calls.project)
        described = calls.table(table)
        query, fields = all_rows(table), fields_of(described)
    else:
        query = bare(source.query or "")
        price = _price(source, calls, query, {})
        fields = price.fields
    if split is not None:
        _refuse_unlike(fields, split.column)
    if split is not None and not split.whole:
        query, bound = kept_rows(query, split, [field.name for field in fields]), numbers(split)
        return Reading(query, bound, _price(source, calls, query, bound), table, described)
    if described is not None and described.get("type") == "TABLE":
        return Reading("", {}, None, table, described)
    return Reading(query, {}, price or _price(source, calls, query, {}), table, described)


def fingerprint(source: BigQuery, calls: BigQueryCalls, reading: Reading) -> tuple[str, tuple[str, ...]]:
    """What stands in the step's key for the rows, and remarks on how well it does.

    Raises:
        StepProblem: when nothing can stand for them; see :mod:`.bigquery_identity`.
    """
    asked = str(reading.table) if reading.table else bare(source.query or "")
    if source.version is not None:
        answer = _version(source, calls, source.version)
        return digest_json(_DOMAIN, {"asked": asked, "project": calls.project, "version": answer}), ()
    states = States(calls)
    if reading.table is not None:
        states.of_table(reading.table, reading.described)
    elif reading.price is not None:
        states.of_query(asked, reading.price)
    return digest_json(_DOMAIN, {"asked": asked, "states": states.as_json()}), tuple(states.remarks)


def cost(reading: Reading) -> str:
    """What getting the rows would cost, in a few words for a plan."""
    if reading.price is None:
        held = reading.described.get("numBytes") if reading.described else None
        return f"the table of {size(int(str(held or 0)))} would be read without a query"
    return f"the query would read {_ABOUT.get(reading.price.accuracy, '')}{size(reading.price.bytes)}"


def rows(reading: Reading, calls: BigQueryCalls, cap: int | None) -> Iterator[RecordBatch]:
    """The rows, batch by batch."""
    if reading.price is not None:
        return calls.rows_of(calls.run(reading.query, reading.bound, cap, reading.price.location))
    assert reading.table is not None  # there is a statement or a table
    return calls.rows_in(reading.table)


def export(reading: Reading, calls: BigQueryCalls, cap: int | None, place: str) -> Written:
    """Write the rows as Parquet files into a folder of Cloud Storage."""
    files = f"{place}/*.parquet"
    if reading.price is not None:
        return calls.export(exporting(reading.query, files), reading.bound, cap, reading.price.location)
    assert reading.table is not None  # there is a statement or a table
    return calls.extract(reading.table, files, str((reading.described or {}).get("location") or ""))


def size(count: int) -> str:
    """An amount of bytes as a person reads it: ``12.4 GB``, in powers of ten."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return "1 byte" if count == 1 else f"{count} bytes"


def _price(source: BigQuery, calls: BigQueryCalls, query: str, bound: Mapping[str, int]) -> Price:
    """The dry run of a query that may run: one SELECT, within the bound."""
    if why := no_select(query):
        raise StepProblem.because("bad-query", f"the query is no SELECT: {printable(why)}", hint="write one SELECT")
    price = calls.price(query, bound)
    if price.statement != "SELECT":
        message = f"the query is no SELECT: BigQuery calls it {printable(price.statement) or 'nothing'}"
        raise StepProblem.because("bad-query", message, hint="write one SELECT")
    cap = source.max_bytes_billed
    if cap is not None and price.bytes > cap:
        message = (
            f"the query would read {size(price.bytes)} ({price.bytes:,} bytes), more than `max_bytes_billed` allows: "
            f"{size(cap)} ({cap:,} bytes)"
        )
        hint = "raise it, or read less: name columns, bound the partitions"
        raise StepProblem.because("over-budget", message, hint=hint)
    return price


def _version(source: BigQuery, calls: BigQueryCalls, query: str) -> list[Json]:
    """The answer to the ``version`` query, which is run and billed."""
    question = bare(query)
    price = _price(source, calls, question, {})
    job = calls.run(question, {}, source.max_bytes_billed, price.location)
    found = [row for batch in calls.rows_of(job) for row in batch.to_pylist()]
    if len(found) != 1:
        hint = "write a query of one row, for example SELECT max(updated_at), count(*) FROM shop.sales"
        raise StepProblem.because("bad-version", f"the `version` query gave {len(found)} rows, not one", hint=hint)
    return [None if value is None else str(value) for value in found[0].values()]


def _refuse_unlike(fields: tuple[Field, ...], column: str | None) -> None:
    """Refuse a split by fingerprint over values that BigQuery writes otherwise than this tool."""
    unlike = [field for field in fields if column in (None, field.name) and field.type not in _ALIKE]
    if not unlike:
        return
    told = ", ".join(f"'{printable(field.name)}' ({field.type})" for field in unlike[:8])
    first = printable(unlike[0].name)
    message = f"this tool's fingerprint would not be BigQuery's own over {told}"
    hint = f"in a query, write CAST({first} AS STRING) AS {first} or leave it out, or split by another `column`"
    raise StepProblem.because("wrong-type", message, hint=hint)
