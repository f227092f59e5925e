"""JSON as a source: lines and lists, JSON's own types, and whatever else such a file may hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources import JsonFile
from mlopsctl.tables.engine import opened

Found: TypeAlias = tuple[dict[str, str], list[tuple[Any, ...]], tuple[str, ...]]
Read: TypeAlias = Callable[..., Found]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Types, rows and remarks of a file."""

    def reading(content: str | bytes, lines: bool = True) -> Found:
        file = tmp_path / "rows.json"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        source = JsonFile(uri="rows.json", lines=lines)
        with opened(reads=source.files(tmp_path)) as connection:
            scan = source.scan(connection, tmp_path)
            types = {column.name: column.type.value for column in scan.columns}
            return types, connection.execute(scan.query).fetchall(), scan.remarks

    return reading


@pytest.mark.parametrize("lines", [True, False])
def test_objects_are_rows_and_keys_are_columns_in_the_order_of_first_appearance(read: Read, lines: bool) -> None:
    objects = ['{"b": 1, "a": "x"}', '{"a": "2020-01-31", "c": 2.5, "b": null}', '{"d": true}']
    text = "\n".join(objects) if lines else f"[{', '.join(objects)}]"
    types, rows, remarks = read(text, lines)
    assert list(types.items()) == [("b", "int"), ("a", "string"), ("c", "float"), ("d", "bool")]
    assert rows == [(1, "x", None, None), (None, "2020-01-31", 2.5, None), (None, None, None, True)]
    assert remarks == ()


@pytest.mark.parametrize(
    ("values", "type", "expected"),
    [
        (["1", "-2", "null"], "int", [1, -2, None]),
        (["9223372036854775807", "0"], "int", [9223372036854775807, 0]),
        (["1", "2.0"], "float", [1.0, 2.0]),
        (["1e3", "-0.5"], "float", [1000.0, -0.5]),
        (["Infinity", "-Infinity", "1"], "float", [math.inf, -math.inf, 1.0]),
        (["true", "null", "false"], "bool", [True, None, False]),
        (["null", "null"], "string", [None, None]),
        (['"7"', '"8"'], "string", ["7", "8"]),
        (['""', '"é\\u2028\\n"'], "string", ["", "é\u2028\n"]),
        (["[1, 2]", "[]"], "other", ["[1,2]", "[]"]),
        (['{"k": 1}', "null"], "other", ['{"k":1}', None]),
        (['"\'; DROP TABLE x; --"', '"{}"'], "string", ["'; DROP TABLE x; --", "{}"]),
    ],
)
def test_a_column_has_jsons_own_type(read: Read, values: list[str], type: str, expected: list[object]) -> None:
    types, rows, remarks = read("".join(f'{{"x": {value}}}\n' for value in values))
    assert types == {"x": type}
    assert [row[0] for row in rows] == expected
    assert remarks == ()


def test_nan_stays_apart_from_missing(read: Read) -> None:
    types, rows, _ = read('{"x": NaN}\n{"x": null}\n{"x": 1}\n')
    assert types == {"x": "float"}
    assert [str(row[0]) for row in rows] == ["nan", "None", "1.0"]


def test_a_column_that_mixes_types_is_text_and_that_is_told(read: Read) -> None:
    types, rows, remarks = read('{"x": 1}\n' * 3000 + '{"x": "n/a"}\n{"x": [2]}\n')
    assert types == {"x": "string"}
    assert [row[0] for row in rows[-3:]] == ["1", "n/a", "[2]"]
    assert remarks == ("column 'x' is text: its values are of several types",)


@pytest.mark.parametrize(
    ("content", "lines", "id", "words"),
    [
        ("", True, "empty-data", "holds no object"),
        ("\n\n", True, "empty-data", "holds no object"),
        ("[]", False, "empty-data", "holds no object"),
        ("", False, "empty-data", "holds no object"),
        ("5\n", True, "bad-data", "each line must be one object"),
        ('{"a": 1}\n[2]\n', True, "bad-data", "each line must be one object"),
        ('[{"a": 1}]', True, "bad-data", "each line must be one object"),
        ('{"a": 1}', False, "bad-data", "holds no list of objects"),
        ("[1, 2]", False, "bad-data", "the list must hold objects only"),
        ('[{"a": 1}, {"a"', False, "bad-data", "does not end"),
        ('[{"a": 1},', False, "bad-data", "does not end"),
        ('{"a": 1}\n{"a": ', True, "bad-data", "line 2|line 3|Malformed"),
        ('{"a": 1, "a": 2}\n', True, "bad-data", "duplicate key"),
        ('{"a": 18446744073709551615}\n', True, "bad-data", "18446744073709551615"),
        ('{"a": "\\ud800"}\n', True, "bad-data", "surrogate"),
        (b'{"a": "\xff\xfe"}\n', True, "bad-data", "cannot be read"),
        ('{"": 1}\n', True, "unnamed-column", "has no name"),
        ('{"a": 1, "A": 2}\n', True, "duplicate-column", "differ only in case"),
        ("a,b\n1,2\n", True, "bad-data", "Malformed"),
    ],
)
def test_what_is_no_json_of_rows_is_a_clear_problem(
    read: Read, content: str | bytes, lines: bool, id: str, words: str
) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        read(content, lines)
    assert [diagnostic.id for diagnostic in caught.value.diagnostics] == [id]
    assert caught.value.diagnostics[0].hint
    assert "auto_detect" not in str(caught.value)


def test_a_list_in_the_place_of_lines_gets_the_right_hint(read: Read) -> None:
    with pytest.raises(StepProblem) as caught:
        read('[{"a": 1}]')
    assert "lines: false" in caught.value.diagnostics[0].hint
