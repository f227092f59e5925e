"""Whatever form a secret takes on its way out, it is masked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.redact import MASK, StreamRedactor, forget_secrets, redact, redact_json, register_secret


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


@pytest.mark.parametrize("form", ["%63%6F%72%72%65%63%74%3C%3E", "636F72726563743C3E", "correct&lt;&gt;"])
def test_rarer_encodings_are_masked_too(form: str) -> None:
    register_secret("correct<>")
    assert redact(f"[{form}]") == f"[{MASK}]"


def test_json_is_masked_in_every_text_and_key() -> None:
    value = {"hunter2!": ["a hunter2!", 1, None, {"b": "hunter2!"}]}
    assert redact_json(value) == value
    register_secret("hunter2!")
    assert redact_json(value) == {MASK: [f"a {MASK}", 1, None, {"b": MASK}]}


pieces = st.lists(st.integers(0, 60), max_size=12)


@given(secrets=st.lists(st.text("abü!", min_size=2, max_size=9), min_size=1, max_size=3), cuts=pieces, data=st.data())
def test_a_stream_is_masked_as_if_it_had_come_at_once(secrets: list[str], cuts: list[int], data: st.DataObject) -> None:
    forget_secrets()
    for secret in secrets:
        register_secret(secret)
    parts = st.lists(st.sampled_from([*secrets, "x", "ab", "ü", "\n"]), max_size=12)
    text = "".join(data.draw(parts)).encode()
    stream = StreamRedactor()
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    shown = b"".join(stream.feed(text[a:b]) for a, b in pairwise(bounds)) + stream.end()
    assert shown == redact(text.decode()).encode()


def test_a_stream_without_secrets_waits_for_nothing() -> None:
    stream = StreamRedactor()
    assert stream.feed(b"abc") == b"abc"
    assert stream.end() == b""


def test_a_stream_lets_go_what_can_be_no_secret() -> None:
    register_secret("hunter2!")
    stream = StreamRedactor()
    assert stream.feed(b"x" * 1000).count(b"x") > 900
