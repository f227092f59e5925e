"""What somebody changed by hand shows on its plane and on no other: the served model, the alias, and the lock in git.

The edit of a schedule on an orchestrator is in ``cloud/test_drift_of_a_schedule.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.registry.client import Registry
from mlopsctl.servers.local import LocalServer
from tests.integration import cli
from tests.integration.cli import Done, processes_of
from tests.integration.test_flowers import edit, write_data
from tests.integration.test_promotion import commit, git, released

PROJECT = """\
version: 1
name: flowers
data:
  flowers:
    source: {kind: csv, uri: flowers.csv}
    label: kind
    checks:
      - {name: lengths, kind: drift, column: length, metric: jensen_shannon, max: 0.2, on_missing: warn}
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 6}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
environments:
  dev: {}
  prod:
    promotion: {from: dev, mode: auto}
    deployment: {server: {kind: mlflow}}
"""
LOCK = "environments/prod.lock.yaml"
PLANES = {"config", "serving", "data"}

pytestmark = pytest.mark.timeout(3600)


def call(folder: Path, *arguments: str) -> Done:
    return cli.call(folder, *arguments, timeout=900)


def looked(folder: Path, code: int) -> list[dict[str, Any]]:
    """The rows of the table; what is printed for people says the same."""
    done = call(folder, "drift", "-e", "prod", "-o", "json")
    assert done.code == code, done
    rows: list[dict[str, Any]] = done.json["findings"]
    if not code:
        return rows
    printed = call(folder, "drift", "-e", "prod")
    signs = {"same": "=", "drifted": "~", "unread": "?"}
    for row in rows:
        line = next(line for line in printed.out.splitlines() if f" {row['what']}  " in line)
        assert line.startswith(f"{signs[row['standing']]} {row['plane']} "), printed
        assert row["found"] in line
    return rows


def drifted(rows: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """By what drifted: what git and the records say, and what was found."""
    assert {row["plane"] for row in rows} == PLANES
    return {row["what"]: (row["wanted"], row["found"]) for row in rows if row["standing"] != "same"}


def planes(rows: list[dict[str, Any]]) -> set[str]:
    return {row["plane"] for row in rows if row["standing"] != "same"}


def moved_up(folder: Path) -> str:
    """Train in dev, promote into prod, serve there; the model's digest."""
    for words in (("apply", "-e", "dev"), ("promote", "dev", "prod"), ("apply", "-e", "prod")):
        assert (done := call(folder, *words)).code == 0, done
    commit(folder, "Promote")
    return released(folder, "prod")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "flowers"
    folder.mkdir()
    write_data(folder, rows=400)
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / ".gitignore").write_text(".mlops/\n", encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "A project")
    yield folder
    call(folder, "destroy", "-e", "prod", "--yes")
    assert processes_of(folder) == []


def test_a_hand_edit_shows_on_its_plane_and_on_no_other(project: Path) -> None:
    first = moved_up(project)
    edit(project, "max_depth: 6", "max_depth: 3")
    commit(project, "Another depth")
    second = moved_up(project)
    assert second != first
    assert drifted(looked(project, 0)) == {}

    _alias_moved(project, first, second)
    _other_model_served(project, first, second)
    _lock_edited(project)
    _lock_broken(project)


def _alias_moved(project: Path, first: str, second: str) -> None:
    """In MLflow's registry, as somebody would who clicks there."""
    registry = Registry(f"sqlite:///{project}/.mlops/mlflow.db")
    name = "flowers"
    (version,) = [one.version for one in registry.versions(name) if one.digest == first]
    champion = registry.champion(name, "champion-prod")
    assert champion is not None
    assert champion.digest == second
    registry.set_champion(name, "champion-prod", version)

    rows = looked(project, 5)
    assert planes(rows) == {"serving"}
    assert drifted(rows) == {"alias": (f"v{champion.version} {_short(second)}", f"v{version} {_short(first)}")}
    _mended(project)


def _other_model_served(project: Path, first: str, second: str) -> None:
    """All of the traffic goes to the model before."""
    registry = Registry(f"sqlite:///{project}/.mlops/mlflow.db")
    (version,) = [one.version for one in registry.versions("flowers") if one.digest == first]
    folder = registry.download("flowers", version, project.parent / "first", first)
    server = LocalServer(project / ".mlops" / "serve" / "prod")
    server.start_or_swap(folder, first)
    assert server.status().traffic == {first: 100}

    rows = looked(project, 5)
    assert planes(rows) == {"serving"}
    (wanted, found) = drifted(rows)["server mlflow"]
    assert set(drifted(rows)) == {"server mlflow"}
    assert _short(second) in wanted
    assert found == f"serves {_short(first)}"
    _mended(project)
    assert server.status().traffic == {second: 100}


def _lock_edited(project: Path) -> None:
    """A commit that changes one value of the lock: git mends it, and until then nothing is released."""
    lock = project / LOCK
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text.replace('version: "2"', 'version: "9"'), encoding="utf-8")
    assert lock.read_text(encoding="utf-8") != text
    commit(project, "By hand")
    rows = looked(project, 5)
    assert planes(rows) == {"config"}
    (wanted, found) = drifted(rows)["lock"]
    assert set(drifted(rows)) == {"lock"}
    assert wanted == "as it was promoted"
    assert found == 'the lock says "9" for model.version, and its evidence says "2"'
    assert call(project, "apply", "-e", "prod").code == 4
    git(project, "revert", "--no-edit", "HEAD")
    _mended(project)


def _lock_broken(project: Path) -> None:
    """One that is no YAML any more is drift as well, and hides no other plane."""
    lock = project / LOCK
    lock.write_text(f"{lock.read_text(encoding='utf-8')}: [\n", encoding="utf-8")
    rows = looked(project, 5)
    assert planes(rows) == {"config"}
    assert set(drifted(rows)) == {"lock"}
    git(project, "checkout", "-q", "--", LOCK)
    _mended(project)


def _mended(project: Path) -> None:
    assert (done := call(project, "apply", "-e", "prod")).code == 0, done
    assert drifted(looked(project, 0)) == {}


def _short(digest: str) -> str:
    return digest.rpartition(":")[2][:12]
