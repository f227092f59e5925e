"""The example request that a packaged model brings with it."""

import json
from pathlib import Path

import pytest

from mlopsctl.servers.example import SERVING_EXAMPLE, example_content, example_request


def write(folder: Path, text: str) -> Path:
    (folder / SERVING_EXAMPLE).write_text(text)
    return folder


def test_a_missing_value_is_null_in_the_request(tmp_path: Path) -> None:
    model = write(tmp_path, '{"dataframe_split": {"columns": ["a", "sex"], "data": [[1.5, NaN], [2.0, "x"]]}}')
    expected = {"dataframe_split": {"columns": ["a", "sex"], "data": [[1.5, None]]}}
    assert example_content(model) == expected
    line = example_request(model, "http://127.0.0.1:1")
    assert json.loads(line.partition(" -d ")[2].strip("'")) == expected


@pytest.mark.parametrize("text", ["", "[]", '{"dataframe_split": 3}', "{"])
def test_a_model_without_an_example_has_no_content(tmp_path: Path, text: str) -> None:
    assert example_content(write(tmp_path, text)) is None


def test_a_quote_in_the_data_stays_inside_the_shell_word(tmp_path: Path) -> None:
    import shlex

    model = write(tmp_path, json.dumps({"dataframe_split": {"columns": ["a"], "data": [["it's; rm -rf ~"]]}}))
    words = shlex.split(example_request(model, "http://127.0.0.1:1"))
    assert json.loads(words[-1]) == {"dataframe_split": {"columns": ["a"], "data": [["it's; rm -rf ~"]]}}
