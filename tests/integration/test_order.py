"""Order without data, trigger rules and branches: every step ends here as on Airflow 3 and on Airflow 2."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.lowering.lower import lower
from tests.integration.airflow_server import AIRFLOW2, AIRFLOW3, surroundings
from tests.integration.cli import call
from tests.integration.order_projects import (
    BRANCHES,
    LAB_EDGES,
    LAB_SITUATIONS,
    LAB_TASKS,
    SITUATIONS,
    lab,
    lab_states,
    write,
)

ENVIRONMENTS = """\
environments:
  here: {{}}
  there:
    stores:
      metadata: sqlite:///there/metadata.db
      artifacts: there/artifacts
      tracking: sqlite:///there/mlflow.db
    orchestrator: {{kind: airflow, dags: dags, url: "http://127.0.0.1:9", execution: {{kind: venv, python: {python}}}}}
"""


def local_states(folder: Path, parameters: Mapping[str, object]) -> dict[str, str]:
    """How the steps end on this machine; a reused result is a good one."""
    words = [
        word for name, value in parameters.items() for word in ("-p", f"{name}={json.dumps(value).strip(chr(34))}")
    ]
    done = call(folder, "run", "-e", "here", *words, "-o", "json", timeout=600)
    assert done.code in (0, 1), done
    return {step: _good(one["state"]) for step, one in done.json["steps"].items()}


def _good(state: str) -> str:
    return "success" if state == "cached" else state


class Airflow:
    """An Airflow without servers: it executes a DAG in one process, and its database says how the tasks ended."""

    def __init__(self, program: Path, home: Path, folder: Path) -> None:
        if not program.is_file():
            pytest.skip("this Airflow is not installed: make airflow3 airflow2")
        self._program, self._home, self._runs = program, home, 0
        home.mkdir(parents=True)
        done = call(folder, "compile", "-e", "there", "--out", str(folder / "dags"))
        assert done.code == 0, done
        self._env = {**surroundings(home, folder / "dags"), "AIRFLOW__CORE__UNIT_TEST_MODE": "False"}
        self._call("db", "migrate")

    def states(self, dag: str, parameters: Mapping[str, object]) -> dict[str, str]:
        """How the tasks end."""
        self._runs += 1
        day = f"2026-01-{self._runs:02}"
        said = self._call("dags", "test", dag, day, "--conf", json.dumps(parameters))
        files = list(self._home.glob("*.db"))
        assert len(files) == 1, files
        with closing(sqlite3.connect(files[0])) as database:
            last = database.execute(
                "select run_id from dag_run where dag_id = ? order by id desc limit 1", (dag,)
            ).fetchone()
            assert last is not None, said[-4000:]
            rows = database.execute(
                "select task_id, state from task_instance where dag_id = ? and run_id = ?", (dag, last[0])
            ).fetchall()
        return {str(task): str(state) for task, state in rows if not str(task).startswith("mlopsctl-")}

    def _call(self, *words: str) -> str:
        done = subprocess.run(
            [self._program, *words],
            env=self._env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1700, check=False,
        )  # fmt: skip
        # A DAG whose tasks fail ends with 1 too.
        assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr


def environments(python: str = sys.executable) -> str:
    return ENVIRONMENTS.format(python=python)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_rules_and_branches_on_this_machine(tmp_path: Path, situation: str) -> None:
    folder = write(tmp_path / "branches", BRANCHES, environments())
    parameters, expected = SITUATIONS[situation]
    assert local_states(folder, parameters) == expected


@pytest.mark.timeout(900)
def test_a_step_without_reuse_runs_every_time_and_the_plan_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "branches", BRANCHES, environments())
    for _ in range(2):
        done = call(folder, "run", "-e", "here", "-p", "say=drop", "-o", "json", timeout=600)
        assert done.code == 0, done
    states = {step: one["state"] for step, one in done.json["steps"].items()}
    assert states["drop"] == "success"
    assert states["choose"] == "cached"
    assert states["alarm"] == states["both"] == "skipped"
    plan = call(folder, "plan", "-e", "here", "-p", "say=drop")
    assert re.search(r"drop +its `reuse` is false", plan.out), plan


def test_the_labs_project_has_the_labs_graph(tmp_path: Path) -> None:
    pipeline = lower(load_project(write(tmp_path / "lab", lab(), environments()), "here")).pipeline
    assert len(pipeline.steps) == len(LAB_TASKS) == 20
    edges = {(before, step.id) for step in pipeline.steps for before in step.upstream}
    assert edges == set(LAB_EDGES)
    assert len(edges) == 25


@pytest.fixture(scope="module")
def branches3(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    root = tmp_path_factory.mktemp("branches3")
    return Airflow(AIRFLOW3, root / "home", write(root / "branches", BRANCHES, environments()))


@pytest.fixture(scope="module")
def lab3(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    root = tmp_path_factory.mktemp("lab3")
    return Airflow(AIRFLOW3, root / "home", write(root / "lab", lab(), environments()))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("situation", [pytest.param("neither", marks=pytest.mark.soak), "failed"])
def test_rules_and_branches_on_airflow(branches3: Airflow, situation: str) -> None:
    parameters, expected = SITUATIONS[situation]
    assert branches3.states("branches-there", parameters) == expected


@pytest.mark.timeout(1800)
def test_rules_and_branches_on_airflow_2(tmp_path: Path) -> None:
    airflow = Airflow(AIRFLOW2, tmp_path / "home", write(tmp_path / "branches", BRANCHES, environments()))
    parameters, expected = SITUATIONS["failed"]
    assert airflow.states("branches-there", parameters) == expected


@pytest.mark.timeout(900)
@pytest.mark.parametrize("situation", LAB_SITUATIONS)
def test_the_labs_tasks_end_here_as_in_the_lab(tmp_path: Path, situation: str) -> None:
    folder = write(tmp_path / "lab", lab(), environments())
    assert local_states(folder, LAB_SITUATIONS[situation]) == lab_states(situation)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "situation", ["known", *(pytest.param(one, marks=pytest.mark.soak) for one in LAB_SITUATIONS if one != "known")]
)
def test_the_labs_tasks_end_on_airflow_as_in_the_lab(lab3: Airflow, situation: str) -> None:
    assert lab3.states("lab-there", LAB_SITUATIONS[situation]) == lab_states(situation)
