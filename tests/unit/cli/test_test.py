"""``test``: quick checks of every environment, and what ``--conformance`` refuses before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlopsctl.cli import door
from mlopsctl.cli.main import app
from mlopsctl.ground.errors import ExitCode

PROJECT = """\
version: 1
name: rows
data:
  rows: {source: {kind: csv, uri: rows.csv}, label: kind}
environments:
  here: {}
  there:
    orchestrator: {kind: airflow, dags: dags}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "rows.csv").write_text("id,kind\n1,a\n", encoding="utf-8")
    return tmp_path


def test_every_environment_is_lowered_and_compiled(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert door.run(app, ["-C", str(folder), "test"]) == ExitCode.DONE
    told = capsys.readouterr().out
    assert "here: 4 steps, ready for local" in told
    assert "there: 4 steps, ready for airflow" in told
    assert door.run(app, ["-C", str(folder), "test", "-e", "there", "-o", "json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["environments"][0]["orchestrator"] == "airflow"
    assert not (folder / ".mlops").exists()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--on", "kfp"], "add it"),
        (["--conformance", "--on", "vertex"], "local,kfp,airflow"),
        (["--conformance", "--on", "local"], "--on"),
        (["--conformance", "-e", "nowhere"], "there is: here, there"),
        (["-p", "rows=1"], ""),
    ],
)
def test_what_cannot_be_done_is_said(
    words: list[str], hint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert door.run(app, ["-C", str(folder), "test", *words]) == ExitCode.USAGE
    assert hint in capsys.readouterr().err


def test_an_orchestrator_that_was_asked_for_and_is_not_there_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPSCTL_KFP_PYTHON", "/nowhere/python")
    words = ["-C", str(folder), "test", "--conformance", "-e", "here", "--on", "local,kfp"]
    assert door.run(app, words) == ExitCode.FAILED
    told = capsys.readouterr().err
    assert "nothing can be run on kfp here" in told
    assert "MLOPSCTL_KFP_PYTHON=" in told
