"""Whatever form a secret takes on its way out, it is masked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.redact import MASK, forget_secrets, redact, register_secret


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    forget_secrets()
    yield
    forget_secrets()


def test_text_without_secrets_is_left_alone() -> None:
    register_secret("hunter2!")
    assert redact("accuracy 0.97 on 34 rows") == "accuracy 0.97 on 34 rows"


def test_an_empty_value_is_no_secret() -> None:
    register_secret("")
    assert redact("abc") == "abc"


def test_the_value_itself_is_masked_everywhere_it_stands() -> None:
    register_secret("hunter2!")
    assert redact("a hunter2! b hunter2!") == f"a {MASK} b {MASK}"


def test_a_secret_read_with_its_line_end_is_masked_without_it() -> None:
    register_secret("hunter2!\n")
    assert "hunter2" not in redact("password=hunter2!;")


def test_lines_of_a_private_key_are_masked_one_by_one() -> None:
    register_secret("-----BEGIN-----\nAAAABBBBCCCC\nDDDDEEEEFFFF\n-----END-----\n")
    assert redact("> DDDDEEEEFFFF") == f"> {MASK}"


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    register_secret("hunter")
    register_secret("hunter2-extended")
    assert redact("hunter2-extended") == MASK


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:", "user1:"])
def test_base64_of_user_and_secret_tells_nothing(before: str) -> None:
    secret = "correct horse/battery+staple?"
    register_secret(secret)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{before}{secret}@host".encode()).decode()
        core = encode(secret.encode()).decode().rstrip("=")
        assert MASK in redact(text)
        assert core not in redact(text)


@given(secret=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=4, max_size=40))
def test_every_encoding_of_any_secret_is_masked(secret: str) -> None:
    forget_secrets()
    register_secret(secret)
    forms = [secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], secret.encode().hex()]
    for form in forms:
        assert redact(f"<{form}>") == f"<{MASK}>" or form in f"<>{MASK}"
