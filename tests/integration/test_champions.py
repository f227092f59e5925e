"""The champion's story: first, better, worse, equal, tie, rollback and hold, break-glass, retired, adopted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli import Done, call, processes_of
from tests.integration.test_flowers import edit, write_data

PROJECT = """\
version: 1
name: flowers
data:
  flowers:
    source: {kind: csv, uri: flowers.csv}
    label: kind
training:
  task: classification
  targets:
    forest:
      {kind: sklearn, estimator: sklearn.ensemble.RandomForestClassifier, params: {n_estimators: 20, max_depth: 6}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
    - {name: not-worse, kind: change, metric: accuracy, against: champion, min: 0}
environments:
  dev: {promotion: {allow_override: true}}
  prod: {}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One project whose environment goes through the story, test by test in order."""
    folder = tmp_path_factory.mktemp("champions") / "flowers"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    write_data(folder, rows=600)
    yield folder
    call(folder, "destroy", "-e", "dev", "--yes")
    assert processes_of(folder) == []


def status(folder: Path) -> Any:
    return call(folder, "status", "-e", "dev", "-o", "json").json


def champion(folder: Path) -> str:
    found = status(folder)["champion"]
    return str(found["model"]) if found else ""


def applied(folder: Path, *arguments: str) -> Done:
    return call(folder, "apply", "-e", "dev", *arguments)


def pending(folder: Path) -> str:
    done = call(folder, "plan", "-e", "dev", "--detailed-exitcode")
    return "" if done.code == 0 else str(done)


def test_the_first_release_has_nothing_to_beat(project: Path) -> None:
    done = applied(project)
    assert done.code == 0, done
    assert "first release" in done.out
    assert champion(project).startswith("sha256:")
    assert pending(project) == ""


def test_a_worse_model_is_refused_and_the_champion_stays(project: Path) -> None:
    before = champion(project)
    edit(project, "max_depth: 6", "max_depth: 1")
    edit(project, "n_estimators: 20", "n_estimators: 1")
    done = applied(project)
    assert done.code == 3, done
    assert "not-worse" in done.out
    assert champion(project) == before
    assert pending(project) == ""


def test_a_gate_is_broken_only_where_it_is_allowed_with_a_reason_and_for_what_was_refused(project: Path) -> None:
    assert applied(project, "--override", "not-worse").code == 64
    wrong = applied(project, "--override", "floor", "--reason", "demo")
    assert (wrong.code, "gates that refused it: not-worse" in wrong.err) == (64, True), wrong
    elsewhere = call(project, "apply", "-e", "prod", "--override", "not-worse", "--reason", "demo")
    assert (elsewhere.code, "allow_override" in elsewhere.err) == (65, True), elsewhere


def test_a_broken_gate_lets_the_model_go_and_stays_visible(project: Path) -> None:
    before = champion(project)
    done = applied(project, "--override", "not-worse", "--reason", "the old one leaks")
    assert done.code == 0, done
    assert "the old one leaks" in done.out
    assert champion(project) not in ("", before)
    assert pending(project) == ""
    assert applied(project).code == 0
    assert "the old one leaks" in call(project, "status", "-e", "dev").out


def test_a_better_model_follows_and_the_override_is_gone(project: Path) -> None:
    before = champion(project)
    edit(project, "max_depth: 1", "max_depth: 7")
    edit(project, "n_estimators: 1", "n_estimators: 30")
    done = applied(project)
    assert done.code == 0, done
    assert champion(project) != before
    assert "the old one leaks" not in call(project, "status", "-e", "dev").out
    assert pending(project) == ""


def test_an_equal_model_needs_no_release(project: Path) -> None:
    before = status(project)["champion"]
    done = applied(project, "--no-cache")
    assert done.code == 0, done
    assert status(project)["champion"] == before


def test_a_rollback_holds_until_the_hold_is_lifted(project: Path) -> None:
    newest = champion(project)
    assert call(project, "rollback", "-e", "dev", "--reason", "complaints").code == 0
    assert champion(project) != newest
    held = applied(project)
    assert (held.code, "complaints" in held.out) == (0, True), held
    assert champion(project) != newest
    assert applied(project, "--release-hold").code == 0
    assert champion(project) == newest


def test_after_destroy_the_newest_blessed_model_is_still_the_one_to_beat(project: Path) -> None:
    newest = champion(project)
    assert call(project, "destroy", "-e", "dev", "--yes").code == 0
    edit(project, "max_depth: 7", "max_depth: 1")
    edit(project, "n_estimators: 30", "n_estimators: 1")
    done = applied(project)
    assert (done.code, "first release" in done.out) == (3, False), done
    edit(project, "max_depth: 1", "max_depth: 7")
    edit(project, "n_estimators: 1", "n_estimators: 30")
    assert applied(project).code == 0
    assert champion(project) == newest
