"""Names of images: what is one, what its parts are, and that none can be an option."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.image_name import ImageName, image_name

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "expected", "registry"),
    [
        ("python", ImageName("python"), "docker.io"),
        ("python:3.12-slim", ImageName("python", "3.12-slim"), "docker.io"),
        ("library/python", ImageName("library/python"), "docker.io"),
        (f"a.example/b@{DIGEST}", ImageName("a.example/b", "", DIGEST), "a.example"),
        (
            f"localhost:5000/a/b_c/d--e:1@{DIGEST}",
            ImageName("localhost:5000/a/b_c/d--e", "1", DIGEST),
            "localhost:5000",
        ),
        ("localhost/a", ImageName("localhost/a"), "localhost"),
        ("Europe-docker.pkg.dev/p/r/x", ImageName("Europe-docker.pkg.dev/p/r/x"), "Europe-docker.pkg.dev"),
    ],
)
def test_a_name_has_parts(text: str, expected: ImageName, registry: str) -> None:
    found = image_name(text)
    assert found == expected
    assert found.registry == registry


@pytest.mark.parametrize(
    "text",
    [
        "", "-x", "--help", "a b", "a\n", "a/", "/a", "a//b", "A", "a/B", "a:", "a@", "a@sha256:12", "a:b:c",
        f"a@{DIGEST.upper()}", f"a@{DIGEST}x", "a:.1", "a..b", "a/../b", "a$b", "a;b", "ａ", "x" * 256, "a:-1", "http://a/b",
    ],
)  # fmt: skip
def test_other_texts_are_no_names(text: str) -> None:
    assert image_name(text) is None


def test_the_reference_is_by_digest_where_there_is_one() -> None:
    assert ImageName("a/b", "1", DIGEST).reference == f"a/b@{DIGEST}"
    assert ImageName("a/b", "1").reference == "a/b:1"
    assert ImageName("a/b").reference == "a/b"


@given(st.text(max_size=40))
def test_no_name_is_an_option_or_holds_a_sign_of_a_shell(text: str) -> None:
    if image_name(text) is not None:
        assert text[0].isalnum()
        assert not set(text) & set(" \t\r\n\"'`$;&|<>*?()[]{}!\\~#=,")
