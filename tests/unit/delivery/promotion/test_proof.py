"""A lock is followed only as it was promoted: every other byte is refused, offline, saying what differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.promotion.follow import follow
from mlopsctl.ground.errors import ExitCode, Problem, StepProblem, Undecided
from mlopsctl.lowering.release_lock import evidence_file, lock_file
from tests.unit.delivery.promotion.scene import MODEL, OTHER, SECRET, key_pair, lock_of, project, promoted


@pytest.fixture
def unsigned(tmp_path: Path) -> Loaded:
    loaded = project(tmp_path)
    promoted(loaded, lock_of())
    return loaded


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    monkeypatch.setenv(SECRET, key_pair(tmp_path))
    loaded = project(tmp_path, "prod")
    promoted(loaded, lock_of("prod", "staging"))
    return loaded


def refused(loaded: Loaded) -> str:
    with pytest.raises(Undecided) as caught:
        follow(loaded)
    assert caught.value.exit_code is ExitCode.UNDECIDED
    assert all(one.span is not None for one in caught.value.diagnostics)
    return str(caught.value)


def test_a_promoted_lock_is_proved(unsigned: Loaded) -> None:
    found = follow(unsigned)
    assert found is not None
    assert found.followed.lock.model.digest == MODEL
    assert not found.signed


def test_a_signed_lock_is_proved_without_the_private_key(signed: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET)
    found = follow(signed)
    assert found is not None
    assert found.signed


@pytest.mark.parametrize("which", [lock_file, evidence_file])
def test_every_flipped_byte_is_noticed(unsigned: Loaded, which: object) -> None:
    assert callable(which)
    file: Path = which(unsigned.folder, unsigned.environment)
    good = file.read_bytes()
    for at in range(len(good)):
        file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        refused(unsigned)
    file.write_bytes(good)
    assert follow(unsigned) is not None


@given(data=st.data())
def test_no_other_bytes_are_proved(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("lock")
    loaded = project(folder)
    promoted(loaded, lock_of())
    file = data.draw(st.sampled_from([lock_file, evidence_file]))(folder, "staging")
    good = file.read_bytes()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 20)))
    bad = good[:start] + data.draw(st.binary(max_size=20)) + good[end:]
    file.write_bytes(bad)
    if bad == good:
        assert follow(loaded) is not None
    else:
        refused(loaded)


def test_evidence_about_another_model_is_refused_though_both_files_fit(tmp_path: Path) -> None:
    loaded = project(tmp_path)
    promoted(loaded, lock_of(), subject=OTHER)
    assert "not about this model" in refused(loaded)


def test_a_lock_that_says_something_else_than_its_evidence_names_what(unsigned: Loaded) -> None:
    file = lock_file(unsigned.folder, "staging")
    file.write_text(file.read_text().replace('version: "3"', 'version: "4"'))
    assert 'the lock says "4" for model.version, and its evidence says "3"' in refused(unsigned)


def test_a_verdict_that_is_not_pass_lets_nothing_go(tmp_path: Path) -> None:
    loaded = project(tmp_path)
    promoted(loaded, lock_of(), verdict="fail")
    assert "does not say pass" in refused(loaded)


def test_evidence_signed_by_another_key_is_refused(signed: Loaded) -> None:
    key_pair(signed.folder)
    assert "not signed with release.pub" in refused(signed)


def test_unsigned_evidence_is_refused_where_a_key_is_named(tmp_path: Path) -> None:
    key_pair(tmp_path)
    project(tmp_path)
    # Written as an environment without a signature would write it.
    loose = project(tmp_path, "staging")
    prod = project(tmp_path, "prod")
    promoted(Loaded(**{**vars(loose), "environment": "prod"}), lock_of("prod", "staging"))
    assert "it is not signed" in refused(prod)


def test_a_lock_of_another_environment_is_refused(unsigned: Loaded, tmp_path: Path) -> None:
    file = lock_file(tmp_path, "staging")
    file.write_text(file.read_text().replace('environment: "staging"', 'environment: "prod"'))
    assert "this lock is for prod" in refused(unsigned)


def test_lost_evidence_is_refused(unsigned: Loaded) -> None:
    evidence_file(unsigned.folder, "staging").unlink()
    assert "cannot be read" in refused(unsigned)


def test_a_private_key_of_another_pair_signs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, key_pair(tmp_path))
    key_pair(tmp_path)
    with pytest.raises(StepProblem, match="not the other half"):
        promoted(project(tmp_path, "prod"), lock_of("prod", "staging"))


def test_a_public_key_that_is_none_is_told_at_its_line(signed: Loaded) -> None:
    (signed.folder / "release.pub").write_text("no key")
    with pytest.raises(Problem, match="public key") as caught:
        follow(signed)
    assert caught.value.diagnostics[0].span is not None
