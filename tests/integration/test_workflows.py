"""What `ci init` writes, run for real: a model from a pull request to production, in a git repository, with a GitHub on
loopback that takes only what GitHub takes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.integration.pulls import begin, change, checks, corners, deployed, merge
from tests.integration.workflow_runner import Workflows, installed, workflows

pytestmark = [
    pytest.mark.skipif(not installed(), reason="act is not installed"),
    pytest.mark.timeout(3000),
]

PROJECT = """version: 1
name: corners
data:
  corners:
    source: {kind: csv, uri: corners.csv}
    label: label
    checks:
      - {name: enough-rows, kind: row_count, min: 100}
training:
  task: classification
  targets:
    sgd: {kind: sklearn, estimator: sklearn.linear_model.SGDClassifier, params: {loss: log_loss}}
evaluation:
  metrics: [accuracy]
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.8}
ci:
  - {kind: github_actions, environment: trial}
environments:
  trial: {}
  dev:
    stores: &shared
      metadata: "sqlite:///SHARED/metadata.db"
      artifacts: "SHARED/artifacts"
      tracking: "sqlite:///SHARED/mlflow.db"
  staging:
    stores: *shared
    promotion: {from: dev, mode: approval}
  prod:
    stores: *shared
    promotion: {from: staging, mode: approval}
"""
FOREST = "    forest: {kind: sklearn, estimator: sklearn.ensemble.RandomForestClassifier, params: {n_estimators: 20}}\n"
WORKFLOW = ".github/workflows/mlopsctl-corners-{}.yml"


@pytest.fixture
def ci() -> Iterator[Workflows]:
    with workflows() as running:
        begin(running, PROJECT, {"corners.csv": corners()})
        yield running


@pytest.mark.skipif(
    bool(os.environ.get("MLOPSCTL_CONTRACTS")), reason="test_covertype_story.py tells it with a contract project"
)
def test_a_model_comes_from_a_pull_request_to_production(ci: Workflows) -> None:
    # A pull request whose model is too weak is blocked, and says by which gate.
    number, commit = change(ci, "weak", "log_loss}", "log_loss, max_iter: 50}")
    ran = ci.pull_request(WORKFLOW.format("pull-request"), "weak", number=number)
    assert not ran.ok, ran
    assert ran.steps["verify"]["Run on a sample"] == "failure", ran
    assert "Publish" in ran.steps["publish"], ran
    found = checks(ci, commit)
    assert found["floor"] == "failure", (found, ran)
    assert "success" in found.values()

    # One with the forest passes.
    number, commit = change(ci, "forest", "evaluation:\n", FOREST + "evaluation:\n")
    ran = ci.pull_request(WORKFLOW.format("pull-request"), "forest", number=number)
    assert ran.ok, ran
    found = checks(ci, commit)
    assert set(found.values()) == {"success"}, (found, ran)
    assert [one["issue"] for one in ci.github.snapshot()["comments"]].count(number) == 1
    assert not (ci.folder / "owned").exists()

    # Merged, it is applied to dev and proposed for staging; staging itself waits.
    merge(ci, "forest")
    ran = ci.push(WORKFLOW.format("deliver"))
    assert ran.ok, ran
    (proposed,) = [one for one in ci.github.snapshot()["pulls"] if one["head"]["ref"] not in ("weak", "forest")]
    assert "Nothing was promoted into staging yet." in ran.text

    ci.reviewers |= {"staging": "grace", "prod": "grace"}
    # The merge of the lock brings the same model to staging, which proposes it for prod.
    merge(ci, proposed["head"]["ref"])
    assert (ci.clone / "environments" / "staging.lock.yaml").exists()
    ran = ci.push(WORKFLOW.format("deliver"))
    assert ran.ok, ran
    pulls = [one["head"]["ref"] for one in ci.github.snapshot()["pulls"]]
    assert len(pulls) == 4, pulls

    # Approved on GitHub, that comes to prod.
    merge(ci, pulls[-1])
    ran = ci.push(WORKFLOW.format("release"))
    assert ran.ok, ran
    locks = [(ci.clone / "environments" / f"{name}.lock.yaml").read_text() for name in ("staging", "prod")]
    digests = [next(line for line in lock.splitlines() if "digest:" in line) for lock in locks]
    assert digests[0] == digests[1]
    assert {name for name, _ in deployed(ci)} == {"corners/dev", "corners/staging", "corners/prod"}
    assert [line for line in ci.called if " apply " in line][-1] == "apply-prod: apply -e prod --yes"


def test_a_pull_request_from_a_fork_writes_nothing_and_one_that_weakens_a_gate_is_refused(ci: Workflows) -> None:
    number, commit = change(ci, "weaker", "min: 0.8}", "min: 0.1}", fork="stranger")
    ran = ci.pull_request(WORKFLOW.format("pull-request"), "weaker", number=number, fork=True)
    assert not ran.ok, ran
    assert ran.steps["verify"]["Run on a sample"] == "success", ran
    assert ran.steps["verify"]["Judge by the gates of both branches, and report"] == "failure", ran
    assert "publish" not in ran.steps, ran
    assert checks(ci, commit) == {}
    assert ci.github.snapshot()["comments"] == []
    assert "::error" in ran.text or "floor" in ran.text

    # The same from a branch of the repository itself: its checks say so.
    ran = ci.pull_request(WORKFLOW.format("pull-request"), "weaker", number=number)
    assert not ran.ok, ran
    found = checks(ci, commit)
    # The gate of the base branch is judged as well, and a weaker one wants a person to look.
    assert found["floor"] == "failure", (found, ran)
    assert found["policy"] in ("failure", "action_required"), (found, ran)
