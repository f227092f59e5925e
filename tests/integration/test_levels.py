"""The level of the contract projects, each with the evidence of a run, and penguins on its way from 0 to 2."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli import call, environment

PATIENCE = 900


@pytest.fixture(scope="module")
def repository(contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the projects in a git repository of their own, beside the data, as their relative paths ask for."""
    root = tmp_path_factory.mktemp("levels")
    shutil.copytree(contracts / "projects", root / "projects", ignore=shutil.ignore_patterns(".mlops", "build"))
    (root / "data").symlink_to(contracts / "data")
    (root / ".gitignore").write_text("data\n.mlops\n__pycache__\n.pytest_cache\nnotifications.jsonl\n")
    git(root, "init", "-q", "-b", "main")
    commit(root)
    return root / "projects"


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, timeout=120)


def commit(folder: Path) -> None:
    git(folder, "add", "--all", ":/")
    git(folder, "commit", "-q", "-m", "As it is")


def edited(folder: Path, *changes: tuple[str, str]) -> None:
    file = folder / "mlops.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def without(folder: Path, first: str, after: str) -> None:
    file = folder / "mlops.yaml"
    text = file.read_text(encoding="utf-8")
    start, end = text.index(first), text.index(after)
    file.write_text(text[:start] + text[end:], encoding="utf-8")


def applied(folder: Path, *arguments: str) -> None:
    """A run that releases a model, from a commit."""
    commit(folder)
    done = call(folder, "apply", *arguments, "-o", "json", timeout=PATIENCE)
    assert done.code == 0, done
    assert done.json["champion"] is not None


def started(folder: Path, *arguments: str) -> None:
    """A run that the schedule asks for: the clock stands a week and a day later."""
    later = (datetime.now(UTC) + timedelta(days=8)).isoformat()
    done = call(folder, "trigger", "check", *arguments, "--run", "--at", later, "-o", "json", timeout=PATIENCE)
    assert done.code == 0, done
    run = call(folder, "runs", "list", *arguments, "-o", "json").json["runs"][0]
    assert run["cause"].startswith("schedule: "), run


def level(folder: Path, code: int) -> dict[str, Any]:
    done = call(folder, "level", "-o", "json", timeout=PATIENCE)
    assert done.code == code, done
    found: dict[str, Any] = done.json
    return found


def missing_of(found: dict[str, Any], level: int) -> list[str]:
    return [one["id"] for one in found["criteria"] if not one["met"] and one["level"] == level]


def missing(found: dict[str, Any]) -> list[str]:
    return [one["id"] for one in found["criteria"] if not one["met"]]


def test_penguins_declares_nothing_and_has_nothing(repository: Path) -> None:
    found = level(repository / "penguins", 0)
    assert (found["level"], found["declared"]) == (0, 0)
    assert {"trigger", "baseline", "slices", "delivery"} <= set(missing(found))


@pytest.mark.timeout(3 * PATIENCE)
def test_chicago_taxi_proves_level_1(repository: Path) -> None:
    folder = repository / "chicago-taxi"
    assert level(folder, 3)["level"] == 0
    without(folder, "    linear:", "  select: {metric: rmse}")
    applied(folder, "-e", "dev")
    unstarted = level(folder, 3)
    assert missing_of(unstarted, 1) == ["trigger"]
    started(folder, "-e", "dev")
    found = level(folder, 0)
    assert (found["level"], found["declared"]) == (1, 1)
    assert set(missing(found)) >= {"ci", "tests", "promotion"}
    said = {one["id"]: one["evidence"] for one in found["criteria"]}
    assert "enough-rows pass" in said["data-gate"]
    assert said["slices"].startswith("trip_start_hour: ")
    assert call(folder, "destroy", "-e", "dev", "--yes", timeout=PATIENCE).code == 0


