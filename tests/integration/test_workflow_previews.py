"""The workflow of previews, run for real: opened, closed, merged; of a fork; and the hourly look."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.delivery.stores import open_stores
from mlopsctl.step.task import StepState
from tests.integration.pulls import begin, change, merge
from tests.integration.workflow_runner import Workflows, installed, workflows

pytestmark = [
    pytest.mark.skipif(not installed(), reason="act is not installed"),
    pytest.mark.timeout(3000),
]

PROJECT = """version: 1
name: sides
data:
  sides:
    source: {kind: csv, uri: sides.csv}
    label: label
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 2}}
evaluation:
  metrics: [accuracy]
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.7}
ci:
  - {kind: github_actions, environment: trial}
previews: {of: dev, ttl: 1d}
environments:
  dev:
    stores:
      metadata: "sqlite:///SHARED/metadata.db"
      artifacts: "SHARED/artifacts"
      tracking: "sqlite:///SHARED/mlflow.db"
  trial: {}
"""
WORKFLOW = ".github/workflows/mlopsctl-sides-{}.yml"
DEEPER = ("max_depth: 2", "max_depth: 4")


@pytest.fixture
def ci() -> Iterator[Workflows]:
    with workflows() as running:
        begin(running, PROJECT, {"sides.csv": _rows()})
        yield running


def _rows() -> str:
    draw = random.Random(5)
    points = [(draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(400)]
    return "x,y,label\n" + "".join(f"{x:.4f},{y:.4f},{'right' if x > 0.1 * y else 'left'}\n" for x, y in points)


def deployed(ci: Workflows) -> dict[str, list[str]]:
    """The states of each deployment that was told, by its environment and commit."""
    held: dict[str, Any] = ci.github.snapshot()
    return {
        f"{one['environment']} {one['sha']}": [
            status["state"] for status in held["deployment_statuses"] if status["deployment"] == one["id"]
        ]
        for one in held["deployments"]
    }


def states(ci: Workflows, environment: str) -> dict[str, StepState]:
    """How each step of the newest run of an environment ended."""
    with open_stores(load_project(ci.clone, environment)) as stores:
        (run,) = stores.metadata.runs("sides", environment, limit=1)
        return {one.step: one.state for one in stores.metadata.executions(run.id)}


def test_a_pull_request_has_a_preview_until_it_is_closed_and_the_merge_uses_what_it_ran(ci: Workflows) -> None:
    number, commit = change(ci, "deeper", *DEEPER)
    ran = ci.pull_request(WORKFLOW.format("preview"), "deeper", number=number, action="opened")
    assert ran.ok, ran
    assert list(ran.steps) == ["apply"], ran
    assert states(ci, f"pr-{number}")["train-tree"] is StepState.SUCCESS
    assert deployed(ci) == {f"sides/pr-{number} {commit}": ["success"]}
    assert ci.github.snapshot()["deployments"][0]["transient_environment"] is True

    # The same commit again, as when somebody runs the workflow again: nothing is told twice.
    ran = ci.pull_request(WORKFLOW.format("preview"), "deeper", number=number, action="reopened")
    assert ran.ok, ran
    assert deployed(ci) == {f"sides/pr-{number} {commit}": ["success"]}

    # It is merged and closed: the preview goes, and is no longer deployed.
    ran = ci.pull_request(WORKFLOW.format("preview"), "deeper", number=number, action="closed")
    assert ran.ok, ran
    assert list(ran.steps) == ["remove"], ran
    assert f"pr-{number} is taken down" in ran.text
    assert deployed(ci) == {f"sides/pr-{number} {commit}": ["success", "inactive"]}

    # What it ran is used again in the environment that it was made like.
    merge(ci, "deeper")
    ran = ci.push(WORKFLOW.format("deliver"))
    assert ran.ok, ran
    found = states(ci, "dev")
    used = {step for step, state in found.items() if state is StepState.CACHED}
    assert {"ingest-sides", "train-tree", "evaluate"} <= used, found
    assert not [step for step in used ^ set(found) if step.startswith(("ingest", "train", "evaluate"))], found


def test_a_pull_request_of_a_fork_runs_nothing(ci: Workflows) -> None:
    number, _ = change(ci, "stranger", *DEEPER, fork="stranger")
    for action in ("opened", "closed"):
        ran = ci.pull_request(WORKFLOW.format("preview"), "stranger", number=number, fork=True, action=action)
        assert ran.ok, ran
        assert ran.steps == {}, ran
    assert ci.called == []
    assert deployed(ci) == {}


@pytest.mark.soak
def test_a_number_that_is_none_makes_no_preview_and_old_ones_go_by_the_hour(ci: Workflows) -> None:
    number, commit = change(ci, "brief", "ttl: 1d", "ttl: 1s")
    ran = ci.pull_request(WORKFLOW.format("preview"), "brief", number=0)
    assert not ran.ok, ran
    assert "there is no environment 'pr-0'" in ran.text, ran
    assert ran.steps["apply"]["Apply"] == "failure"

    ran = ci.pull_request(WORKFLOW.format("preview"), "brief", number=number)
    assert ran.ok, ran
    ci.git("push", "--quiet", "origin", "brief:main")
    ran = ci.other(WORKFLOW.format("schedule"), "schedule")
    assert ran.ok, ran
    assert list(ran.steps) == ["previews"], ran
    assert f"pr-{number} is taken down" in ran.text
    assert deployed(ci) == {f"sides/pr-{number} {commit}": ["success", "inactive"]}
