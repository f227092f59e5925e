"""A database as a source, from plan to artifact: its digest, its secret, and what it may be asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources import Sql
from tests.integration.cli import call
from tests.integration.postgres import USER, Server

PASSWORD = "correct-horse-battery"
PROJECT = """\
version: 1
name: sales
data:
  sales:
    source: {kind: sql, url: {secret: SALES_URL}, query: "SELECT * FROM sales WHERE item LIKE '%a%'"}
    filter: "amount IS NOT NULL"
    columns: [id, amount, item, sold, paid]
    checks:
      - {name: enough-rows, kind: row_count, min: 50}
"""
TABLE = (
    "CREATE TABLE sales (id bigint, amount numeric(10, 2), item text, sold timestamptz, tags jsonb, paid boolean)",
    "INSERT INTO sales SELECT n, CASE WHEN n % 50 = 0 THEN NULL ELSE n * 0.5 END, 'pear ' || n % 7, "
    "TIMESTAMPTZ '2020-01-01 00:00+02' + n * INTERVAL '1 hour', '{\"n\": 1}', n % 2 = 0 FROM generate_series(1, 300) n",
)


@pytest.fixture
def url(postgres: Server) -> str:
    """A database with a table of sales; its URL has a password."""
    database = postgres.database()
    name = database.rpartition("/")[2]
    postgres.sql(*TABLE, database=name)
    return database.replace(f"{USER}@", f"{USER}:{PASSWORD}@")


def test_rows_of_postgresql_are_read_once_and_again_when_they_change(
    tmp_path: Path, url: str, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlops.yaml").write_text(PROJECT)
    unset = call(tmp_path, "plan")
    assert unset.code == 65, unset
    assert "SALES_URL" in unset.err
    assert "mlops.yaml:5" in unset.err
    monkeypatch.setenv("SALES_URL", url)
    applied = call(tmp_path, "apply", "--yes")
    # Nothing is released where nothing is trained.
    assert applied.code in (0, 4), applied
    assert "294 rows" in applied.out + applied.err
    assert call(tmp_path, "plan", "--detailed-exitcode").code == 0
    postgres.sql("UPDATE sales SET amount = amount + 1 WHERE id = 7", database=url.rpartition("/")[2])
    changed = call(tmp_path, "plan", "--detailed-exitcode")
    assert changed.code == 2, changed
    assert "{secret: SALES_URL}" in changed.out
    for done in (applied, changed):
        assert PASSWORD not in str(done)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes(), file


def test_a_version_query_stands_for_the_rows(
    tmp_path: Path, url: str, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_URL", url)
    source = {"url": {"secret": "SALES_URL"}, "table": "sales", "version": "SELECT max(id) FROM sales"}
    versioned = Sql.model_validate(source)
    before = versioned.fingerprint_here(tmp_path, tmp_path)
    postgres.sql("UPDATE sales SET amount = 0 WHERE id = 7", database=url.rpartition("/")[2])
    assert versioned.fingerprint_here(tmp_path, tmp_path) == before
    postgres.sql("INSERT INTO sales (id) VALUES (1000)", database=url.rpartition("/")[2])
    assert versioned.fingerprint_here(tmp_path, tmp_path) != before


def test_the_types_of_postgresql_become_few(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_URL", url)
    answer = Sql.model_validate({"url": {"secret": "SALES_URL"}, "table": "public.sales"}).read(tmp_path, tmp_path)
    assert {column.name: column.type.value for column in answer.columns} == {
        "id": "int", "amount": "float", "item": "string", "sold": "timestamp", "tags": "other", "paid": "bool",
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE sales",
        "DELETE FROM sales RETURNING id",
        "SELECT 1; DROP TABLE sales",
        "SELECT 1; COMMIT; DROP TABLE sales",
        "WITH gone AS (DELETE FROM sales RETURNING id) SELECT * FROM gone",
        "COPY sales TO PROGRAM 'cat'",
        "SET default_transaction_read_only = off",
        "SELECT nextval('numbers')",
        "SELECT * FROM nope",
        "SELECT set_config('transaction_read_only', 'off', false), pg_notify('a', 'b'), 1 FROM nope",
    ],
)
def test_a_question_that_changes_anything_is_refused(
    tmp_path: Path, url: str, postgres: Server, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setenv("SALES_URL", url)
    database = url.rpartition("/")[2]
    postgres.sql("CREATE SEQUENCE IF NOT EXISTS numbers", database=database)
    with pytest.raises(StepProblem) as caught:
        Sql.model_validate({"url": {"secret": "SALES_URL"}, "query": query}).read(tmp_path, tmp_path)
    assert caught.value.diagnostics[0].id == "bad-query"
    assert postgres.sql("SELECT count(*) FROM sales", database=database) == [(300,)]


def test_a_server_that_is_not_there_is_told_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_URL", f"postgresql://{USER}:{PASSWORD}@127.0.0.1:1/nothing")
    with pytest.raises(StepProblem) as caught:
        Sql.model_validate({"url": {"secret": "SALES_URL"}, "table": "sales"}).read(tmp_path, tmp_path)
    assert caught.value.diagnostics[0].id == "no-database"
    assert PASSWORD not in str(caught.value)
    assert os.environ["SALES_URL"] not in str(caught.value)
