"""Bytes on their way: hashed while they are read, and refused before the last of them when they are not right."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.objects.content import Content, ContentChanged


def drained(content: Content, most: int) -> bytes:
    pieces = []
    while piece := content.read(most):
        assert len(piece) == most or len(b"".join(pieces)) + len(piece) == content.size
        pieces.append(piece)
    return b"".join(pieces)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_come_out_as_they_went_in_and_again(held: bytes, most: int) -> None:
    content = Content(io.BytesIO(held), len(held), hashlib.sha256(held).hexdigest())
    assert drained(content, most) == held
    content.rewind()
    assert drained(content, most) == held
    assert content.md5() == hashlib.md5(held).hexdigest()


@pytest.mark.parametrize("found", [b"", b"abcd", b"abcdef", b"abcdX"])
def test_other_bytes_than_announced_are_refused_before_the_last_piece(found: bytes) -> None:
    announced = b"abcde"
    content = Content(io.BytesIO(found), len(announced), hashlib.sha256(announced).hexdigest())
    given_out: list[bytes] = []
    with pytest.raises(ContentChanged):
        given_out.extend(iter(lambda: content.read(2), b""))
    assert len(b"".join(given_out)) < len(announced)


def test_an_empty_content_that_is_not_empty_is_refused() -> None:
    with pytest.raises(ContentChanged):
        Content(io.BytesIO(b"x"), 0).read(1)


def test_a_checksum_can_be_asked_for_first() -> None:
    content = Content.of(b"bytes")
    assert content.md5() == hashlib.md5(b"bytes").hexdigest()
    assert content.read(10) == b"bytes"
