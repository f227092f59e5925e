"""Patterns of files to leave out: the cases that docker's documentation gives, and their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.ignore import left_out, patterns


@pytest.mark.parametrize(
    ("rules", "out", "kept"),
    [
        (["*/temp*"], ["a/temporary.txt", "a/temp/b"], ["temp", "a/b/temp"]),
        (["*/*/temp*"], ["a/b/temporary.txt"], ["a/temp"]),
        (["temp?"], ["tempa", "tempb/c"], ["temp", "a/tempa"]),
        (["**/*.go"], ["a.go", "a/b/c.go"], ["a.got", "ago"]),
        (["data"], ["data/a.csv", "data"], ["data2/a", "a/data/b"]),
        (["/data/"], ["data/a.csv"], ["a/data"]),
        (["a/**"], ["a/b", "a/b/c"], ["b"]),
        (["*.md", "!README.md"], ["a.md"], ["README.md"]),
        (["*.md", "!README*.md", "README-secret.md"], ["README-secret.md"], ["README.md"]),
        (["*", "!src/**"], ["a", "b/c"], ["src/x", "src/x/y"]),
        (["[a-c]x", "[^a-c]y"], ["ax", "zy"], ["dx", "ay"]),
        (["\\*"], ["*"], ["a"]),
        (["# a comment", "", "  b  "], ["b"], ["# a comment", "a"]),
        (["[x"], ["[x"], ["x"]),
        (["a.b"], ["a.b"], ["axb"]),
    ],
)
def test_the_last_pattern_that_fits_decides(rules: list[str], out: list[str], kept: list[str]) -> None:
    found = patterns(rules)
    assert [path for path in (*out, *kept) if left_out(path, found)] == out


@given(st.lists(st.text(max_size=12), max_size=6), st.text(min_size=1, max_size=12))
def test_any_text_is_a_pattern_and_nothing_breaks(rules: list[str], path: str) -> None:
    assert left_out(path, patterns(rules)) in (True, False)
