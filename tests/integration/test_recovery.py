"""Kills inside the release stage, lost stores, hands in the registry: the next apply needs no repair."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import call, environment, processes_of
from tests.integration.test_flowers import PROJECT, champion, edit, write_data

DIES_AFTER = """
import os, sys
from mlopsctl.cli.main import main
from mlopsctl.metadata.state import StateStore
from mlopsctl.servers.spawn import ServerProcess

owner, name = {"admit": (ServerProcess, "admit"), "release": (StateStore, "release")}[sys.argv.pop(1)]
real = getattr(owner, name)

def dies(*given, **named):
    real(*given, **named)
    os._exit(9)

setattr(owner, name, dies)
main()
"""
CANARIES = ("sitecustomize", "sklearn", "yaml", "mlflow", "typer", "pydantic", "rich")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Path]:
    """A released and served model; afterwards nothing of it may run."""
    folder = tmp_path / "flowers"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT + "deployment:\n  server: {kind: mlflow}\n", encoding="utf-8")
    write_data(folder)
    done = call(folder, "apply")
    assert done.code == 0, done
    yield folder
    if (folder / ".mlops").exists():
        assert call(folder, "destroy", "--yes").code == 0
    assert processes_of(folder) == []


def killed_after(folder: Path, moment: str) -> None:
    command = [sys.executable, "-c", DIES_AFTER, moment, "-C", str(folder), "apply"]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=120, check=False)
    assert done.returncode == 9, done.stderr


def pending(folder: Path) -> int:
    table = "SELECT count(*) FROM mlopsctl_intent WHERE NOT done"
    with sqlite3.connect(folder / ".mlops" / "metadata.db") as connection:
        return int(connection.execute(table).fetchone()[0])


def settled(folder: Path) -> None:
    """One server, with the champion; nothing is left to do."""
    status = call(folder, "status", "-o", "json").json
    state = json.loads((folder / ".mlops" / "serve" / "default" / "server.json").read_bytes())
    assert [one["digest"] for one in state["processes"]] == [status["champion"]["model"]]
    assert len([line for line in processes_of(folder) if "scoring.py" in line]) == 1
    assert pending(folder) == 0
    planned = call(folder, "plan", "--detailed-exitcode")
    assert planned.code == 0, planned


@pytest.mark.timeout(300)
def test_killed_in_the_release_the_next_apply_ends_with_one_server_and_one_version(served: Path) -> None:
    for moment, value in (("admit", "0.2"), ("release", "0.03")):
        before = champion(served)
        text = (served / "mlops.yaml").read_text(encoding="utf-8")
        edit(served, text[text.index("C: ") :].partition(",")[0], f"C: {value}")
        killed_after(served, moment)
        assert pending(served) == 1
        done = call(served, "apply")
        assert done.code == 0, done
        assert champion(served) not in ("", before)
        settled(served)


@pytest.mark.timeout(300)
def test_a_version_deleted_by_hand_is_registered_and_followed_again(served: Path) -> None:
    before = champion(served)
    with sqlite3.connect(served / ".mlops" / "mlflow.db") as connection:
        for table in ("registered_model_aliases", "model_version_tags", "model_versions"):
            connection.execute(f"DELETE FROM {table}")
    assert call(served, "plan", "--detailed-exitcode").code == 2
    done = call(served, "apply")
    assert done.code == 0, done
    assert champion(served) == before
    settled(served)


@pytest.mark.timeout(300)
def test_a_lost_history_does_not_let_a_model_go_that_beats_nothing(served: Path) -> None:
    before = call(served, "status", "-o", "json").json["registry"]["model"]
    for lost in (served / ".mlops").glob("metadata.db*"):
        lost.unlink()
    shutil.rmtree(served / ".mlops" / "artifacts")
    edit(served, "C: 1.0", "C: 0.4")
    much = "    - {name: better, kind: change, metric: accuracy, against: champion, min: 0.5}\ndeployment:"
    edit(served, "deployment:", much)
    done = call(served, "apply")
    assert done.code == 3, done
    assert call(served, "status", "-o", "json").json["registry"]["model"] == before


@pytest.mark.timeout(180)
def test_a_server_whose_folder_was_removed_leaves(served: Path) -> None:
    shutil.rmtree(served / ".mlops")
    until = time.monotonic() + 30
    while processes_of(served) and time.monotonic() < until:
        time.sleep(0.2)
    assert processes_of(served) == []


@pytest.mark.parametrize("command", ["validate", "graph", "plan", "status"])
def test_modules_beside_the_project_file_do_not_run(tmp_path: Path, command: str) -> None:
    (tmp_path / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    write_data(tmp_path)
    for name in CANARIES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of the project ran')\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mlopsctl", command],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