@pytest.mark.timeout(3 * PATIENCE)
def test_census_proves_level_1(repository: Path) -> None:
    folder = repository / "census"
    without(folder, "    xgboost:", "  select: {metric: roc_auc}")
    applied(folder, "-e", "dev")
    started(folder, "-e", "dev")
    found = level(folder, 0)
    assert (found["level"], found["declared"]) == (1, 1)
    assert call(folder, "destroy", "-e", "dev", "--yes", timeout=PATIENCE).code == 0


@pytest.mark.timeout(3 * PATIENCE)
def test_covertype_declares_2_and_says_what_it_lacks(repository: Path) -> None:
    folder = repository / "covertype"
    without(folder, "    sgd:\n", "    forest:\n")
    edited(folder, ("latency_p95_ms: 500", "latency_p95_ms: 60000"), ("n_estimators: 200", "n_estimators: 40"))
    applied(folder, "-e", "dev")
    started(folder, "-e", "dev")
    found = level(folder, 3)
    assert (found["level"], found["declared"]) == (1, 2)
    assert {"ci", "tests", "pipeline-delivery"} <= set(missing(found))
    assert "source-control" not in missing(found)
    assert call(folder, "destroy", "-e", "dev", "--yes", timeout=PATIENCE).code == 0


@pytest.mark.timeout(6 * PATIENCE)
def test_penguins_goes_from_0_to_2(repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "r"
    shutil.copytree(repository / "penguins", root / "projects" / "penguins", ignore=shutil.ignore_patterns(".mlops"))
    (root / "data").symlink_to((repository.parent / "data").resolve())
    (root / ".gitignore").write_text("data\n.mlops\n__pycache__\n.pytest_cache\n")
    git(root, "init", "-q", "-b", "main")
    folder = root / "projects" / "penguins"
    first = folder.joinpath("mlops.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("#")

    up = call(folder, "level", "--upgrade", "1", timeout=PATIENCE)
    assert up.code == 0, up
    assert "baseline: no worse model" in up.out
    applied(folder)
    assert missing_of(level(folder, 3), 1) == ["trigger"]
    started(folder)
    assert level(folder, 0)["level"] == 1

    up = call(folder, "level", "--upgrade", "2", timeout=PATIENCE)
    assert up.code == 0, up
    assert folder.joinpath("mlops.yaml").read_text(encoding="utf-8").startswith(first)
    found = level(folder, 3)
    assert "in no commit yet" in next(one["missing"] for one in found["criteria"] if one["id"] == "ci")
    applied(folder, "-e", "dev")
    started(folder, "-e", "dev")
    found = level(folder, 3)
    assert missing(found) == ["promotion"]
    fix = next(one["fix"] for one in found["criteria"] if one["id"] == "promotion")
    assert fix == "run `mlopsctl promote dev staging`, and commit the lock"
    done = call(folder, "promote", "dev", "staging", timeout=PATIENCE)
    assert done.code == 0, done
    said = next(one["missing"] for one in level(folder, 3)["criteria"] if one["id"] == "promotion")
    assert "staging.lock.yaml is in no commit yet" in said
    commit(folder)
    found = level(folder, 0)
    assert (found["level"], found["declared"], missing(found)) == (2, 2, [])
    places = {one["id"]: one["found"] for one in found["criteria"]}
    assert places["promotion"][0] == "environments/staging.lock.yaml:1"
    assert places["ci"][0].startswith(".github/workflows/mlopsctl-penguins-pull-request.yml:")
    assert places["trigger"][0].startswith("run ")
    evidence = folder / "environments" / "staging.evidence.json"
    kept = evidence.read_bytes()
    evidence.write_bytes(kept + b" ")
    assert missing(level(folder, 3)) == ["promotion"]
    evidence.write_bytes(kept)
    assert call(folder, "ci", "check", timeout=PATIENCE).code == 0
    again = call(folder, "level", "--upgrade", "2", timeout=PATIENCE)
    assert again.out.startswith("level 1, "), again

    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert "6 passed" in tests.stdout
