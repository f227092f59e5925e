"""The files of an image as a folder and as one file: the same for everybody."""

from __future__ import annotations

import os
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from mlopsctl.delivery.images.staging import packed, staged
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.own_package import OwnPackage
from mlopsctl.lowering.image_context import SOURCE_DATE_EPOCH, ContextFile, ImageContext


def context(folder: Path, mode: int = 0o644) -> ImageContext:
    (folder / "b").mkdir(parents=True, exist_ok=True)
    (folder / "b" / "train.py").write_text("x = 1\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(mode | 0o100)
    files = (
        ContextFile("run.sh", folder / "run.sh", 10, True),
        ContextFile("b/train.py", folder / "b" / "train.py", 6, False),
    )
    generated = {".mlopsctl/Dockerfile": b"FROM scratch\n"}
    return ImageContext(files, generated, {}, "linux/amd64", OwnPackage("1.2.3", True), "sha256:" + "0" * 64)


def test_a_folder_has_the_same_modes_and_times_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with staged(context(tmp_path / "project")) as root:
            found = {
                path.relative_to(root).as_posix(): (oct(path.stat().st_mode & 0o7777), int(path.stat().st_mtime))
                for path in root.rglob("*")
            }
    finally:
        os.umask(before)
    then = SOURCE_DATE_EPOCH
    assert found == {
        ".mlopsctl": ("0o755", then),
        ".mlopsctl/Dockerfile": ("0o644", then),
        "b": ("0o755", then),
        "b/train.py": ("0o644", then),
        "run.sh": ("0o755", then),
    }


def test_the_folder_is_gone_afterwards_also_after_a_failure(tmp_path: Path) -> None:
    folder = staged(context(tmp_path / "project"))
    root = folder.__enter__()
    assert root.is_dir()
    folder.__exit__(KeyError, KeyError(), None)
    assert not root.exists()


def test_one_file_has_the_same_bytes_from_any_folder(tmp_path: Path) -> None:
    first = packed(context(tmp_path / "one"))
    os.utime(tmp_path / "one" / "run.sh", (1, 1))
    assert packed(context(tmp_path / "other", mode=0o600)) == first
    with tarfile.open(fileobj=BytesIO(first)) as archive:
        members = [(one.name, oct(one.mode), one.mtime, one.uid, one.uname) for one in archive.getmembers()]
    assert members == [
        (".mlopsctl/Dockerfile", "0o644", SOURCE_DATE_EPOCH, 0, ""),
        ("b/train.py", "0o644", SOURCE_DATE_EPOCH, 0, ""),
        ("run.sh", "0o755", SOURCE_DATE_EPOCH, 0, ""),
    ]


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    wanted = context(tmp_path / "project")
    (tmp_path / "project" / "run.sh").unlink()
    with pytest.raises(StepProblem, match=r"run\.sh: No such file"), staged(wanted):
        pass
    with pytest.raises(StepProblem, match=r"run\.sh: No such file"):
        packed(wanted)
