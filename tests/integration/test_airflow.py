"""A real Airflow 3 runs what was compiled, and a real Airflow 2 runs the same files; the results are the local ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.airflow_server import AIRFLOW2, AIRFLOW3, AirflowServer, surroundings
from tests.integration.cli import call
from tests.integration.test_flowers import PROJECT, write_data

MORE = """\
components:
  look:
    run: {{kind: python, entrypoint: "steps:look"}}
    inputs: {{rows: flowers}}
    outputs: {{seen: File}}
    parameters: {{fails: "${{parameters.fails}}"}}
parameters: {{fails: false}}
triggers: [{{kind: schedule, cron: "0 3 * * 1", timezone: Europe/Berlin}}]
environments:
  here: {{}}
  there:
    # Of its own, else it would take every result from the other environment.
    stores:
      metadata: sqlite:///there/metadata.db
      artifacts: there/artifacts
      tracking: sqlite:///there/mlflow.db
    orchestrator:
      kind: airflow
      dags: dags
      url: {url}
      execution: {{kind: venv, python: {python}}}
"""
# They tell what took how long, and the registry's own numbers.
_TIMED = ("preflight", "push")
STEPS = """\
def look(rows, seen, *, fails: bool):
    if fails:
        raise ValueError("asked to fail")
    (seen / "seen.txt").write_text(str(sorted(p.name for p in rows.iterdir())))
"""


def project(folder: Path, url: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mlops.yaml").write_text(PROJECT + MORE.format(url=url, python=sys.executable), encoding="utf-8")
    (folder / "steps.py").write_text(STEPS, encoding="utf-8")
    write_data(folder)
    return folder


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AirflowServer, Path]]:
    if not AIRFLOW3.is_file():
        pytest.skip("Airflow 3 is not installed: make airflow3")
    root = tmp_path_factory.mktemp("airflow")
    server = AirflowServer(root / "home", root / "flowers" / "dags")
    try:
        server.start()
        yield server, project(root / "flowers", server.url)
    finally:
        server.stop()


@pytest.mark.timeout(600)
def test_apply_runs_on_airflow_and_the_results_are_the_local_ones(airflow: tuple[AirflowServer, Path]) -> None:
    server, folder = airflow
    here = call(folder, "apply", "-e", "here", "-o", "json")
    assert here.code == 0, here
    there = call(folder, "apply", "-e", "there", "-o", "json", timeout=400)
    assert there.code == 0, there
    assert there.json["verdict"] == "pass"
    local, remote = here.json["steps"], there.json["steps"]
    assert {step: one["state"] for step, one in remote.items()} == {step: one["state"] for step, one in local.items()}
    assert {step: one["outputs"] for step, one in remote.items() if step not in _TIMED} == {
        step: one["outputs"] for step, one in local.items() if step not in _TIMED
    }
    run = server.call("GET", f"dags/flowers-there/dagRuns/{there.json['run']}")
    assert run["state"] == "success"
    tasks = server.call("GET", f"dags/flowers-there/dagRuns/{there.json['run']}/taskInstances")["task_instances"]
    assert {one["task_id"] for one in tasks} == {*remote, "mlopsctl-begin", "mlopsctl-end"}
    assert {one["state"] for one in tasks} == {"success"}

    plan = call(folder, "plan", "-e", "there", "--detailed-exitcode")
    assert plan.code == 0, plan
    server.call("PATCH", "dags/flowers-there", {"is_paused": True})
    plan = call(folder, "plan", "-e", "there", "--detailed-exitcode")
    assert plan.code == 2, plan
    assert "it is paused" in plan.out


@pytest.mark.timeout(600)
def test_a_step_that_raises_fails_there_and_the_other_branch_goes_on(airflow: tuple[AirflowServer, Path]) -> None:
    server, folder = airflow
    failed = call(folder, "apply", "-e", "there", "-p", "fails=true", "-o", "json", timeout=400)
    assert failed.code == 1, failed
    steps = failed.json["steps"]
    assert steps["look"]["state"] == "failed"
    assert "ValueError: asked to fail" in steps["look"]["problem"]
    assert steps["gate"]["state"] in ("success", "cached")
    tasks = server.call("GET", f"dags/flowers-there/dagRuns/{failed.json['run']}/taskInstances")["task_instances"]
    states = {one["task_id"]: one["state"] for one in tasks}
    assert states["look"] == "failed"
    assert states["gate"] == "success"
    assert states["mlopsctl-end"] == "success"
    assert server.call("GET", f"dags/flowers-there/dagRuns/{failed.json['run']}")["state"] == "failed"
    assert "ValueError: asked to fail" in call(folder, "logs", failed.json["run"], "look", "-e", "there").out


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_airflow_2_runs_the_same_files(tmp_path: Path) -> None:
    if not AIRFLOW2.is_file():
        pytest.skip("Airflow 2 is not installed: make airflow2")
    folder = project(tmp_path / "flowers", "http://127.0.0.1:9")
    home, dags = tmp_path / "home", folder / "dags"
    home.mkdir()
    written = call(folder, "compile", "-e", "there", "--out", str(dags))
    assert written.code == 0, written
    env = surroundings(home, dags)
    subprocess.run([AIRFLOW2, "db", "migrate"], env=env, check=True, capture_output=True, timeout=200)
    done = subprocess.run(
        [AIRFLOW2, "dags", "test", "flowers-there", "2026-01-05"],
        env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "state=success" in done.stdout + done.stderr, done.stdout[-3000:] + done.stderr[-3000:]
    assert list((folder / "there" / "artifacts" / "runs").glob("*/push.1.json"))
