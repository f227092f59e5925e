"""BigQuery as it is called: what is asked, paid for, refused and told, against a double of its own contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.cloud.bigquery", reason="google-cloud-bigquery is not installed: requirements/cloud.txt")

from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources import BigQuery
from mlopsctl.tables.bigquery import Fingerprinted
from mlopsctl.tables.engine import opened
from tests.doubles.bigquery import BigQueryDouble, BigQueryError, Query
from tests.doubles.google import serving

PROJECT = "shop-prod"
SALES = (PROJECT, "shop", "sales")
COLUMNS = (("id", "INTEGER"), ("name", "STRING"), ("price", "FLOAT"), ("paid", "BOOLEAN"))
ROWS = (("1", "a", "1.5", "true"), ("2", None, None, None), ("3", "b", "NaN", "false"))
FOUND = Query(COLUMNS, ROWS, bytes=12_400_000_000, tables=(SALES,))
ASKED = "SELECT * FROM shop.sales"


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryDouble]:
    found = BigQueryDouble(queries={"shop.sales": FOUND})
    found.add_table(*SALES, content=FOUND)
    with serving(found) as base:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", base)
        yield found


def _source(**written: Any) -> BigQuery:
    given = written if "table" in written else {"query": ASKED, **written}
    return BigQuery.model_validate({"project": PROJECT, **given})


def _rows(source: BigQuery, folder: Path, split: Fingerprinted | None = None) -> list[tuple[Any, ...]]:
    shards = source.read(folder, split)
    with opened(reads=[folder]) as connection:
        return connection.execute(f"FROM ({shards.scan(connection).query}) ORDER BY id").fetchall()


def _problem(source: BigQuery, split: Fingerprinted | None = None) -> tuple[str, str, str]:
    with pytest.raises(StepProblem) as caught:
        source.asked_here(split)
    (told,) = caught.value.diagnostics
    return told.id, told.message, told.hint


def test_a_plan_prices_the_query_and_runs_nothing(double: BigQueryDouble) -> None:
    asked = _source().asked_here()
    assert asked.cost == "the query would read 12.4 GB"
    assert double.statements(dry=True) == [ASKED]
    assert double.statements() == []
    assert double.billed == {}
    assert double.made() == ["bigquery.jobs.insert", "bigquery.tables.get"]


@pytest.mark.parametrize(
    ("accuracy", "cost"), [("UPPER_BOUND", "at most 12.4 GB"), ("LOWER_BOUND", "at least 12.4 GB")]
)
def test_a_price_that_is_a_bound_says_so(double: BigQueryDouble, accuracy: str, cost: str) -> None:
    double.queries["shop.sales"] = Query(COLUMNS, ROWS, bytes=12_400_000_000, tables=(SALES,), accuracy=accuracy)
    assert _source().asked_here().cost == f"the query would read {cost}"


def test_a_query_beyond_the_bound_is_refused_with_both_numbers_before_it_runs(double: BigQueryDouble) -> None:
    id, message, hint = _problem(_source(max_bytes_billed=1_000_000_000))
    assert (id, bool(hint)) == ("over-budget", True)
    assert "12.4 GB (12,400,000,000 bytes)" in message
    assert "1.0 GB (1,000,000,000 bytes)" in message
    assert double.statements() == []


def test_the_bound_goes_with_the_job_and_holds_where_the_price_was_wrong(
    double: BigQueryDouble, tmp_path: Path
) -> None:
    source = _source(max_bytes_billed=20_000_000_000)
    _rows(source, tmp_path)
    (ran,) = [one.body["configuration"] for one in double.calls if one.method == "bigquery.jobs.insert"][1:]
    assert ran["query"]["maximumBytesBilled"] == "20000000000"
    double.refused["bigquery.jobs.getQueryResults"] = [
        BigQueryError(400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 20000000000.")
    ]
    with pytest.raises(StepProblem, match="bytes billed") as caught:
        source.read(tmp_path)
    assert caught.value.diagnostics[0].id == "over-budget"


def test_the_rows_of_a_query_come_page_by_page_with_their_types(double: BigQueryDouble, tmp_path: Path) -> None:
    rows = _rows(_source(), tmp_path)
    assert [row[:2] for row in rows] == [(1, "a"), (2, None), (3, "b")]
    assert rows[2][2] != rows[2][2]
    assert [row[3] for row in rows] == [True, None, False]
    assert double.made().count("bigquery.jobs.getQueryResults") >= 2


def test_a_table_is_read_without_a_query_and_nothing_is_billed(double: BigQueryDouble, tmp_path: Path) -> None:
    source = _source(table="shop.sales")
    assert source.asked_here().cost == "the table of 12.4 GB would be read without a query"
    assert len(_rows(source, tmp_path)) == 3
    assert double.statements() == []
    assert double.billed == {}


def test_a_view_is_read_by_a_query(double: BigQueryDouble, tmp_path: Path) -> None:
    double.queries["shop.cheap"] = FOUND
    double.queries["SELECT * FROM shop.sales WHERE"] = FOUND
    view = {"query": "SELECT * FROM shop.sales WHERE price < 2", "useLegacySql": False}
    double.add_table(PROJECT, "shop", "cheap", type="VIEW", view=view)
    source = _source(table="shop.cheap")
    before = source.asked_here()
    assert before.cost == "the query would read 12.4 GB"
    assert len(_rows(source, tmp_path)) == 3
    double.add_table(*SALES, content=FOUND, lastModifiedTime="1700000000001")
    assert source.asked_here().digest != before.digest


@pytest.mark.parametrize("fault", ["reset", "lose_reply", "broken", "too_many"])
@pytest.mark.parametrize("call", ["bigquery.jobs.insert", "bigquery.jobs.getQueryResults"])
def test_whatever_happens_to_a_call_the_query_runs_and_is_billed_once(
    double: BigQueryDouble, tmp_path: Path, call: str, fault: str
) -> None:
    # The first insert is the dry run.
    getattr(double.faults, fault)(call, after=1)
    assert len(_rows(_source(), tmp_path)) == 3
    assert double.faults.struck == [call]
    assert list(double.billed.values()) == [12_400_000_000]
    assert all(id.startswith("mlopsctl_") for id in double.billed)


def test_a_lost_answer_is_found_where_the_job_runs(double: BigQueryDouble, tmp_path: Path) -> None:
    double.faults.lose_reply("bigquery.jobs.insert", after=1)
    _rows(_source(), tmp_path)
    (asked,) = [call for call in double.calls if call.method == "bigquery.jobs.get"][:1]
    assert asked.query["location"] == "EU"


@pytest.mark.parametrize(
    ("code", "reason", "id", "words"),
    [
        (403, "accessDenied", "permission-denied", "roles/bigquery.jobUser on the project shop-prod"),
        (403, "quotaExceeded", "quota-exceeded", "quota of the project shop-prod"),
        (404, "notFound", "missing-data", "`location`"),
        (400, "invalidQuery", "bad-query", "correct the query"),
    ],
)
def test_a_refusal_says_which_call_which_project_and_what_to_do(
    double: BigQueryDouble, code: int, reason: str, id: str, words: str
) -> None:
    double.refused["bigquery.jobs.insert"] = [BigQueryError(code, reason, "It was \x1b[31mrefused.")]
    found, message, hint = _problem(_source())
    assert found == id
    assert "jobs.insert, dry run" in message
    assert "for the project shop-prod: It was \\x1b[31mrefused." in message
    assert words in hint


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.setattr("mlopsctl.sources.bigquery_calls._PATIENCE", 0.3)
    id, message, hint = _problem(_source())
    assert id == "no-service"
    assert "jobs.insert" in message
    assert "network" in hint


def test_without_credentials_the_way_to_get_some_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("BIGQUERY_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    id, _, hint = _problem(_source())
    assert id == "no-credentials"
    assert "gcloud auth application-default login" in hint


@pytest.mark.parametrize(
    ("change", "moves"),
    [
        ({"lastModifiedTime": "1700000000001"}, True),
        ({"numRows": "4"}, True),
        ({"streamingBuffer": {"estimatedRows": "7", "estimatedBytes": "70", "oldestEntryTime": "1700000000000"}}, True),
        ({"schema": {"fields": [{"name": "id", "type": "STRING", "mode": "NULLABLE"}]}}, True),
        ({"etag": "another"}, False),
        ({"description": "words"}, False),
    ],
)
@pytest.mark.parametrize("written", [{"table": "shop.sales"}, {"query": ASKED}])
def test_the_state_of_its_tables_stands_for_the_rows(
    double: BigQueryDouble, written: dict[str, str], change: dict[str, Any], moves: bool
) -> None:
    source = _source(**written)
    before = source.asked_here()
    assert source.asked_here() == before
    double.add_table(*SALES, content=FOUND, **change)
    after = source.asked_here()
    assert (after.digest != before.digest) is moves
    assert ("streamed into" in after.cost) is ("streamingBuffer" in change)


def test_what_may_be_spent_and_where_files_lie_do_not_stand_in_the_key(double: BigQueryDouble) -> None:
    plain = _source().asked_here().digest
    assert _source(max_bytes_billed=10**12, export="gs://b1c/d", location="EU").asked_here().digest == plain
    assert _source(query=f"{ASKED} WHERE price > 1").asked_here().digest != plain


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM shop.sales WHERE day > CURRENT_DATE()",
        "SELECT * FROM shop.sales WHERE day > current_date - 7",
        "SELECT *, RAND() AS r FROM shop.sales",
        "SELECT *, GENERATE_UUID() AS r FROM shop.sales",
        "SELECT * FROM EXTERNAL_QUERY('c', 'SELECT 1'), shop.sales",
        "SELECT * FROM shop.sales TABLESAMPLE SYSTEM (10 PERCENT)",
        "SELECT * FROM ML.PREDICT(MODEL shop.m, TABLE shop.sales)",
        "SELECT * FROM `shop.sales_*`",
        "SELECT * FROM shop.INFORMATION_SCHEMA.TABLES, shop.sales",
    ],
)
def test_what_no_state_can_stand_for_needs_a_version(double: BigQueryDouble, query: str) -> None:
    id, message, hint = _problem(_source(query=query))
    assert id == "unseen-data", message
    assert "`version`" in hint
    double.queries["max(day) FROM shop.sales"] = Query((("a", "DATE"),), (("2024-01-01",),), bytes=1)
    first = _source(query=query, version="SELECT max(day) FROM shop.sales").asked_here()
    double.queries["max(day) FROM shop.sales"] = Query((("a", "DATE"),), (("2024-01-02",),), bytes=1)
    assert _source(query=query, version="SELECT max(day) FROM shop.sales").asked_here().digest != first.digest


@pytest.mark.parametrize(
    "described", [{"type": "EXTERNAL"}, {"type": "VIEW", "view": {"query": "SELECT * FROM lost.x"}}, {"type": "VIEW"}]
)
def test_tables_whose_rows_lie_elsewhere_need_a_version(double: BigQueryDouble, described: dict[str, Any]) -> None:
    double.add_table(*SALES, content=FOUND, **described)
    assert _problem(_source())[0] == "unseen-data"


def test_a_function_of_the_user_stands_in_the_key_and_one_outside_is_refused(double: BigQueryDouble) -> None:
    name = (PROJECT, "shop", "f")
    double.queries["shop.f(id) FROM shop.sales"] = Query(COLUMNS, ROWS, tables=(SALES,), routines=(name,))
    reference = {"projectId": PROJECT, "datasetId": "shop", "routineId": "f"}
    double.routines[name] = {"routineReference": reference, "definitionBody": "x + 1", "lastModifiedTime": "1"}
    source = _source(query="SELECT shop.f(id) FROM shop.sales")
    before = source.asked_here().digest
    double.routines[name] = {**double.routines[name], "definitionBody": "x + 2", "lastModifiedTime": "2"}
    assert source.asked_here().digest != before
    double.routines[name] |= {"remoteFunctionOptions": {"endpoint": "https://example.com"}}
    assert "shop-prod.shop.f() asks a service" in _problem(source)[1]


@pytest.mark.parametrize("statement", ["DELETE", "SCRIPT", "CREATE_TABLE_AS_SELECT", "EXPORT_DATA", ""])
def test_only_a_select_is_run(double: BigQueryDouble, statement: str, tmp_path: Path) -> None:
    double.queries["shop.sales"] = Query(statement=statement)
    assert _problem(_source())[0] == "bad-query"
    with pytest.raises(StepProblem, match="no SELECT"):
        _source().read(tmp_path)
    assert double.statements() == []


def test_a_version_of_several_rows_is_refused(double: BigQueryDouble) -> None:
    double.queries["max"] = Query(rows=(("1",), ("2",)))
    assert _problem(_source(version="SELECT max(id)"))[0] == "bad-version"
    assert _problem(_source(version="SELECT max(id)", max_bytes_billed=1))[0] == "over-budget"


def test_no_row_is_told(double: BigQueryDouble, tmp_path: Path) -> None:
    double.queries["shop.sales"] = Query(COLUMNS, ())
    with pytest.raises(StepProblem, match="no rows"):
        _source().read(tmp_path)


def test_unused_buckets_are_left_out_by_the_statement_with_bound_numbers(
    double: BigQueryDouble, tmp_path: Path
) -> None:
    split = Fingerprinted(None, 10, ((0, 4), (7, 7)))
    _rows(_source(), tmp_path, split)
    (ran,) = [
        call.body["configuration"]["query"]
        for call in double.calls
        if call.method == "bigquery.jobs.insert" and not call.body["configuration"].get("dryRun")
    ]
    bucket = "MOD(ABS(FARM_FINGERPRINT(TO_JSON_STRING(row_))), @mlopsctl_buckets)"
    assert ran["query"] == (
        f"SELECT * FROM (\n{ASKED}\n) AS row_\n"
        f"WHERE {bucket} BETWEEN @mlopsctl_from_0 AND @mlopsctl_to_0"
        f" OR {bucket} BETWEEN @mlopsctl_from_1 AND @mlopsctl_to_1"
    )
    bound = {one["name"]: one["parameterValue"]["value"] for one in ran["queryParameters"]}
    assert bound == {
        "mlopsctl_buckets": "10", "mlopsctl_from_0": "0", "mlopsctl_to_0": "4", "mlopsctl_from_1": "7",
        "mlopsctl_to_1": "7",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["DATE", "DATETIME", "TIME", "NUMERIC", "BIGNUMERIC", "BYTES", "JSON", "GEOGRAPHY"])
def test_a_fingerprint_over_values_written_otherwise_is_refused(double: BigQueryDouble, kind: str) -> None:
    double.queries["shop.sales"] = Query((("id", "INTEGER"), ("day", kind)), (), tables=(SALES,))
    for column in (None, "day"):
        id, message, hint = _problem(_source(), Fingerprinted(column, 10, ((0, 9),)))
        assert (id, f"'day' ({kind})" in message, "CAST(day AS STRING)" in hint) == ("wrong-type", True, True)
    _source().asked_here(Fingerprinted("id", 10, ((0, 9),)))
    _source().asked_here()
