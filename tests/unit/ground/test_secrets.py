from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.redact import forget_secrets, redact
from mlopsctl.ground.secrets import grant, look_up, secret_value, secrets_named, with_secrets


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    before = dict(os.environ)
    yield
    forget_secrets()
    os.environ.clear()
    os.environ.update(before)


def test_a_secret_is_the_variable_of_its_name_and_masked_from_then_on() -> None:
    assert secret_value("TOKEN", {"TOKEN": "tulip-42"}) == "tulip-42"
    assert redact("say tulip-42!") == "say ***!"


def test_a_secret_may_stand_in_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"tulip 42\r\n")
    assert secret_value("TOKEN", {"TOKEN_FILE": str(tmp_path / "token")}) == "tulip 42"
    assert secret_value("TOKEN", {"TOKEN": "rose-42", "TOKEN_FILE": str(tmp_path / "token")}) == "rose-42"


@pytest.mark.parametrize(
    ("ambient", "said"),
    [
        ({}, "TOKEN is not set"),
        ({"TOKEN": ""}, "TOKEN is empty"),
        ({"TOKEN_FILE": "/nowhere/at/all"}, "cannot be read: No such file"),
    ],
)
def test_a_secret_that_is_not_there_says_where_it_comes_from(ambient: dict[str, str], said: str) -> None:
    with pytest.raises(StepProblem, match=said) as caught:
        secret_value("TOKEN", ambient)
    assert "TOKEN_FILE" in caught.value.diagnostics[0].hint


def test_a_file_that_is_no_text_is_told_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"tulip\xff")
    with pytest.raises(StepProblem, match="not UTF-8") as caught:
        secret_value("TOKEN", {"TOKEN_FILE": str(tmp_path / "token")})
    assert "tulip" not in str(caught.value)


def test_references_are_found_wherever_they_stand_and_nothing_else_is() -> None:
    value = {
        "url": {"secret": "URL"},
        "headers": [{"secret": "TOKEN"}, "x", {"a": {"secret": "URL"}}],
        "not": [{"secret": 1}, {"secret": "with space"}, {"secret": "X", "and": 1}, {"secret": {"secret": "DEEP"}}],
    }
    assert secrets_named(value) == ("DEEP", "TOKEN", "URL")
    assert look_up({"a": {"secret": "A_1"}}, {"A_1": "v1"}) == {"A_1": "v1"}


def test_only_who_needs_it_gets_the_value_in_place_of_the_name() -> None:
    grant({"TOKEN": "tulip-42"})
    assert with_secrets({"a": [{"secret": "TOKEN"}, 1], "b": "c"}) == {"a": ["tulip-42", 1], "b": "c"}
    assert os.environ["TOKEN"] == "tulip-42"
