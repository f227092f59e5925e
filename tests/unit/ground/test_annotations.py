from __future__ import annotations

import ast

import pytest

from mlopsctl.ground.annotations import fits, is_path
from mlopsctl.ground.digest import Json


def written(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("annotation", "value", "fit"),
    [
        ("int", 1, True),
        ("int", True, False),
        ("int", 1.0, False),
        ("int", "1", False),
        ("float", 1, True),
        ("float", True, False),
        ("bool", True, True),
        ("bool", 1, False),
        ("str", "x", True),
        ("str", None, False),
        ("'int'", "x", False),
        ("builtins.int", "x", False),
        ("int | None", None, True),
        ("int | None", "x", False),
        ("Optional[int]", None, True),
        ("typing.Optional[int]", "x", False),
        ("Union[int, str]", "x", True),
        ("Union[int, str]", [], False),
        ("list", [1], True),
        ("list[int]", [1, "x"], False),
        ("list[int]", [1, 2], True),
        ("Sequence[str]", ["a"], True),
        ("list[int]", {"a": 1}, False),
        ("dict[str, int]", {"a": 1}, True),
        ("dict[str, int]", {"a": "x"}, False),
        ("Literal['a', 'b']", "a", True),
        ("Literal['a', 'b']", "c", False),
        ("Literal[1]", True, False),
        ("Path", "x.csv", False),
        ("Any", "x", True),
        ("object", "x", True),
        ("numpy.ndarray", [1], True),
        ("Callable[[int], int]", "x", True),
        ("tuple[int, int]", [1, 2], True),
        ("'not python ('", "x", True),
    ],
)
def test_a_value_fits_a_simple_annotation_or_is_not_judged(annotation: str, value: Json, fit: bool) -> None:
    assert fits(written(annotation), value) is fit


def test_without_annotation_everything_fits() -> None:
    assert fits(None, {"a": [1]})


@pytest.mark.parametrize(
    ("annotation", "path"), [("Path", True), ("pathlib.Path", True), ("int", False), ("Folder", None), ("str", False)]
)
def test_paths_are_known_by_their_name(annotation: str, path: bool | None) -> None:
    assert is_path(written(annotation)) is path
