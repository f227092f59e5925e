"""A real Airflow 3 reads DAGs from a git bundle, and serves the contract that its stand-in is held to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.doubles.airflow_contract import contract_file
from tests.integration.airflow_server import AIRFLOW3, AirflowServer
from tests.integration.cli import call
from tests.integration.test_flowers import write_data

# Few steps: each takes a worker of Airflow's seconds to begin.
DATA = """\
version: 1
name: flowers
data:
  flowers:
    source: {kind: csv, uri: flowers.csv}
    checks: [{name: enough-rows, kind: row_count, min: 50}]
"""
MORE = """\
components:
  look:
    run: {{kind: python, entrypoint: "steps:look"}}
    inputs: {{rows: flowers}}
    outputs: {{seen: File}}
    parameters: {{waits: "${{parameters.waits}}"}}
parameters: {{waits: 0}}
triggers: [{{kind: schedule, cron: "0 3 * * 1", timezone: Europe/Berlin}}]
environments:
  there:
    orchestrator:
      kind: airflow
      dags: {{repository: "{origin}", folder: dags, author: "Robot <robot@example.com>"}}
      url: {url}
      tags: [{tag}]
      execution: {{kind: venv, python: {python}, folder: {folder}}}
"""
STEPS = """\
import time


def look(rows, seen, *, waits: int):
    time.sleep(waits)
    (seen / "seen.txt").write_text(str(sorted(p.name for p in rows.iterdir())))
"""


class Scene:
    """A project, the repository its DAG is pushed to, and the Airflow that reads it."""

    def __init__(self, root: Path) -> None:
        self.folder, self.origin = root / "flowers", root / "origin.git"
        self.folder.mkdir()
        self.origin.mkdir()
        self.git("init", "--quiet", "--bare", "--initial-branch=main", ".")
        readme = self.git("hash-object", "-w", "--stdin", given="DAGs of the team\n")
        dags = self.git("mktree", given=f"100644 blob {readme}\tREADME\n")
        tree = self.git("mktree", given=f"040000 tree {dags}\tdags\n")
        first = self.git("commit-tree", tree, "-m", "first")
        self.git("update-ref", "refs/heads/main", first)
        bundle = {
            "name": "team",
            "classpath": "airflow.providers.git.bundles.git.GitDagBundle",
            "kwargs": {
                "repo_url": str(self.origin), "tracking_ref": "main", "subdir": "dags", "refresh_interval": 1,
            },
        }  # fmt: skip
        settings = {
            "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
            "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(root / "bundles"),
        }
        self.server = AirflowServer(root / "home", root / "none", **settings)
        (self.folder / "steps.py").write_text(STEPS, encoding="utf-8")
        write_data(self.folder)
        self.write("one")

    def write(self, tag: str) -> None:
        more = MORE.format(origin=self.origin, url=self.server.url, tag=tag, python=sys.executable, folder=self.folder)
        (self.folder / "mlops.yaml").write_text(DATA + more, encoding="utf-8")

    def git(self, *words: str, given: str | None = None) -> str:
        who = {
            f"GIT_{role}_{what}": "ann@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        env = {"PATH": os.environ["PATH"], "HOME": str(self.origin), **who}
        done = subprocess.run(
            ["git", *words],
            cwd=self.origin,
            env=env,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def dag(self) -> dict[str, object]:
        found: dict[str, object] = self.server.call("GET", "dags/flowers-there/details")
        return found

    def runs(self) -> list[dict[str, str]]:
        try:
            found: list[dict[str, str]] = self.server.call("GET", "dags/flowers-there/dagRuns")["dag_runs"]
        except urllib.error.HTTPError as error:
            assert error.code == 404
            return []
        return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    if not AIRFLOW3.is_file():
        pytest.skip("Airflow 3 is not installed: make airflow3")
    one = Scene(tmp_path_factory.mktemp("bundle"))
    try:
        one.server.start()
        yield one
    finally:
        one.server.stop()


@pytest.mark.timeout(600)
def test_a_real_airflow_serves_the_contract_that_the_stand_in_is_held_to(scene: Scene) -> None:
    with urllib.request.urlopen(f"{scene.server.url}/openapi.json", timeout=60) as answer:
        served = json.load(answer)
    file = contract_file(2)
    assert file is not None
    with file.open("rb") as stream:
        shipped = yaml.load(stream, yaml.CSafeLoader)
    run = "/api/v2/dags/{dag_id}/dagRuns"
    for path in (
        "/api/v2/version", "/api/v2/importErrors", "/api/v2/dags/{dag_id}", "/api/v2/dags/{dag_id}/details", run,
        f"{run}/{{dag_run_id}}", f"{run}/{{dag_run_id}}/taskInstances",
    ):  # fmt: skip
        assert served["paths"][path] == shipped["paths"][path]


@pytest.mark.timeout(1500)
def test_a_bundle_in_git_is_pushed_read_and_run(scene: Scene) -> None:
    done = call(scene.folder, "apply", "-e", "there", "-o", "json", timeout=900)
    assert done.code == 0, done
    steps = done.json["steps"]
    assert {step: one["state"] for step, one in steps.items()} == dict.fromkeys(steps, "success")
    assert {"ingest-flowers", "validate-flowers", "look"} <= set(steps)
    assert scene.git("log", "--format=%an %ae|%s", "main").splitlines()[0] == (
        "Robot robot@example.com|Deploy the DAG flowers-there"
    )
    assert scene.dag()["bundle_name"] == "team"
    (run,) = scene.runs()
    assert run["state"] == "success"
    assert run["bundle_version"] == scene.git("rev-parse", "main")
