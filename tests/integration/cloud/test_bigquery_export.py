"""Rows exported to Cloud Storage: all of them or none, fetched once, and nothing left there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.bigquery", reason="google-cloud-bigquery is not installed: requirements/cloud.txt")

import pyarrow as pa
import pyarrow.parquet as pq

from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.sources import BigQuery
from mlopsctl.tables.engine import opened
from tests.doubles.bigquery import BigQueryDouble, BigQueryError, Query
from tests.doubles.gcs import CloudStorage, Refuse, Reset
from tests.doubles.google import serving

PROJECT, BUCKET = "shop-prod", "shop-exports"
SALES = (PROJECT, "shop", "sales")
FOUND = Query((("id", "INTEGER"), ("name", "STRING")), [(str(n), f"x{n}") for n in range(10)], 500, tables=(SALES,))
TABLE = {"table": "shop.sales"}
QUERY = {"query": "SELECT * FROM shop.sales"}


class Exporting:
    """Writes a query's rows into the bucket as two files, as BigQuery does; ``lost`` of them are not there."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage = storage
        self.lost = 0
        self.places: list[str] = []

    def __call__(self, pattern: str, query: Query) -> int:
        place = pattern.removeprefix(f"gs://{BUCKET}/").removesuffix("*.parquet")
        self.places.append(place)
        half = len(query.rows) // 2
        for number, rows in enumerate((query.rows[:half], query.rows[half:])):
            held = io.BytesIO()
            table = {"id": [int(row[0] or 0) for row in rows], "name": [row[1] for row in rows]}
            pq.write_table(pa.table(table, schema=pa.schema({"id": pa.int64(), "name": pa.string()})), held)
            if number >= self.lost:
                self.storage.put(BUCKET, f"{place}{number:012d}.parquet", held.getvalue())
        return 2


@pytest.fixture
def storage() -> Iterator[CloudStorage]:
    with CloudStorage([BUCKET]) as running:
        running.put(BUCKET, "tmp/another.parquet", b"of somebody else")
        yield running


@pytest.fixture
def double(storage: CloudStorage, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryDouble]:
    found = BigQueryDouble(queries={"shop.sales": FOUND}, export=Exporting(storage))
    found.add_table(*SALES, content=FOUND)
    with serving(found) as base:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", base)
        yield found


def _ids(folder: Path, written: dict[str, str]) -> list[int]:
    source = BigQuery.model_validate({"project": PROJECT, "export": f"gs://{BUCKET}/tmp", **written})
    shards = source.read(folder)
    with opened(reads=[folder]) as connection:
        rows = connection.execute(f"SELECT id FROM ({shards.scan(connection).query}) ORDER BY id").fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(("written", "billed"), [(TABLE, 0), (QUERY, 500)])
def test_every_shard_is_fetched_and_nothing_is_left(
    double: BigQueryDouble, storage: CloudStorage, tmp_path: Path, written: dict[str, str], billed: int
) -> None:
    assert _ids(tmp_path, written) == list(range(10))
    assert set(storage.buckets[BUCKET]) == {"tmp/another.parquet"}
    assert list(double.billed.values()) == [billed]
    assert isinstance(double.export, Exporting)
    assert double.export.places[0].startswith("tmp/mlopsctl-")


@pytest.mark.parametrize("fault", ["reset", "lose_reply", "broken", "too_many"])
def test_whatever_happens_to_the_call_the_table_is_exported_once(
    double: BigQueryDouble, tmp_path: Path, fault: str
) -> None:
    getattr(double.faults, fault)("bigquery.jobs.insert")
    assert _ids(tmp_path, TABLE) == list(range(10))
    assert double.faults.struck == ["bigquery.jobs.insert"]
    assert isinstance(double.export, Exporting)
    assert len(double.export.places) == 1


@pytest.mark.parametrize("written", [TABLE, QUERY])
def test_a_lost_shard_is_told_and_the_others_are_removed(
    double: BigQueryDouble, storage: CloudStorage, tmp_path: Path, written: dict[str, str]
) -> None:
    assert isinstance(double.export, Exporting)
    double.export.lost = 1
    with pytest.raises(StepProblem, match=r"wrote 2 files to gs://shop-exports/tmp/mlopsctl-.*, and 1 came"):
        _ids(tmp_path, written)
    assert set(storage.buckets[BUCKET]) == {"tmp/another.parquet"}


def test_a_lost_reply_of_the_bucket_changes_nothing(
    double: BigQueryDouble, storage: CloudStorage, tmp_path: Path
) -> None:
    storage.fault("GET /download", Reset())
    storage.fault("DELETE", Reset(after=True))
    assert _ids(tmp_path, QUERY) == list(range(10))
    assert set(storage.buckets[BUCKET]) == {"tmp/another.parquet"}


def test_rows_that_were_paid_for_are_kept_though_their_copies_cannot_be_removed(
    double: BigQueryDouble, storage: CloudStorage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    storage.fault("DELETE", Refuse(403, message="no permission to delete"), times=9)
    assert _ids(tmp_path, QUERY) == list(range(10))
    told = capfd.readouterr().err
    assert "gs://shop-exports/tmp/mlopsctl-" in told
    assert "could not be removed" in told
    assert "no permission to delete" in told


def test_a_refused_export_says_where_to(double: BigQueryDouble, tmp_path: Path) -> None:
    message = "Access Denied: BigQuery BigQuery: Permission denied while writing data."
    double.refused["bigquery.jobs.insert"] = [BigQueryError(403, "accessDenied", message)]
    with pytest.raises(Problem) as caught:
        _ids(tmp_path, TABLE)
    (told,) = caught.value.diagnostics
    assert told.id == "permission-denied"
    assert "did not export the table shop-prod.shop.sales to gs://shop-exports/tmp/" in told.message
    assert "on the bucket" in told.hint


def test_no_row_is_told(double: BigQueryDouble, tmp_path: Path) -> None:
    double.queries["shop.sales"] = Query(FOUND.columns, (), tables=(SALES,))
    with pytest.raises(StepProblem, match="no rows"):
        _ids(tmp_path, QUERY)
