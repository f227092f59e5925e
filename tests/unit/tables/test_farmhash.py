"""FARM_FINGERPRINT: vectors of Google's own code, and the vectorised form against a plain one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.tables.farmhash import fingerprints
from tests.unit.tables.farm import fingerprint

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "farm_fingerprint.json").read_text(encoding="utf-8"))
# Both sides of every border between classes of lengths, and whole and started blocks.
LENGTHS = (0, 1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 127, 128, 129, 192, 193, 300)


def _all(texts: list[bytes]) -> list[int]:
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    data = np.frombuffer(b"".join(texts), dtype=np.uint8)
    return [int(found) for found in fingerprints(data, np.cumsum(sizes) - sizes, sizes).view(np.int64)]


def test_the_vectors_are_those_of_the_reference() -> None:
    texts = [vector["text"].encode() for vector in VECTORS["fingerprints"]]
    expected = [int(vector["fingerprint"]) for vector in VECTORS["fingerprints"]]
    assert _all(texts) == expected
    assert [fingerprint(text) for text in texts] == expected
    assert {*range(34), 40, 64, 65, 128, 129, 4096} <= {len(text) for text in texts}


def test_the_documented_value_of_bigquery() -> None:
    assert _all([b"1footrue"]) == [-1541654101129638711]


@given(st.lists(st.sampled_from(LENGTHS).flatmap(lambda size: st.binary(min_size=size, max_size=size)), min_size=1))
def test_many_at_once_have_the_fingerprints_of_each(texts: list[bytes]) -> None:
    assert _all(texts) == [fingerprint(text) for text in texts]


@pytest.mark.parametrize("size", LENGTHS)
def test_every_byte_counts(size: int) -> None:
    text = bytes(at % 251 for at in range(size))
    changed = [text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :] for at in range(size)]
    assert len(set(_all([text, *changed]))) == size + 1


def test_no_text_at_all_is_no_problem() -> None:
    assert _all([]) == []
