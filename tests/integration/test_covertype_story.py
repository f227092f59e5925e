"""The forest's cover type from a pull request to production: the contract project, the workflows that it generates, a
git repository, and a GitHub on loopback that takes only what GitHub takes.

Only the environments are others than the contract's, since its own are a cluster and a cloud.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsctl.delivery.ci.scaffold import make_files
from tests.integration.pulls import deployed, merge, whole_checks
from tests.integration.workflow_runner import ROOT, Workflows, installed, workflows

pytestmark = [
    pytest.mark.skipif(not installed(), reason="act is not installed"),
    pytest.mark.timeout(3000),
]

ENVIRONMENTS = """ci:
  - {kind: github_actions, environment: trial}

environments:
  trial:
    vars: {data_root: DATA}
  dev:
    vars: {data_root: DATA}
    stores: &shared
      metadata: "sqlite:///SHARED/metadata.db"
      artifacts: "SHARED/artifacts"
      tracking: "sqlite:///SHARED/mlflow.db"
  staging:
    vars: {data_root: DATA}
    stores: *shared
    promotion: {from: dev, mode: approval}
  prod:
    vars: {data_root: DATA}
    stores: *shared
    promotion: {from: staging, mode: approval}
"""
WORKFLOW = ".github/workflows/mlopsctl-covertype-{}.yml"


@pytest.fixture
def ci(contracts: Path) -> Iterator[Workflows]:
    with workflows() as running:
        (running.folder / "shared").mkdir()
        running.write({"README.md": "What grows in the forest.\n"})
        running.commit("an empty repository")
        # What a job serves ends by itself once the job's folder is gone.
        yield running


def _project(running: Workflows, contracts: Path) -> dict[str, str]:
    """The contract project with environments that can be had here, and what it generates."""
    folder = contracts / "projects" / "covertype"
    text = (folder / "mlops.yaml").read_text(encoding="utf-8").partition("ci:\n")[0] + ENVIRONMENTS
    text = text.replace("SHARED", str(running.folder / "shared")).replace("DATA", str(contracts / "data"))
    # How quick a server answers beside other tests is not what this is about.
    text = text.replace("latency_p95_ms: 500", "latency_p95_ms: 5000")
    # The contract project has no tests of its own yet, which level 2 asks for.
    text = text.replace("level: 2 ", "level: 1 ")
    return {"mlops.yaml": text, "covertype.schema.yaml": (folder / "covertype.schema.yaml").read_text("utf-8")}


def _mlopsctl(ci: Workflows, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "160"}
    done = subprocess.run(
        [sys.executable, "-m", "mlopsctl", *words], cwd=ci.clone, capture_output=True, text=True, env=environment,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _propose(ci: Workflows, branch: str, files: Mapping[str, str]) -> tuple[int, str]:
    """A pull request that brings the files; its number and its commit."""
    ci.git("fetch", "--quiet", "origin")
    ci.git("checkout", "--quiet", "-B", branch, "origin/main")
    ci.write(files)
    ci.write(make_files(ci.clone).files)
    commit = ci.commit(f"Propose {branch}", branch)
    return ci.github.repository.open_pull(branch, commit), commit


def _checks(ci: Workflows, commit: str) -> dict[str, Mapping[str, Any]]:
    """Every check of a commit; each annotation once, too."""
    found = whole_checks(ci, commit)
    notes = [(note["path"], note["start_line"], note["message"]) for note in _annotations(ci, list(found.values()))]
    assert len(notes) == len(set(notes)), "an annotation was written twice"
    return found


def _annotations(ci: Workflows, checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    notes = ci.github.snapshot()["annotations"]
    return [note for one in checks for note in notes.get(str(one["id"]), [])]


def _open(ci: Workflows) -> list[tuple[int, str, str]]:
    """The open pull requests: number, branch and body."""
    pulls = ci.github.snapshot()["pulls"]
    return [(one["number"], one["head"]["ref"], one["body"] or "") for one in pulls if one["state"] == "open"]


def _comments(ci: Workflows, number: int) -> list[str]:
    return [one["body"] for one in ci.github.snapshot()["comments"] if one["issue"] == number]


def test_the_forest_goes_from_a_refused_pull_request_to_production(ci: Workflows, contracts: Path) -> None:
    project = _project(ci, contracts)
    text = project["mlops.yaml"]
    start, end = text.index("    forest:\n"), text.index("  select: {metric: accuracy}")

    # The linear model alone is blocked by the floor, at the line that says so.
    alone = text[:start] + text[end:]
    number, commit = _propose(ci, "sgd", {**project, "mlops.yaml": alone})
    ran = ci.pull_request(WORKFLOW.format("pull-request"), "sgd", number=number)
    assert not ran.ok, ran
    assert ran.steps["publish"]["Publish"] == "failure", ran
    found = _checks(ci, commit)
    failing = {name for name, one in found.items() if one["conclusion"] != "success"}
    assert failing == {"floor", "trial"}, (failing, ran)
    assert "0.68" in found["floor"]["output"]["title"]
    assert "0.69" in found["floor"]["output"]["title"]
    (note,) = _annotations(ci, [found["floor"]])
    assert "name: floor" in alone.splitlines()[note["start_line"] - 1]
    (comment,) = _comments(ci, number)
    assert "`covertype` in `trial` fails" in comment

    # The same commit judged again: nothing is there twice.
    assert not ci.pull_request(WORKFLOW.format("pull-request"), "sgd", number=number).ok
    assert set(_checks(ci, commit)) == set(found)
    assert len(_comments(ci, number)) == 1

    # With the forest every gate holds.
    number, commit = _propose(ci, "forest", project)
    ran = ci.pull_request(WORKFLOW.format("pull-request"), "forest", number=number)
    assert ran.ok, ran
    found = _checks(ci, commit)
    assert {"floor", "every-area", "beats-trivial", "not-worse", "plan", "policy", "level", "trial"} <= set(found)
    assert {one["conclusion"] for one in found.values()} == {"success"}, found
    assert found["level"]["output"]["title"] == "Level 1 by what the commit says, and level 1 is declared"
    (comment,) = _comments(ci, number)
    assert "0.84" in comment

    # Merged, it is applied to dev, and proposed for staging with its evidence; nothing is in staging yet.
    merge(ci, "forest")
    ran = ci.push(WORKFLOW.format("deliver"))
    assert ran.ok, ran
    (_, branch, body), *others = [one for one in _open(ci) if one[1] != "sgd"]
    assert others == []
    assert "| floor | pass |" in body
    assert [name for name, _ in deployed(ci)] == ["covertype/dev"]

    # The merge of the lock brings this model to staging, which proposes it for prod; dev stays as it is.
    merge(ci, branch)
    ci.reviewers["staging"] = "grace"
    ran = ci.push(WORKFLOW.format("deliver"))
    assert ran.ok, ran
    assert "staging follows this model already" in ran.text
    (_, branch, body), *others = [one for one in _open(ci) if one[1] != "sgd"]
    assert others == []
    assert "| floor | pass |" in body

    # A job that nobody had to review approves nothing.
    merge(ci, branch)
    ran = ci.push(WORKFLOW.format("release"))
    assert not ran.ok, ran
    assert ran.steps["apply-prod"]["Take the approval of who let this job begin"] == "failure", ran
    assert "nobody had to review this run before it began in prod" in ran.text
    assert "let the environment prod have required reviewers" in ran.text

    # Who reviews the environment on GitHub lets the release begin: it comes to prod.
    ci.reviewers["prod"] = "grace"
    ran = ci.push(WORKFLOW.format("release"))
    assert ran.ok, ran
    assert "Approved by grace: covertype" in ran.text
    assert [name for name, _ in deployed(ci)] == ["covertype/dev", "covertype/staging", "covertype/prod"]
    states = [one["state"] for one in ci.github.snapshot()["deployment_statuses"]]
    assert states.count("success") == 3, states
    assert [one[1] for one in _open(ci)] == ["sgd"]

    # Git tells the story: one model in both locks, proved by evidence, and what is live is what they say.
    locks = {name: _lock(ci, name) for name in ("staging", "prod")}
    assert locks["staging"]["model"]["digest"] == locks["prod"]["model"]["digest"]
    assert locks["staging"]["code"]["commit"] == ci.git("rev-parse", "HEAD~2")
    merged = ci.git("log", "--first-parent", "--reverse", "--format=%s", "--", "environments").splitlines()
    assert merged == [f"Merge mlopsctl/promote-covertype-{name}" for name in locks]
    for name in ("dev", *locks):
        assert "nothing drifted" in _mlopsctl(ci, "drift", "-e", name, "--plane", "config")
    answer = _mlopsctl(ci, "lineage", "champion", "-e", "prod")
    assert locks["prod"]["model"]["digest"].removeprefix("sha256:")[:12] in answer


def _lock(ci: Workflows, environment: str) -> Any:
    return yaml.safe_load(ci.git("show", f"HEAD:environments/{environment}.lock.yaml"))
