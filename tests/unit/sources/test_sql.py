"""SQL databases as sources, on SQLite: rows, types, digests, and questions that are refused."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.redact import forget_secrets, redact
from mlopsctl.sources import Sql
from mlopsctl.sources.database import identity
from mlopsctl.sources.spool import Answer, Spool
from mlopsctl.tables.engine import opened

URL = "sqlite:///data/rows.db"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data" / "rows.db") as connection:
        connection.execute('CREATE TABLE rows (id INTEGER, x REAL, kind TEXT, "odd ""name" INTEGER)')
        connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", [(2, None, "b%", 1), (1, 0.5, None, 2)])
    connection.close()
    return tmp_path


def _rows(answer: Answer, folder: Path) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    scan = answer.scan()
    with opened(reads=[folder]) as connection:
        rows = connection.execute(f"FROM ({scan.query}) ORDER BY ALL").fetchall()
    return {column.name: column.type.value for column in scan.columns}, rows


def _read(project: Path, tmp_path: Path, **source: Any) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    folder = tmp_path / "spool"
    folder.mkdir()
    return _rows(Sql.model_validate({"url": URL, **source}).read(project, folder), folder)


@pytest.mark.parametrize(
    ("source", "types", "rows"),
    [
        (
            {"table": "rows"},
            {"id": "int", "x": "float", "kind": "string", 'odd "name': "int"},
            [(1, 0.5, None, 2), (2, None, "b%", 1)],
        ),
        ({"query": "SELECT id FROM rows WHERE kind LIKE 'b%' -- and :no parameter"}, {"id": "int"}, [(2,)]),
        ({"query": "SELECT count(*) AS n, NULL AS none FROM rows;"}, {"n": "int", "none": "string"}, [(2, None)]),
        ({"query": "WITH a AS (SELECT 1 AS one) SELECT one FROM a"}, {"one": "int"}, [(1,)]),
        ({"query": "SELECT x'00ff' AS bytes"}, {"bytes": "other"}, [("00ff",)]),
        ({"query": "SELECT 9e999 AS far"}, {"far": "float"}, [(float("inf"),)]),
    ],
)
def test_a_query_or_a_table_gives_rows(
    project: Path, tmp_path: Path, source: dict[str, Any], types: dict[str, str], rows: list[tuple[Any, ...]]
) -> None:
    assert _read(project, tmp_path, **source) == (types, rows)


@pytest.mark.parametrize(
    ("source", "id", "words"),
    [
        ({"query": "SELECT * FROM nope"}, "bad-query", "no such table: nope"),
        ({"query": "SELEC 1"}, "bad-query", "syntax error"),
        ({"query": "SELECT 1; DROP TABLE rows"}, "bad-query", "one statement at a time"),
        ({"query": "DELETE FROM rows"}, "bad-query", "not authorized|authorization denied"),
        ({"query": "DROP TABLE rows"}, "bad-query", "not authorized|authorization denied"),
        ({"query": "CREATE TABLE t (a)"}, "bad-query", "not authorized|authorization denied"),
        ({"query": "DELETE FROM rows RETURNING id"}, "bad-query", "not authorized|authorization denied"),
        ({"query": "PRAGMA writable_schema = ON"}, "bad-query", "not authorized|authorization denied"),
        ({"query": "SELECT * FROM pragma_database_list"}, "bad-query", "not authorized|no such table"),
        ({"query": "ATTACH 'other.db' AS other"}, "bad-query", "not authorized|authorization denied"),
        ({"query": "VACUUM INTO 'stolen.db'"}, "bad-query", "not authorized|authorization denied"),
        ({"query": "SELECT load_extension('x')"}, "bad-query", "not authorized|authorization denied"),
        ({"query": "SELECT 1 WHERE 0"}, "empty-data", "no rows"),
        ({"query": "SELECT 1 AS a, 2 AS a"}, "duplicate-column", "stands twice"),
        ({"query": "SELECT 1 AS a, 2 AS A"}, "duplicate-column", "differ only in case"),
        (
            {"query": "SELECT 1 AS a UNION ALL SELECT 'x'"},
            "wrong-type",
            "column 'a' of the answer mixes int and string",
        ),
        ({"table": "nope; DROP TABLE rows"}, "bad-query", "no such table"),
        ({"url": "sqlite:///data/nope.db", "table": "rows"}, "missing-data", r"no database file .*nope\.db"),
        ({"url": "sqlite://", "table": "rows"}, "missing-data", "no database file"),
        ({"url": "mysql+pymysql://db.example.com/x", "table": "rows"}, "unsupported-database", r"mysql\+pymysql"),
        ({"url": "not a url", "table": "rows"}, "bad-url", "is no database URL"),
        ({"url": {"secret": "NO_SUCH_SECRET"}, "table": "rows"}, "missing-secret", "NO_SUCH_SECRET"),
    ],
)
def test_what_a_database_cannot_answer_is_a_clear_problem(
    project: Path, tmp_path: Path, source: dict[str, Any], id: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(StepProblem, match=words) as caught:
        _read(project, tmp_path, **source)
    assert [diagnostic.id for diagnostic in caught.value.diagnostics] == [id]
    assert caught.value.diagnostics[0].hint
    left = sorted(path.name for path in project.rglob("*.db"))
    assert left == ["rows.db"]
    with sqlite3.connect(project / "data" / "rows.db") as connection:
        assert connection.execute("SELECT count(*) FROM rows").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize(
    ("batches", "type", "expected"),
    [
        ([[1], [2.5]], "float", [1.0, 2.5]),
        ([[None], [3]], "int", [3, None]),
        ([[None], [None]], "string", [None, None]),
        ([[Decimal("0.1")], [Decimal("NaN")]], "float", [0.1, float("nan")]),
        ([[True, None]], "bool", [True, None]),
        (
            [[date(2020, 1, 31)], [datetime(2020, 2, 1, 12)]],
            "timestamp",
            [datetime(2020, 1, 31), datetime(2020, 2, 1, 12)],
        ),
        ([[datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=2)))]], "timestamp", [datetime(2019, 12, 31, 22)]),
        ([[datetime(2020, 1, 1, tzinfo=UTC)]], "timestamp", [datetime(2020, 1, 1)]),
        ([[UUID(int=7)]], "string", ["00000000-0000-0000-0000-000000000007"]),
        ([[{"b": 1, "a": [2]}], [[1]]], "other", ["[1]", '{"a": [2], "b": 1}']),
        ([["é\x00"]], "string", ["é\x00"]),
    ],
)
def test_values_of_any_driver_become_few_types(
    tmp_path: Path, batches: list[list[Any]], type: str, expected: list[Any]
) -> None:
    with Spool(tmp_path, ["x"]) as spool:
        for batch in batches:
            spool.add([(value,) for value in batch])
    types, rows = _rows(spool.answer(), tmp_path)
    assert types == {"x": type}
    assert list(map(repr, [row[0] for row in rows])) == list(map(repr, expected))


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        ([[1], ["x"]], "mixes int and string"),
        ([[1, True]], "mixes bool and int"),
        ([[2**63]], "cannot be kept"),
        ([[datetime(2020, 1, 1)], ["2020-01-01"]], "mixes string and timestamp"),
        ([[0.5], [b"x"]], "mixes float and other"),
    ],
)
def test_a_column_of_several_types_is_refused(tmp_path: Path, batches: list[list[Any]], words: str) -> None:
    def spooled() -> None:
        with Spool(tmp_path, ["x"]) as spool:
            for batch in batches:
                spool.add([(value,) for value in batch])

    with pytest.raises(StepProblem, match=words):
        spooled()


def _digest(project: Path, tmp_path: Path, **source: Any) -> str:
    folder = tmp_path / f"digest-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return Sql.model_validate({"url": URL, **source}).fingerprint_here(project, folder)


def test_the_digest_is_of_the_rows_and_not_of_their_order(project: Path, tmp_path: Path) -> None:
    first = _digest(project, tmp_path, table="rows")
    assert first == _digest(project, tmp_path, query="SELECT * FROM rows ORDER BY id DESC")
    assert first == _digest(project, tmp_path, query="SELECT * FROM rows ORDER BY id")
    others = [
        _digest(project, tmp_path, query=query)
        for query in (
            "SELECT * FROM rows UNION ALL SELECT * FROM rows",
            "SELECT * FROM rows LIMIT 1",
            "SELECT id, x, kind FROM rows",
            'SELECT id, x AS y, kind, "odd ""name" FROM rows',
            'SELECT id, x, coalesce(kind, \'\') AS kind, "odd ""name" FROM rows',
        )
    ]
    assert len({first, *others}) == 6


def test_a_version_stands_for_the_rows(project: Path, tmp_path: Path) -> None:
    def version(query: str) -> str:
        return _digest(project, tmp_path, table="rows", version=query)

    assert version("SELECT max(id) FROM rows") == version("SELECT max(id) FROM rows")
    assert version("SELECT max(id) FROM rows") != version("SELECT max(id) + 1 FROM rows")
    assert version("SELECT max(id) FROM rows") != version("SELECT 2")
    assert version("SELECT NULL") != version("SELECT 'None'")
    for query in ("SELECT id FROM rows", "SELECT 1 WHERE 0"):
        with pytest.raises(StepProblem, match="not one"):
            version(query)


def test_two_databases_of_one_version_are_two_data(project: Path, tmp_path: Path) -> None:
    question = {"table": "rows", "version": "SELECT max(id) FROM rows"}
    first = _digest(project, tmp_path, **question)
    for copy in ("data/prod.db", "moved/data/rows.db"):
        (project / copy).parent.mkdir(parents=True, exist_ok=True)
        (project / copy).write_bytes((project / "data" / "rows.db").read_bytes())
    assert first != _digest(project, tmp_path, **question, url="sqlite:///data/prod.db")
    assert first == _digest(project, tmp_path, **question, url="sqlite:///data/../data/rows.db")
    assert first == _digest(project / "moved", tmp_path, **question)


def test_a_database_is_the_same_for_all_who_ask(tmp_path: Path) -> None:
    def known(url: str) -> str:
        return json.dumps(identity(url, tmp_path))

    first = known("postgresql+psycopg://me:hunter2@db.example.com/sales")
    assert first == known("postgresql://DB.example.com:5432/sales?user=you&password=hunter2")
    assert "hunter2" not in first
    others = ["db.example.com/other", "db2.example.com/sales", "db.example.com:5433/sales"]
    assert len({first, *(known(f"postgresql://{other}") for other in others)}) == 4


def test_two_questions_never_share_a_name() -> None:
    questions = [
        {"query": "SELECT 'a b' AS x"},
        {"query": "SELECT 'a  b' AS x"},
        {"table": "SELECT 'a b' AS x"},
        {"query": "SELECT 'a b' AS x", "version": "SELECT 1"},
        {"query": "SELECT 'a b' AS x", "version": "SELECT 2"},
    ]
    assert len({Sql.model_validate({"url": URL, **one}).outside()["url"] for one in questions}) == len(questions)


def test_a_plan_asks_in_a_process_of_its_own(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWS_URL", URL)
    monkeypatch.setenv("ANOTHER_SECRET", "not for the child")
    source = Sql.model_validate({"url": {"secret": "ROWS_URL"}, "table": "rows"})
    (name,) = source.outside().values()
    assert name.startswith("{secret: ROWS_URL}: rows (")
    assert source.resolved(project) == ("secret:ROWS_URL",)
    assert source.fingerprints(project) == {name: _digest(project, tmp_path, table="rows")}
    with pytest.raises(StepProblem, match="no such table: nope") as caught:
        Sql.model_validate({"url": {"secret": "ROWS_URL"}, "table": "nope"}).fingerprints(project)
    assert caught.value.diagnostics[0].id == "bad-query"


def test_a_password_is_never_told(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        for url in ("mysql://me:hunter2hunter2@db.example.com/x", "hunter2hunter2 is no url"):
            monkeypatch.setenv("ROWS_URL", url)
            source = {"url": {"secret": "ROWS_URL"}, "table": "rows"}
            with pytest.raises(StepProblem) as caught:
                Sql.model_validate(source).fingerprint_here(project, tmp_path)
            assert "hunter2" not in str(caught.value)
            with pytest.raises(StepProblem) as elsewhere:
                Sql.model_validate(source).fingerprints(project)
            assert "hunter2" not in str(elsewhere.value)
        assert redact("hunter2hunter2") == "***"
    finally:
        forget_secrets()


def test_a_long_question_has_a_short_name(project: Path) -> None:
    names = [
        Sql.model_validate({"url": URL, "query": f"SELECT {', '.join('abcdefghij' * 9)}\n  FROM {table}"}).outside()[
            "url"
        ]
        for table in ("one", "two")
    ]
    assert len(set(names)) == 2
    assert all("\n" not in name and len(name) < 130 for name in names)


@pytest.mark.parametrize(
    "source",
    [
        {"url": URL},
        {"url": URL, "query": "SELECT 1", "table": "rows"},
        {"url": "postgresql://me:secret@db.example.com/x", "table": "rows"},
        {"url": URL, "query": ""},
        {"url": URL, "table": "rows", "version": ""},
        {"url": 7, "table": "rows"},
    ],
)
def test_a_source_that_says_too_much_or_too_little_is_refused(source: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sql.model_validate(source)
