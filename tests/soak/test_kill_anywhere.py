"""`kill -9` at any moment: the next apply needs no repair and ends with the same model."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsctl.cli.init import init_project

KILLS = int(os.environ.get("KILLS", "10"))
MLOPSCTL = str(Path(sys.executable).with_name("mlopsctl"))


def command(project: Path, *arguments: str) -> list[str]:
    return [MLOPSCTL, "-C", str(project), *arguments]


def apply(project: Path) -> str:
    """Apply to the end; the digest of the champion."""
    ended = subprocess.run(
        command(project, "apply", "--yes", "--output", "json"),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    digest: str = json.loads(ended.stdout)["champion"]["model"]
    return digest


def killed_after(project: Path, seconds: float) -> None:
    """Start an apply and kill it; its steps must not outlive it for long."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command(project, "apply", "--yes"), stdin=quiet, stdout=quiet, stderr=quiet) as running:
        time.sleep(seconds)
        running.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, float]]:
    """The model that an apply leaves which nobody disturbs, and how long it takes."""
    project = tmp_path_factory.mktemp("undisturbed") / "project"
    init_project(project, "tabular", "soak")
    started = time.monotonic()
    digest = apply(project)
    yield digest, time.monotonic() - started
    subprocess.run(command(project, "destroy", "--yes"), check=True, capture_output=True)


@pytest.mark.parametrize("kill", range(KILLS))
def test_the_next_apply_ends_with_the_same_model(kill: int, undisturbed: tuple[str, float], tmp_path: Path) -> None:
    digest, whole = undisturbed
    project = tmp_path / "project"
    init_project(project, "tabular", "soak")
    moment = random.Random(kill).uniform(0.1, whole)
    killed_after(project, moment)
    try:
        assert apply(project) == digest, f"killed after {moment:.2f} s"
        planned = subprocess.run(command(project, "plan", "--detailed-exitcode"), check=False, capture_output=True)
        assert planned.returncode == 0, planned.stdout.decode()
    finally:
        subprocess.run(command(project, "destroy", "--yes"), check=True, capture_output=True)
