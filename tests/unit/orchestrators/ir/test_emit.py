"""YAML as it is written: read back it is the same, whoever reads it."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.digest import Json
from mlopsctl.orchestrators.ir.emit import to_yaml

TRICKY = (
    "no", "y", "~", "null", "1e3", "010", "12:30:45", "- a", "a: b", "#c", "'", '"', "\\", "\n", "\r\n", "\x85",
    "\u2028", "\ufeff", "\x7f", "\x00", "🙂", "---", "...", "{{$}}", "%TAG", "&a", "*a", "!x", "|", ">", " a ", "",
    "\t",
)  # fmt: skip

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(TRICKY)
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read_back_the_same(value: Json) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


@given(values)
def test_the_reader_in_c_reads_the_same(value: Json) -> None:
    assert yaml.load(to_yaml(value), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) == value


def test_several_documents_stand_apart() -> None:
    assert to_yaml({"a": 1}, {"b": []}) == b"a: 1\n---\nb: []\n"


def test_numbers_keep_their_type() -> None:
    text = to_yaml([1e-5, 1e16, 1.0, 1, True, -0.0, 123456789012345678])
    found = yaml.safe_load(text)
    assert found == [1e-5, 1e16, 1.0, 1, True, -0.0, 123456789012345678]
    assert [type(one) for one in found] == [float, float, float, int, bool, float, int]


def test_lists_in_lists_and_mappings_in_lists_are_blocks() -> None:
    assert to_yaml({"a": [{"b": "c", "d": [1, [2, 3]]}, {}]}) == (
        b'a:\n  - b: "c"\n    d:\n      - 1\n      - - 2\n        - 3\n  - {}\n'
    )
