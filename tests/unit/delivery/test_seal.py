"""A saved plan: its seal names what moved, and only a saved plan is one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.delivery.plan import Seal
from mlopsctl.delivery.saved import read_seal
from mlopsctl.ground.errors import UsageProblem

SEAL = Seal("0.1", "p", "dev", "sha256:1", "sha256:2", "sha256:3", "lineage#4", "sha256:5")


def test_an_equal_seal_moved_nowhere() -> None:
    assert SEAL.moved(SEAL) == ()


@pytest.mark.parametrize("name", Seal.NAMES)
def test_each_part_that_moved_is_named(name: str) -> None:
    assert SEAL.moved(replace(SEAL, **{name: "other"})) == (Seal.NAMES[name],)


def test_a_saved_seal_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "p.plan"
    file.write_text(json.dumps({"plan": {"seal": {name: getattr(SEAL, name) for name in Seal.NAMES}}}))
    assert read_seal(file) == SEAL


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"plan": {"seal": {}}}', b"[" * 100_000])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(UsageProblem, match="is not a saved plan"):
        read_seal(tmp_path / "p")


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot read the plan"):
        read_seal(tmp_path / "missing")
