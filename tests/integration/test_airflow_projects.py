"""Two contract projects on a real Airflow: green, and told by `mlopsctl status`; and a step that raises."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.airflow_server import AIRFLOW3, AirflowServer
from tests.integration.cli import call, processes_of

ENVIRONMENT = """
  there:
    vars: {{data_root: ../../data}}
    orchestrator:
      kind: airflow
      dags: build/dags
      url: {url}
      execution: {{kind: venv, python: {python}}}
"""
OWN = """\
components:
  look:
    run: {kind: python, entrypoint: "steps:look"}
    inputs: {rows: trips}
    outputs: {seen: File}
    parameters: {fails: "${parameters.fails}"}
  tell:
    run: {kind: python, entrypoint: "steps:tell"}
    inputs: {seen: look.seen}
    outputs: {told: File}
  tell-more:
    run: {kind: python, entrypoint: "steps:tell"}
    inputs: {seen: tell.told}
    outputs: {told: File}

data:
"""
STEPS = """\
def look(rows, seen, *, fails: bool):
    if fails:
        raise ValueError("asked to fail")
    (seen / "seen.txt").write_text("seen")


def tell(seen, told):
    (told / "told.txt").write_text("told")
"""


@pytest.fixture(scope="module")
def airflow(contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AirflowServer, Path]]:
    """An Airflow whose DAG folder holds the projects, each with its own folder of DAGs, beside their data."""
    if not AIRFLOW3.is_file():
        pytest.skip("Airflow 3 is not installed: make airflow3")
    root = tmp_path_factory.mktemp("shown")
    projects = root / "projects"
    (root / "data").symlink_to(contracts / "data")
    server = AirflowServer(root / "home", projects, CORE__PARALLELISM="4")
    (projects / ".airflowignore").write_text("\\.mlops/\nsteps\\.py\n")
    for name in ("covertype", "chicago-taxi"):
        shutil.copytree(contracts / "projects" / name, projects / name, ignore=shutil.ignore_patterns(".mlops"))
        for path in (projects / name, *(projects / name).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        file = projects / name / "mlops.yaml"
        text = file.read_text(encoding="utf-8").rstrip("\n")
        # No run of the schedule's beside those of the test, whatever day it is.
        for cron in ('"0 3 * * 1"', '"@weekly"'):
            text = text.replace(cron, '"0 3 29 2 *"')
        file.write_text(text + ENVIRONMENT.format(url=server.url, python=sys.executable), encoding="utf-8")
    try:
        server.start()
        yield server, projects
    finally:
        server.stop()


@pytest.fixture
def covertype(airflow: tuple[AirflowServer, Path]) -> Iterator[Path]:
    folder = airflow[1] / "covertype"
    # Fewer trees, for all that is asked of them; and how quick a server answers is not what this is about.
    edited(folder, ("n_estimators: 200", "n_estimators: 40"), ("latency_p95_ms: 500", "latency_p95_ms: 5000"))
    yield folder
    ended(folder)


@pytest.fixture
def taxi(airflow: tuple[AirflowServer, Path]) -> Iterator[Path]:
    """With a branch of its own beside the model's, which fails when it is asked to."""
    folder = airflow[1] / "chicago-taxi"
    edited(folder, ("parameters: {seed: 1}", "parameters: {seed: 1, fails: false}"), ("\ndata:\n", f"\n{OWN}"))
    (folder / "steps.py").write_text(STEPS, encoding="utf-8")
    yield folder
    ended(folder)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_covertype_is_green_and_its_verdict_is_seen_in_airflow_and_here(
    airflow: tuple[AirflowServer, Path], covertype: Path
) -> None:
    server, _ = airflow
    done = applied(server, covertype)
    floor = next(gate for gate in done["gates"] if gate["name"] == "floor")
    assert floor["verdict"] == "pass"
    assert 0.69 < floor["observed"] < 0.9
    told = log(server, "covertype-there", done["run"], "gate")
    assert f"gate floor: pass: {floor['reason']}" in told
    assert f"{floor['observed']:.4f}" in floor["reason"]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_chicago_taxi_is_green_and_a_step_that_raises_stops_only_its_branch(
    airflow: tuple[AirflowServer, Path], taxi: Path
) -> None:
    server, _ = airflow
    done = applied(server, taxi)
    assert {gate["name"]: gate["verdict"] for gate in done["gates"]}["rmse"] == "pass"

    failed = call(taxi, "apply", "-e", "there", "-p", "fails=true", "-o", "json", timeout=600)
    assert failed.code == 1, failed
    found = states(server, "chicago-taxi-there", failed.json["run"])
    assert {step: found.pop(step) for step in ("look", "tell", "tell-more")} == {
        "look": "failed", "tell": "upstream_failed", "tell-more": "upstream_failed"
    }  # fmt: skip
    assert set(found.values()) == {"success"}
    assert "ValueError: asked to fail" in log(server, "chicago-taxi-there", failed.json["run"], "look")
    shown = call(taxi, "status", "-e", "there", "-o", "json").json
    assert shown["run"]["id"] == failed.json["run"]
    assert shown["run"]["state"] == "failed"
    shown = call(taxi, "status", "-e", "there").out
    assert "look" in shown
    steps = failed.json["steps"]
    assert steps["look"]["state"] == "failed"
    assert {steps[step]["state"] for step in ("tell", "tell-more")} == {"upstream_failed"}
    assert steps["gate"]["state"] in ("success", "cached")


def applied(server: AirflowServer, folder: Path) -> Any:
    """Deploy, run and release; green in Airflow, told by ``status``, and nothing is left to do."""
    done = call(folder, "apply", "-e", "there", "-o", "json", timeout=800)
    assert done.code == 0, done
    run = done.json["run"]
    found = states(server, f"{folder.name}-there", run)
    assert set(found) == {*done.json["steps"], "mlopsctl-begin", "mlopsctl-end"}
    assert set(found.values()) == {"success"}
    status = call(folder, "status", "-e", "there", "-o", "json").json
    assert status["run"]["id"] == run
    assert status["run"]["state"] == "success"
    plan = call(folder, "plan", "-e", "there", "--detailed-exitcode")
    assert plan.code == 0, plan
    return done.json


def states(server: AirflowServer, dag: str, run: str) -> dict[str, str]:
    tasks = server.call("GET", f"dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
    return {one["task_id"]: one["state"] for one in tasks}


def log(server: AirflowServer, dag: str, run: str, task: str) -> str:
    """The log of the first attempt, as Airflow's pages show it."""
    return json.dumps(server.call("GET", f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1"))


def edited(folder: Path, *changes: tuple[str, str]) -> None:
    """Change the project file; each old text must stand there, or have been changed by a first try."""
    file = folder / "mlops.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text or new in text, old
        text = text if new in text else text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")


def ended(folder: Path) -> None:
    """Stop what the project serves."""
    done = call(folder, "destroy", "-e", "there", "--yes")
    assert done.code == 0, done
    assert not [line for line in processes_of(folder) if "scoring" in line]
