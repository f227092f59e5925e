"""Digests: the vectors in ``tests/vectors`` are the contract; whoever changes one changes every identity."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.digest import canonical_json, digest, digest_json

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "digest.json").read_text(encoding="utf-8"))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("vector", VECTORS["canonical"], ids=lambda v: v["bytes"][:20])
def test_a_value_has_the_bytes_and_the_digest_of_its_vector(vector: dict[str, str]) -> None:
    assert canonical_json(vector["value"]).decode() == vector["bytes"]
    assert digest_json("test/v1", vector["value"]) == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["concatenated"], ids=lambda v: f"{v['domain']}+{v['parts']}")
def test_parts_have_the_digest_of_their_vector(vector: dict[str, list[str]]) -> None:
    assert digest(str(vector["domain"]), *(part.encode() for part in vector["parts"])) == vector["digest"]


def test_no_two_ways_of_cutting_the_same_bytes_share_a_digest() -> None:
    digests = [vector["digest"] for vector in VECTORS["concatenated"]]
    assert len(set(digests)) == len(digests)


@given(json_values)
def test_canonical_json_reads_back_as_the_same_value(value: object) -> None:
    try:
        written = canonical_json(value)  # type: ignore[arg-type]
    except UnicodeEncodeError:
        return  # a lone surrogate has no UTF-8
    assert json.loads(written) == value


@given(st.dictionaries(st.text(alphabet="abcé"), st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), [float("-inf")]])
def test_a_number_that_is_not_finite_has_no_digest(bad: object) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(bad)  # type: ignore[arg-type]


def test_a_key_that_is_not_text_has_no_digest() -> None:
    with pytest.raises(TypeError):
        canonical_json({1: "a"})  # type: ignore[dict-item]


def test_hash_seed_locale_and_folder_do_not_matter(tmp_path: Path) -> None:
    code = "from mlopsctl.ground.digest import digest_json; print(digest_json('t', {'b': [1.5, 'é'], 'a': {'x': 1}}))"
    root = str(Path(__file__).parents[3])
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": root, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, locale in [("0", "C"), ("1", "C.UTF-8"), ("77", "tr_TR.UTF-8")]
    }
    assert len(found) == 1
