from __future__ import annotations

import stat
from pathlib import Path

from mlopsctl.orchestrators.local.staging import Staging


def test_each_attempt_has_a_private_folder_that_is_gone_at_the_end(tmp_path: Path) -> None:
    workspace = tmp_path / "staging"
    with Staging(workspace) as staging:
        first = staging.make("run", "train", 1)
        second = staging.make("run", "train", 2)
        assert first == workspace / "run" / "train.1"
        assert stat.S_IMODE(second.stat().st_mode) == 0o700
        assert stat.S_IMODE(second.parent.stat().st_mode) == 0o700
        (first / "file").touch()
        staging.remove(first)
        assert not first.exists()
        assert second.exists()
    assert not workspace.exists()


def test_a_run_sweeps_the_dead_and_leaves_the_living(tmp_path: Path) -> None:
    (tmp_path / "dead" / "train.1").mkdir(parents=True)
    (tmp_path / "file").touch()
    with Staging(tmp_path) as first:
        assert not (tmp_path / "dead").exists()
        alive = first.make("alive", "train", 1)
        with Staging(tmp_path) as second:
            second.make("other", "train", 1)
            assert alive.exists()
        assert alive.exists()
        assert not (tmp_path / "other").exists()
    assert (tmp_path / "file").exists()


def test_a_link_in_the_workspace_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    workspace = tmp_path / "staging"
    workspace.mkdir()
    (workspace / "run").symlink_to(precious)
    with Staging(workspace):
        pass
    assert (precious / "file").exists()
