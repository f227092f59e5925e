"""What a real project's steps cost: in the plan, in what is published, in the run and in its report."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.cli import call
from tests.integration.test_flowers import edit, write_data

PROJECT = """\
version: 1
name: flowers
data:
  flowers: {source: {kind: csv, uri: flowers.csv}, label: kind}
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 4}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
components:
  measure:
    run: {kind: command, command: [cp, -r, "{inputs.model}", "{outputs.said}"]}
    inputs: {model: select.model}
    outputs: {said: File}
    resources: {cpu: 2, memory: 1Gi}
# A second of a step is one euro; nobody said what a gibibyte costs.
prices: {currency: EUR, per_hour: {step: 3600, cpu: 1}}
"""

pytestmark = pytest.mark.timeout(1200)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, timeout=60)


def test_cost_is_time_at_its_price_and_what_is_unknown_is_named(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / ".gitignore").write_text(".mlops/\n", encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "A project")

    before = call(tmp_path, "plan", "-o", "json").json["expected"]["cost"]
    assert (before["total"], before["steps"]) == (None, {})
    assert "measure" in before["unknown"]
    assert "Expected cost: unknown" in call(tmp_path, "plan").out

    done = call(tmp_path, "run", timeout=600)
    assert done.code == 0, done
    run = call(tmp_path, "runs", "show", "last", "-o", "json").json
    took = {one["step"]: (one["finished"] - one["started"]) / 1000 for one in run["steps"]}
    assert run["cost"]["steps"] == pytest.approx({step: time for step, time in took.items() if step != "measure"})
    assert run["cost"]["unknown"] == ["measure"]
    assert run["cost"]["total"] == pytest.approx(sum(run["cost"]["steps"].values()))
    assert "without 1 of " in call(tmp_path, "runs", "show", "last").out
    report = call(tmp_path, "report", "-o", "markdown").out
    assert "Cost, at the prices of now: " in report
    assert "| step | state | time | cost | said |" in report
    page = call(tmp_path, "report").out
    assert page.count('<th scope="col" class="number">Cost</th>') == 1
    # What it took from earlier runs costs nothing, and what was not run is not spoken of.
    assert call(tmp_path, "run").code == 0
    again = call(tmp_path, "runs", "show", "last", "-o", "json").json
    assert (again["cost"]["steps"], again["cost"]["unknown"], again["cost"]["total"]) == ({}, [], None)

    edit(tmp_path, "max_depth: 4", "max_depth: 3")
    expected = call(tmp_path, "plan", "-o", "json").json["expected"]
    assert {"train-tree", "evaluate", "gate"} <= set(expected["cost"]["steps"])
    known = {step: time for step, time in expected["steps"].items() if step != "measure"}
    assert expected["cost"]["steps"] == pytest.approx(known)
    assert "measure" in expected["cost"]["unknown"]
    git(tmp_path, "commit", "-q", "-a", "-m", "Another depth")
    assert "\nExpected cost: " in call(tmp_path, "publish", "--to", "stdout").out
