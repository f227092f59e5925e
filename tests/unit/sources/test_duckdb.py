"""SQL over files: only the named ones, only one SELECT, only answers that stay the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from mlopsctl.components.ingest import IngestParameters
from mlopsctl.config.load import load_project
from mlopsctl.ground.errors import StepProblem
from mlopsctl.lowering.data_steps import data_steps
from mlopsctl.sources import DuckDb
from mlopsctl.step.key import Surroundings, key_material, step_key
from mlopsctl.tables.engine import opened


@pytest.fixture
def project(tmp_path: Path) -> Path:
    pd.DataFrame({"id": [1, 2, 3], "kind": ["a", "b", None]}).to_csv(tmp_path / "left.csv", index=False)
    pd.DataFrame({"id": [1, 2], "x": [0.5, float("nan")]}).to_parquet(tmp_path / "right.parquet")
    (tmp_path / "more.jsonl").write_text('{"id": 2, "tags": ["t"]}\n{"id": 3, "tags": []}\n')
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    return tmp_path


FILES = {"l": "left.csv", "r": "right.parquet", "more": "more.jsonl"}


def _rows(project: Path, query: str, files: dict[str, str] = FILES) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    source = DuckDb(query=query, files=files)
    with opened(reads=source.paths(project)) as connection:
        scan = source.scan(connection, project)
        return {c.name: c.type.value for c in scan.columns}, connection.execute(scan.query).fetchall()


@pytest.mark.parametrize(
    ("query", "types", "rows"),
    [
        ("SELECT * FROM l ORDER BY id DESC", {"id": "int", "kind": "string"}, [(3, None), (2, "b"), (1, "a")]),
        ("SELECT id, x FROM l JOIN r USING (id) WHERE NOT isnan(x);", {"id": "int", "x": "float"}, [(1, 0.5)]),
        ("WITH big AS (SELECT * FROM l WHERE id > 1) SELECT count(*) AS n FROM big", {"n": "int"}, [(2,)]),
        ("SELECT id::DATE AS d FROM (SELECT '2020-01-31' AS id) -- a comment", {"d": "timestamp"}, None),
        ("SELECT sum(id) AS s, avg(id) AS a FROM L", {"s": "int", "a": "float"}, [(6, 2.0)]),
        ("FROM more SELECT id", {"id": "int"}, [(2,), (3,)]),
        ("SELECT unnest([1, 2]) AS n", {"n": "int"}, [(1,), (2,)]),
        ("SELECT a.range AS n FROM range(2) a", {"n": "int"}, [(0,), (1,)]),
        ("SELECT id FROM l UNION ALL SELECT id FROM more", {"id": "int"}, [(1,), (2,), (3,), (2,), (3,)]),
    ],
)
def test_a_query_over_files_gives_rows(
    project: Path, query: str, types: dict[str, str], rows: list[tuple[Any, ...]] | None
) -> None:
    found, answer = _rows(project, query)
    assert found == types
    assert rows is None or answer == rows


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM read_csv('secret.csv')", r"reads read_csv\(\)"),
        ("SELECT * FROM read_text('/etc/passwd')", r"reads read_text\(\)"),
        ("SELECT * FROM read_parquet('right.parquet')", r"reads read_parquet\(\)"),
        ("SELECT * FROM glob('/etc/*')", r"reads glob\(\)"),
        ("SELECT * FROM l WHERE id IN (SELECT id FROM read_csv('secret.csv'))", r"reads read_csv\(\)"),
        ("FROM query('SELECT 1')", r"reads query\(\)"),
        ("SELECT * FROM duckdb_secrets()", r"reads duckdb_secrets\(\)"),
        ("SELECT * FROM 'secret.csv'", "reads 'secret.csv'"),
        ("SELECT * FROM '/etc/passwd'", "reads '/etc/passwd'"),
        ("SELECT * FROM pg_catalog.pg_class", "reads 'pg_class'"),
        ("SELECT * FROM information_schema.tables", "reads 'tables'"),
        ("SELECT * FROM mor", "reads 'mor'"),
        ("SELECT 1; SELECT 2", "holds 2 statements"),
        ("COPY l TO 'stolen.csv'", "Only SELECT"),
        ("ATTACH 'other.db'", "Only SELECT"),
        ("INSTALL httpfs", "Only SELECT"),
        ("LOAD httpfs", "Only SELECT"),
        ("PRAGMA database_list", "Only SELECT"),
        ("SET enable_external_access = true", "Only SELECT"),
        ("CREATE TABLE t AS SELECT 1", "Only SELECT"),
        ("SELECT getenv('HOME') AS h FROM l", "getenv"),
        ("SELECT random() AS r FROM l", r"random\(\) gives another answer"),
        ("SELECT now() AS t FROM l", r"now\(\) gives another answer|get_current"),
        ("SELECT current_setting('temp_directory') AS t", r"current_setting\(\) gives another answer"),
        ("SELECT current_date AS d FROM l", "current_date gives another answer"),
        ("SELECT id FROM l WHERE localtimestamp > TIMESTAMP '2020-01-01'", "localtimestamp gives another answer"),
        ("WITH u AS (SELECT user AS who) SELECT * FROM u", "user gives another answer"),
        ("SELECT current_localtimestamp() AS t", r"current_localtimestamp\(\) gives another answer"),
        ("SELECT age(TIMESTAMP '2020-01-01') AS a FROM l", "age.. of one moment gives another answer"),
        ("SELECT version() AS v FROM l", r"version\(\) gives another answer"),
        ("SELECT nope FROM l", "nope"),
        ("SELEC id FROM l", "cannot be used"),
        ("SELECT id, id FROM l", "cannot be used|stands twice"),
    ],
)
def test_anything_else_is_refused_with_its_reason(project: Path, query: str, words: str) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        _rows(project, query)
    assert caught.value.diagnostics[0].hint
    assert not (project / "stolen.csv").exists()


def test_a_column_may_be_called_user(project: Path) -> None:
    (project / "users.csv").write_text("user,n\nann,1\n")
    files = {"u": "users.csv"}
    assert _rows(project, "SELECT user, u.user AS again FROM u", files)[1] == [("ann", "ann")]


def test_a_folder_called_like_a_key_adds_no_column(project: Path) -> None:
    folder = project / "year=2020"
    folder.mkdir()
    (project / "right.parquet").rename(folder / "right.parquet")
    assert set(_rows(folder, "SELECT * FROM r", {"r": "right.parquet"})[0]) == {"id", "x"}


def test_how_a_file_is_read_stands_in_the_key_of_its_step(project: Path) -> None:
    def key(uri: str) -> str:
        (project / uri).write_text("id\tkind,label\n1\ta,b\n")
        source = {"kind": "duckdb", "query": "SELECT * FROM l", "files": {"l": uri}}
        text = {"version": 1, "name": "x", "data": {"d": {"source": source}}}
        (project / "mlops.yaml").write_text(json.dumps(text))
        loaded = load_project(project / "mlops.yaml")
        step = next(step for step in data_steps(loaded) if step.component == "ingest")
        assert IngestParameters.model_validate(step.parameters).formats
        sources = loaded.project.data["d"].source.fingerprints(project)
        around = Surroundings(sources=sources, packages=dict.fromkeys(step.packages, "1"))
        return step_key(key_material(step, {}, around))

    assert key("one.csv") == key("two.csv")
    assert key("one.csv") != key("one.tsv")
    assert key("one.csv") != key("one.jsonl")


def test_a_table_that_is_nearly_named_gets_a_hint(project: Path) -> None:
    with pytest.raises(StepProblem) as caught:
        _rows(project, "SELECT * FROM mor")
    assert caught.value.diagnostics[0].hint == "did you mean more?"


def test_a_missing_file_is_named(project: Path) -> None:
    with pytest.raises(StepProblem, match=r"there is no file .*nope\.csv"):
        _rows(project, "SELECT * FROM l", {"l": "nope.csv"})


@pytest.mark.parametrize("name", ["", "a b", "1st", "x;--", "a.b", "é"])
def test_a_table_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValidationError):
        DuckDb.model_validate({"kind": "duckdb", "query": "SELECT 1", "files": {name: "x.csv"}})


def test_each_files_digest_stands_in_the_place_of_its_path(project: Path) -> None:
    source = DuckDb(query="SELECT * FROM l", files={"l": "left.csv", "r": "right.parquet"})
    assert source.outside() == {"files.l": "left.csv", "files.r": "right.parquet"}
    before = source.fingerprints(project)
    assert set(before) == {"left.csv", "right.parquet"}
    (project / "left.csv").write_text("id,kind\n1,z\n")
    after = source.fingerprints(project)
    assert after["left.csv"] != before["left.csv"]
    assert after["right.parquet"] == before["right.parquet"]
