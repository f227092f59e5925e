"""CSV as it really comes: types from all values, nothing lost in silence, every fault told with what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources import Csv
from mlopsctl.tables.engine import opened

Read = Callable[..., tuple[dict[str, str], list[tuple[Any, ...]]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reading(
        content: str | bytes, name: str = "rows.csv", **settings: Any
    ) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        source = Csv.model_validate({"kind": "csv", "uri": name, **settings})
        with opened(reads=source.files(tmp_path)) as connection:
            scan = source.scan(connection, tmp_path)
            return {c.name: c.type.value for c in scan.columns}, connection.execute(scan.query).fetchall()

    return reading


@pytest.mark.parametrize(
    ("values", "type", "expected"),
    [
        (["1", "-2", ""], "int", [1, -2, None]),
        ([" 39", "40 "], "int", [39, 40]),
        (["9223372036854775807", "1"], "int", [9223372036854775807, 1]),
        (["1", "2.5"], "float", [1.0, 2.5]),
        (["1e3", ".5", "-3."], "float", [1000.0, 0.5, -3.0]),
        (["inf", "-Infinity", "1"], "float", [float("inf"), float("-inf"), 1.0]),
        (["true", "False", ""], "bool", [True, False, None]),
        (["007", "12"], "string", ["007", "12"]),
        (["1_000", "2"], "string", ["1_000", "2"]),
        (["0x1F", "2"], "string", ["0x1F", "2"]),
        (["1,5", "2"], "string", ["1,5", "2"]),
        (["12345678901234567890", "1"], "string", ["12345678901234567890", "1"]),
        (["1e999", "1"], "string", ["1e999", "1"]),
        (["t", "f"], "string", ["t", "f"]),
        (["0", "true"], "string", ["0", "true"]),
        (["2020-01-31"], "string", ["2020-01-31"]),
        (["NA", "1"], "string", ["NA", "1"]),
        ([" <=50K", " >50K"], "string", [" <=50K", " >50K"]),
        (["", ""], "string", [None, None]),
        (["#1", "# 2"], "string", ["#1", "# 2"]),
        (['say ""hi""', "it's\na line; DROP TABLE x"], "string", ['say "hi"', "it's\na line; DROP TABLE x"]),
    ],
)
def test_a_column_has_the_narrowest_type_of_all_its_values(
    read: Read, values: list[str], type: str, expected: list[object]
) -> None:
    text = "".join(f'{n},"{value}"\n' for n, value in enumerate(values))
    types, rows = read(f"n,x\n{text}")
    assert types["x"] == type
    assert [row[1] for row in rows] == expected


def test_one_late_value_decides_the_type_and_is_not_lost(read: Read) -> None:
    types, rows = read("x\n" + "1\n" * 5000 + "oops\n")
    assert types == {"x": "string"}
    assert rows[-1] == ("oops",)


def test_nan_stays_apart_from_missing(read: Read) -> None:
    types, rows = read("a,x\n1,nan\n2,\n3,4\n")
    assert types["x"] == "float"
    assert [str(row[1]) for row in rows] == ["nan", "None", "4.0"]


def test_the_text_that_means_missing_can_be_named(read: Read) -> None:
    types, rows = read("a,b\n1,NA\n,2\n", nulls=["", "NA"])
    assert types == {"a": "int", "b": "int"}
    assert rows == [(1, None), (None, 2)]


def test_a_declared_type_is_not_guessed(read: Read) -> None:
    types, rows = read("zip,b\n123,1\n456,2\n", types={"zip": "string", "b": "float"})
    assert types == {"zip": "string", "b": "float"}
    assert rows == [("123", 1.0), ("456", 2.0)]


@pytest.mark.parametrize(
    "name", ['a"b', "a'b", "x; DROP TABLE y", "line\nbreak", "naïve 🐧", "select", "{}", "%s", "rowid"]
)
def test_any_name_may_name_a_column(read: Read, name: str) -> None:
    quoted = name.replace('"', '""')
    types, rows = read(f'"{quoted}",b\n1,2\n')
    assert types == {name: "int", "b": "int"}
    assert rows == [(1, 2)]


@pytest.mark.parametrize("content", ["\ufeffa,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\n1,2", 'a,b\n"1","2"\n'])
def test_marks_and_line_ends_do_not_matter(read: Read, content: str) -> None:
    assert read(content) == ({"a": "int", "b": "int"}, [(1, 2)])


def test_another_delimiter_is_read(read: Read) -> None:
    assert read("a;b\n1,5;2\n", delimiter=";")[1] == [("1,5", 2)]


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "a?.csv", "it's.csv"])
def test_a_file_whose_name_looks_like_a_pattern_is_one_file(read: Read, name: str) -> None:
    assert read("a,b\n1,2\n", name=name)[1] == [(1, 2)]


@pytest.mark.parametrize(
    ("content", "settings", "id", "words"),
    [
        ("", {}, "empty-data", "is empty"),
        ("\n1,2\n", {}, "empty-data", "first line"),
        ("a,a\n1,2\n", {}, "duplicate-column", "'a' stands twice"),
        ("a,A\n1,2\n", {}, "duplicate-column", "differ only in case"),
        (",a\n1,2\n", {}, "unnamed-column", "column 1"),
        ("a,b\n1,2,3\n", {}, "bad-data", "line 2 has 3 values, and the header names 2 columns"),
        ("a,b\n1\n", {}, "bad-data", "line 2 has 1 values, and the header names 2 columns"),
        ('a,b\n"1,2\n', {}, "bad-data", "line 2: a quote is opened and never closed"),
        (b"a,b\n\xff\xfe,2\n", {}, "not-utf-8", "UTF-8"),
        ("a,b\n1,x\n", {"types": {"b": "int"}}, "wrong-type", "'b' is declared int, but 1 rows are not: 'x'"),
        ("alpha,b\n1,x\n", {"types": {"alhpa": "int"}}, "unknown-column", "'alhpa'"),
    ],
)
def test_a_bad_file_is_a_clear_problem(
    read: Read, content: str | bytes, settings: dict[str, Any], id: str, words: str
) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        read(content, **settings)
    assert [d.id for d in caught.value.diagnostics] == [id]
    assert caught.value.diagnostics[0].hint


def test_bytes_that_are_not_utf8_far_below_the_header_are_a_problem(read: Read) -> None:
    with pytest.raises(StepProblem, match="cannot be read"):
        read(b"a,b\n" + b"1,2\n" * 300_000 + b"\xff,2\n")
