"""``filter``: one condition over one row, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.engine import opened
from mlopsctl.tables.filter import filtered

ROWS = "SELECT * FROM (VALUES (1, 'a', 0.5::DOUBLE), (2, 'b', NULL), (3, NULL, 'nan'::DOUBLE)) AS t(n, text, \"a b\")"


def _kept(condition: str) -> list[int]:
    with opened() as connection:
        query = filtered(connection, ROWS, condition, ["n", "text", "a b"])
        return [row[0] for row in connection.execute(query).fetchall()]


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("n > 1", [2, 3]),
        ("n BETWEEN 1 AND 2 AND text IS NOT NULL", [1, 2]),
        ('"a b" IS NULL OR isnan("a b")', [2, 3]),
        ("text LIKE 'a%' -- only these", [1]),
        ("lower(text) IN ('a', 'x')", [1]),
        ("n > 99", []),
        ("text = 'it''s; DROP TABLE t'", []),
    ],
)
def test_a_condition_keeps_the_rows_for_which_it_is_true(condition: str, kept: list[int]) -> None:
    assert _kept(condition) == kept


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("", "cannot be used"),
        ("n >", "cannot be used"),
        ("n > 1; DROP TABLE t", "cannot be used"),
        ("n > 1) OR (1 = 1", "cannot be used"),
        ("n > 1, n < 3", "cannot be used"),
        ("n > 1 /*", "cannot be used"),
        ("n", "not true or false"),
        ("text", "not true or false"),
        ("m > 1", "m"),
        ("n IN (SELECT 1)", "a query of its own"),
        ("EXISTS (FROM read_csv('/etc/passwd'))", "a query of its own"),
        ("random() < 0.5", "another answer each time"),
        ("now() > TIMESTAMP '2020-01-01'", "another answer each time"),
        *(
            (f"{word} IS NOT NULL", "another answer each time")
            for word in (
                "current_date",
                "Current_Timestamp",
                "localtimestamp",
                "current_time",
                "localtime",
                "current_user",
                "session_user",
                "user",
                "current_localtimestamp()",
                "current_localtime()",
                "version()",
                "today()",
                "age(TIMESTAMP '2020-01-01')",
                "ago('1 day')",
                "get_current_timestamp()",
            )
        ),
        ("sum(n) > 1", "cannot be used"),
        ("row_number() OVER () = 1", "looks at other rows"),
        ("no_such_function(n)", "cannot be used"),
    ],
)
def test_anything_else_is_refused_with_its_reason(condition: str, words: str) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        _kept(condition)
    assert caught.value.diagnostics[0].id == "bad-filter"
    assert caught.value.diagnostics[0].hint


def test_a_column_may_be_called_like_the_time_or_the_user() -> None:
    rows = 'SELECT 7 AS "user", DATE \'2020-01-31\' AS "Current_Date"'
    with opened() as connection:
        for condition in ("user = 7", "current_date < DATE '2021-01-01'", "source.user = 7"):
            query = filtered(connection, rows, condition, ["user", "Current_Date"])
            assert len(connection.execute(query).fetchall()) == 1
        with pytest.raises(StepProblem, match="current_time gives another answer"):
            filtered(connection, rows, "current_time > TIME '12:00:00'", ["user", "Current_Date"])


def test_the_time_between_two_moments_stays_the_same() -> None:
    assert _kept("age(TIMESTAMP '2020-01-02', TIMESTAMP '2020-01-01') > INTERVAL 1 HOUR") == [1, 2, 3]


HOSTILE = [
    "EXISTS (SELECT * FROM read_csv('/etc/passwd'))",
    "n IN (SELECT length(content) FROM read_text('/etc/passwd'))",
    "(SELECT count(*) FROM glob('/etc/*')) > 0",
    "EXISTS (FROM '/etc/passwd')",
    "EXISTS (FROM 'https://example.com/x.parquet')",
    "read_text('/etc/passwd') IS NOT NULL",
    "getenv('HOME') IS NOT NULL",
    "current_setting('temp_directory') <> ''",
    "n > 0; ATTACH 'stolen.db' AS stolen",
    "n > 0; COPY source TO 'stolen.csv'",
    "n > 0; INSTALL httpfs; LOAD httpfs",
    "n > 0; SET enable_external_access = true",
    "n > 0) ; DROP TABLE source; SELECT (true",
    "n > 0) UNION ALL SELECT * FROM read_csv('/etc/passwd') --",
    "n > 0 -- \n) TO 'stolen.csv' (FORMAT csv",
    "n > 0 /* ",
    "COPY (SELECT 1) TO 'stolen.csv'",
    "ATTACH 'stolen.db'",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "EXPORT DATABASE 'stolen'",
    "n = (SELECT n FROM query('SELECT 1 AS n'))",
    "n = ANY (SELECT 1)",
    "nextval('s') > 0",
    "txid_current() > 0",
    "n > $1",
    "n > ?",
    "* = 1",
    "true AS x, (SELECT 1)",
]


@pytest.mark.parametrize("condition", HOSTILE)
def test_a_hostile_condition_is_refused_and_leaves_nothing(elsewhere: Path, condition: str) -> None:
    with pytest.raises(StepProblem) as caught:
        _kept(condition)
    assert caught.value.diagnostics[0].id == "bad-filter"
    assert not list(elsewhere.iterdir())


def test_a_condition_reaches_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("x")
    with pytest.raises(StepProblem), opened() as connection:
        connection.execute(f"SELECT * FROM read_text('{secret}')")
    with pytest.raises(StepProblem), opened() as connection:
        connection.execute("SET enable_external_access = true")


def test_a_value_that_fails_within_the_condition_is_a_problem() -> None:
    with pytest.raises(StepProblem, match="cannot be read"):
        _kept("CAST(text AS INTEGER) > 1")
