from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.step import outputs
from mlopsctl.step.outputs import check_outputs


def test_files_in_folders_are_an_output(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "empty").touch()
    check_outputs({"model": tmp_path})


def test_folders_without_a_file_are_no_output(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with pytest.raises(StepProblem, match="exited 0 without its output 'model'"):
        check_outputs({"model": tmp_path})


def test_the_first_bad_output_is_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    (good / "file").touch()
    bad.mkdir()
    os.mkfifo(bad / "fifo")
    with pytest.raises(StepProblem, match="output 'second': 'fifo' is a FIFO"):
        check_outputs({"first": good, "second": bad})


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="output 'model' cannot be read: No such file"):
        check_outputs({"model": tmp_path / "gone"})


def test_a_sparse_file_counts_with_its_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MAX_BYTES", 1 << 20)
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate((1 << 20) + 1)
    with pytest.raises(StepProblem, match="holds 1,048,577 bytes; 1,048,576 are allowed"):
        check_outputs({"model": tmp_path})
