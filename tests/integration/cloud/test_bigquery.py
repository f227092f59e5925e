"""BigQuery as a source, from plan to artifact, on an emulator that runs the SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("google.cloud.bigquery", reason="google-cloud-bigquery is not installed: requirements/cloud.txt")

from mlopsctl.artifacts.manifest import scan as manifest_of
from mlopsctl.components import ingest
from mlopsctl.components.spec import Work
from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources import BigQuery
from mlopsctl.sources.bigquery_calls import BigQueryCalls
from mlopsctl.sources.bigquery_text import kept_rows, numbers
from mlopsctl.splits import FarmFingerprint
from mlopsctl.tables.bigquery import Fingerprinted, row_sql, text_sql
from mlopsctl.tables.columns import Column, ColumnType
from mlopsctl.tables.engine import opened
from mlopsctl.tables.examples import Examples
from mlopsctl.tables.examples import read as read_examples
from tests.doubles.bigquery_emulator import INTERPRETER, MISSING, PROJECT, emulator
from tests.doubles.gcs import CloudStorage, Kept
from tests.integration.cli import call

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

pytestmark = pytest.mark.skipif(not INTERPRETER.exists(), reason=MISSING)

SALES = (
    "SELECT n AS id, n / 4 AS price, CONCAT('kind ', CAST(MOD(n, 7) AS STRING)) AS kind, MOD(n, 2) = 0 AS paid "
    "FROM UNNEST(GENERATE_ARRAY(1, 300)) AS n"
)
HOSTILE = (
    "", " ", "a", "äöü", "日本語", "😀 and 😁", '"', "\\", "\\\"", "a\nb", "a\rb", "a\tb", "a\bb\ff", "/", "</script>",
    "' OR 1=1; DROP TABLE shop.sales; --", "{{x}} ${y} @z", "null", "NaN", "0", "\x7f", "é", "é", "\ufeff", "\u200b",
    "x" * 63, "x" * 64, "x" * 65, "ß" * 200,
)  # fmt: skip


class Folder(CloudStorage):
    """Cloud Storage that also has what stands in a folder: there the emulator exports to."""

    def __init__(self, buckets: list[str], folder: Path) -> None:
        super().__init__(buckets)
        self.folder = folder

    def bucket(self, name: str) -> dict[str, Kept]:
        for file in sorted((self.folder / name).rglob("*.parquet")):
            self.put(name, file.relative_to(self.folder / name).as_posix(), file.read_bytes())
            file.unlink()
        return super().bucket(name)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("buckets")
    (folder / "shop-exports").mkdir()
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, storage: Path) -> Iterator[str]:
    with emulator(tmp_path_factory.mktemp("bigquery"), storage) as base:
        yield base


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server)
    found: Client = BigQueryCalls(PROJECT, None)._client
    found.create_dataset("shop", exists_ok=True)
    found.query_and_wait(f"CREATE OR REPLACE TABLE shop.sales AS {SALES}")
    return found


def _source(**written: Any) -> BigQuery:
    return BigQuery.model_validate({"project": PROJECT, **written})


def _ingest(folder: Path, source: dict[str, Any], split: dict[str, Any]) -> tuple[str, Examples]:
    """The digest and the summary of the examples that ``ingest`` leaves."""
    out = folder / f"examples-{len(list(folder.iterdir()))}"
    out.mkdir()
    parameters = {"dataset": "sales", "source": source, "split": split}
    ingest.run(Work(folder, {}, {"examples": out}), ingest.IngestParameters.model_validate(parameters))
    return manifest_of(out).digest, read_examples(out)


def test_a_query_a_table_and_an_export_leave_the_artifact_of_the_same_rows_in_a_file(
    client: Client, tmp_path: Path, storage: Path
) -> None:
    import pyarrow.parquet as pq
    from pyarrow.csv import write_csv

    rows = client.query_and_wait("SELECT * FROM shop.sales ORDER BY id").to_arrow()
    pq.write_table(rows, tmp_path / "rows.parquet")
    write_csv(rows, tmp_path / "rows.csv")
    split = {"kind": "farm_fingerprint", "column": "id", "buckets": 10, "train": "0-5", "validation": 6, "test": "7-9"}
    named = {"kind": "bigquery", "project": PROJECT}
    asked = {**named, "query": "SELECT * FROM shop.sales"}
    expected, found = _ingest(tmp_path, {"kind": "parquet", "uri": "rows.parquet"}, split)
    assert sum(found.splits.values()) == found.rows == 300
    assert _ingest(tmp_path, {"kind": "csv", "uri": "rows.csv"}, split)[0] == expected
    assert _ingest(tmp_path, {**named, "table": "shop.sales"}, split)[0] == expected
    assert _ingest(tmp_path, asked, split)[0] == expected
    with Folder(["shop-exports"], storage) as bucket:
        assert _ingest(tmp_path, {**asked, "export": "gs://shop-exports/tmp/mlopsctl"}, split)[0] == expected
        assert bucket.buckets["shop-exports"] == {}
        assert [request for request in bucket.requests if request.startswith("DELETE")]
    # Where some buckets are unused, their rows are not there at all.
    split |= {"test": "8-9"}
    left, summary = _ingest(tmp_path, asked, split)
    assert left != expected
    assert (summary.splits["unused"], summary.splits["train"]) == (0, found.splits["train"])
    assert summary.rows < 300


def test_a_plan_shows_the_cost_and_a_run_happens_again_when_the_table_changes(
    client: Client, tmp_path: Path, storage: Path
) -> None:
    source = {"kind": "bigquery", "project": PROJECT, "table": "shop.sales", "export": "gs://shop-exports/cli"}
    split = {"kind": "farm_fingerprint", "column": "id", "buckets": 10, "train": "0-5", "validation": 6, "test": "7-8"}
    _write(tmp_path, source, split)
    with Folder(["shop-exports"], storage) as bucket:
        planned = call(tmp_path, "plan")
        assert planned.code == 0, planned
        assert "ingest-sales: the query would read 0 bytes" in planned.out
        applied = call(tmp_path, "apply", "--yes")
        assert applied.code in (0, 4), applied
        assert "rows of unused buckets stayed in BigQuery" in applied.out + applied.err
        assert bucket.buckets["shop-exports"] == {}
    # What may be spent, and where files lie meanwhile, change no row.
    _write(tmp_path, {**source, "export": "gs://elsewhere-1/x", "max_bytes_billed": 10**9, "location": "US"}, split)
    again = call(tmp_path, "plan", "--detailed-exitcode")
    assert again.code == 0, again
    assert "would read" not in again.out
    client.query_and_wait(f"CREATE OR REPLACE TABLE shop.sales AS {SALES} LIMIT 200")
    changed = call(tmp_path, "plan", "--detailed-exitcode")
    assert changed.code == 2, changed
    assert "data bigquery: shop.sales" in changed.out


def _write(folder: Path, source: dict[str, Any], split: dict[str, Any]) -> None:
    content = {"version": 1, "name": "sales", "data": {"sales": {"source": source, "split": split}}}
    (folder / "mlops.yaml").write_text(json.dumps(content))


def test_what_is_wrong_is_told_at_the_line_that_asks_for_it(client: Client, tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text(
        "version: 1\nname: sales\ndata:\n  sales:\n    source:\n      kind: bigquery\n"
        f"      project: {PROJECT}\n      query: SELECT * FROM shop.nothing\n"
    )
    planned = call(tmp_path, "plan")
    assert planned.code == 65, planned
    assert "mlops.yaml:8" in planned.err
    assert "shop.nothing" in planned.err
    assert f"for the project {PROJECT}" in planned.err


def test_only_the_rows_of_used_buckets_leave_bigquery(client: Client, tmp_path: Path, storage: Path) -> None:
    split = FarmFingerprint(column="id", buckets=4, train=0, validation=1, test=3)
    source = _source(query="SELECT * FROM shop.sales;  -- all of them", version="SELECT 1")
    shards = source.read(tmp_path, split.used())
    everything = client.query_and_wait(
        "SELECT id, MOD(ABS(FARM_FINGERPRINT(CAST(id AS STRING))), 4) AS bucket FROM shop.sales"
    ).to_arrow()
    wanted = sorted(row["id"] for row in everything.to_pylist() if row["bucket"] != 2)
    assert 0 < len(wanted) < 300
    with opened(reads=[tmp_path]) as connection:
        scan = shards.scan(connection)
        assert scan.remarks == ("rows of unused buckets stayed in BigQuery",)
        connection.execute(f"CREATE TABLE kept AS FROM ({scan.query})")
        placed = split.places(connection, "kept", scan.columns)
        assert connection.execute(f"SELECT count(*) FROM ({placed.query}) WHERE place IS NULL").fetchone() == (0,)
        assert sorted(row[0] for row in connection.execute("SELECT id FROM kept").fetchall()) == wanted
    exported = _source(query="SELECT * FROM shop.sales", version="SELECT 1", export="gs://shop-exports/tmp")
    (tmp_path / "exported").mkdir()
    with Folder(["shop-exports"], storage), opened(reads=[tmp_path / "exported"]) as connection:
        found = exported.read(tmp_path / "exported", split.used()).scan(connection)
        assert sorted(row[0] for row in connection.execute(f"SELECT id FROM ({found.query})").fetchall()) == wanted


@pytest.mark.parametrize("column", ["text", None])
def test_both_sides_put_hostile_rows_into_the_same_bucket(client: Client, column: str | None) -> None:
    """Over values that the emulator writes as BigQuery does; the others stand in the vectors of tables/bigquery.py."""
    from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

    rows = [(number - 2, text, number % 2 == 0) for number, text in enumerate(HOSTILE)]
    rows = [*rows, (2**53, None, None), (-(2**53), "last", False)]
    parts = [f"SELECT {id} AS id, @t{n} AS text, {_bool(ok)} AS ok" for n, (id, _, ok) in enumerate(rows)]
    made = " UNION ALL ".join(parts)
    bound = [ScalarQueryParameter(f"t{n}", "STRING", text) for n, (_, text, _) in enumerate(rows)]
    client.query_and_wait(
        f"CREATE OR REPLACE TABLE shop.hostile AS {made}", job_config=QueryJobConfig(query_parameters=bound)
    )
    columns = [Column("id", ColumnType.INT), Column("text", ColumnType.STRING), Column("ok", ColumnType.BOOL)]
    with opened() as connection:
        connection.execute("CREATE TABLE hostile (id BIGINT, text VARCHAR, ok BOOLEAN)")
        connection.executemany("INSERT INTO hostile VALUES (?, ?, ?)", rows)
        text = row_sql(columns) if column is None else text_sql(columns[1])
        ours = dict(connection.execute(f"SELECT id, {text} FROM hostile").fetchall())
        split = FarmFingerprint(column=column, buckets=7, train="0-2", validation=3, test="5-6")
        placed = split.places(connection, "hostile", columns)
        places = connection.execute(
            f"SELECT id FROM hostile POSITIONAL JOIN ({placed.query}) WHERE place IS NOT NULL"
        ).fetchall()
    theirs = {
        row["id"]: row["said"]
        for row in client.query_and_wait(
            f"SELECT id, {'TO_JSON_STRING(r)' if column is None else 'CAST(r.text AS STRING)'} AS said "
            "FROM shop.hostile AS r"
        )
    }
    assert ours == theirs
    calls = BigQueryCalls(PROJECT, None)
    used = split.used()
    statement = kept_rows("SELECT * FROM shop.hostile", used, ["id", "text", "ok"])
    kept = [row for batch in calls.rows_of(calls.run(statement, numbers(used), None, "")) for row in batch.to_pylist()]
    assert sorted(row["id"] for row in kept) == sorted(row[0] for row in places)
    assert 0 < len(kept) < len(rows)


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("CAST(NULL AS INT64)", "int", None),
        ("CAST(NULL AS STRING)", "string", None),
        ("CAST(NULL AS TIMESTAMP)", "timestamp", None),
        ("9223372036854775807", "int", 2**63 - 1),
        ("NUMERIC '1.5'", "float", 1.5),
        ("BIGNUMERIC '1.5'", "float", 1.5),
        ("DATE '2020-02-29'", "timestamp", "2020-02-29 00:00:00"),
        ("DATETIME '2020-02-29 12:30:00.25'", "timestamp", "2020-02-29 12:30:00.250000"),
        ("TIMESTAMP '2020-02-29 12:30:00+02'", "timestamp", "2020-02-29 10:30:00"),
        ("TIME '12:30:00'", "string", "12:30:00"),
        ("JSON '{\"a\":1}'", "string", '{"a":1}'),
        ("[1, 2]", "other", None),
        ("STRUCT(1 AS a)", "other", None),
        ("b'ab'", "other", None),
    ],
)
def test_the_types_of_bigquery_become_few(
    client: Client, tmp_path: Path, expression: str, kind: str, value: object
) -> None:
    shards = _source(query=f"SELECT 1 AS id, {expression} AS x").read(tmp_path)
    with opened(reads=[tmp_path]) as connection:
        scan = shards.scan(connection)
        assert [column.type.value for column in scan.columns] == ["int", kind]
        found = connection.execute(f"SELECT x FROM ({scan.query})").fetchone()
    if kind != "other":
        assert found is not None
        assert (found[0] if value is None or kind in ("int", "float") else str(found[0])) == value


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE shop.sales",
        "DELETE FROM shop.sales WHERE TRUE",
        "CREATE TABLE shop.other AS SELECT 1 AS a",
        "INSERT INTO shop.sales (id) VALUES (1)",
        "SELECT 1; DROP TABLE shop.sales",
        "SELECT 1) AS a; DROP TABLE shop.sales; --",
        "SELECT 1 /* not closed",
        "EXPORT DATA OPTIONS (uri = 'gs://shop-exports/stolen/*.parquet', format = 'PARQUET') AS SELECT 1",
        "BEGIN SELECT 1; END",
        "",
    ],
)
def test_a_statement_that_is_no_select_does_nothing(client: Client, tmp_path: Path, query: str, storage: Path) -> None:
    before = {table.table_id for table in client.list_tables("shop")}
    split = Fingerprinted(None, 10, ((0, 4),))
    with pytest.raises((StepProblem, ValueError)):
        _source(query=query).read(tmp_path, split)
    assert {table.table_id for table in client.list_tables("shop")} == before
    assert next(iter(client.query_and_wait("SELECT count(*) FROM shop.sales"))).values() == (300,)
    assert not (storage / "shop-exports" / "stolen").exists()


def _bool(value: bool | None) -> str:
    return "CAST(NULL AS BOOL)" if value is None else str(value).upper()
