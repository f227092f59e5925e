"""The hourly look of a project that asked for pull requests, run for real: rows drift, and one asks to retrain."""

from __future__ import annotations

import pytest

from tests.integration.pulls import TREE, begin, corners
from tests.integration.workflow_runner import Workflows, installed, workflows

pytestmark = [
    pytest.mark.skipif(not installed(), reason="act is not installed"),
    pytest.mark.timeout(1800),
]

PROJECT = (
    """version: 1
name: corners
data:
  corners:
    source: {kind: csv, uri: "SHARED/corners.csv"}
    label: label
    checks:
      - {name: across, kind: drift, column: x, metric: jensen_shannon, max: 0.2, on_missing: warn}
"""
    + TREE
    + """ci:
  - {kind: github_actions, drift: pull_request}
stores:
  metadata: "sqlite:///SHARED/metadata.db"
  artifacts: "SHARED/artifacts"
  tracking: "sqlite:///SHARED/mlflow.db"
"""
)
SCHEDULE = ".github/workflows/mlopsctl-corners-schedule.yml"
BRANCH = "mlopsctl/retrain-corners-default"


def rows(ci: Workflows, right: float) -> None:
    """The rows that everybody reads, all moved to the right."""
    head, *lines = corners().splitlines()
    moved = [f"{float(line.split(',')[0]) + right:.4f},{line.split(',', 1)[1]}" for line in lines]
    file = ci.folder / "shared" / "corners.csv"
    file.write_text("\n".join([head, *moved]) + "\n", encoding="utf-8")


def test_rows_that_drift_ask_once_for_a_retraining() -> None:
    with workflows() as ci:
        begin(ci, PROJECT, {})
        rows(ci, 0)
        ran = ci.push(".github/workflows/mlopsctl-corners-deliver.yml")
        assert ran.ok, ran
        ran = ci.other(SCHEDULE, "schedule")
        assert ran.ok, ran
        assert ci.github.repository.pulls == []

        rows(ci, 5)
        for _ in range(2):
            ran = ci.other(SCHEDULE, "schedule")
            assert not ran.ok, ran
            assert ran.steps["look-default"]["Look for drift"] == "failure"
            (pull,) = ci.github.snapshot()["pulls"]
            assert (pull["head"]["ref"], pull["base"]["ref"]) == (BRANCH, "main")
            assert "jensen_shannon of x" in pull["body"]
        ci.git("fetch", "--quiet", "origin")
        changed = ci.git("diff", "--name-only", "origin/main", f"origin/{BRANCH}")
        assert changed == "environments/default.retrain.yaml"
        assert ci.token not in ran.text
