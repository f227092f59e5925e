"""What a project says of its DAG is what both Airflows understand: schedule, params with types, owner, assets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.airflow_server import AIRFLOW2, AIRFLOW3, surroundings
from tests.integration.cli import call
from tests.integration.test_flowers import PROJECT, write_data

MORE = """\
owner: ann
description: What flowers are.
parameters: {fast: true, rounds: 3, rate: 0.5, note: "a {{ b }}", empty: ""}
environments:
  timed:
    triggers: [{kind: schedule, cron: "@weekly", timezone: Europe/Berlin}]
    orchestrator: {kind: airflow, dags: dags, tags: [team], max_active_runs: 3, pool: big, pool_slots: 2, priority: 7}
  fresh:
    data: {flowers: {source: {kind: csv, uri: "gs://somewhere/flowers.csv"}}}
    triggers: [{kind: data, dataset: flowers}]
    orchestrator: {kind: airflow, dags: dags}
  asked:
    orchestrator: {kind: airflow, dags: dags}
"""
# For Airflow's own Python.
LOADER = """\
import json, logging, sys
logging.disable(logging.CRITICAL)
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization
bag = DagBag(sys.argv[1])
found = {"errors": {str(name): str(error) for name, error in bag.import_errors.items()}}
for name, dag in bag.dags.items():
    stored = DagSerialization.to_dict(dag)
    dag.validate()
    found[name] = {
        "params": {key: [dag.params[key], dag.params.get_param(key).schema.get("type")] for key in dag.params},
        "catchup": dag.catchup, "max_active_runs": dag.max_active_runs, "owner": dag.owner, "doc": dag.doc_md,
        "description": dag.description, "tags": sorted(dag.tags), "paused": dag.is_paused_upon_creation,
        "stored": json.dumps(stored, default=str),
        "pools": sorted({(task.pool, task.pool_slots, task.priority_weight) for task in dag.tasks}),
    }
with open(sys.argv[2], "w") as file:
    json.dump(found, file)
"""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("airflow", [AIRFLOW2, AIRFLOW3], ids=["airflow2", "airflow3"])
def test_what_the_project_says_is_what_airflow_reads(tmp_path: Path, airflow: Path) -> None:
    if not airflow.is_file():
        pytest.skip("this Airflow is not installed: make airflow2 airflow3")
    folder = tmp_path / "flowers"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT + MORE, encoding="utf-8")
    write_data(folder)
    for environment in ("timed", "fresh", "asked"):
        written = call(folder, "compile", "-e", environment, "--out", str(folder / "dags"))
        assert written.code == 0, written
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [airflow.with_name("python"), "-c", LOADER, folder / "dags", tmp_path / "found.json"],
        env=surroundings(home, folder / "dags"), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: Any = json.loads((tmp_path / "found.json").read_text())
    assert found["errors"] == {}

    timed = found["flowers-timed"]
    params = {name: pair for name, pair in timed["params"].items() if not name.startswith("mlopsctl")}
    assert params == {
        "fast": [True, "boolean"], "rounds": [3, "integer"], "rate": [0.5, "number"], "note": ["a {{ b }}", "string"],
        "empty": ["", None], "seed": [0, "integer"],
    }  # fmt: skip
    assert (timed["catchup"], timed["max_active_runs"], timed["paused"]) == (False, 3, True)
    assert (timed["owner"], timed["description"]) == ("ann", "What flowers are.")
    assert "What flowers are." in timed["doc"]
    assert {"team", "flowers", "mlopsctl"} < set(timed["tags"])
    assert "0 0 * * 0" in timed["stored"]
    assert "Europe/Berlin" in timed["stored"]
    assert timed["pools"] == [["big", 2, 7]]
    assert "gs://somewhere/flowers.csv" in found["flowers-fresh"]["stored"]
    assert "CronTriggerTimetable" in timed["stored"]
    assert "CronTriggerTimetable" not in found["flowers-asked"]["stored"]
    assert "gs://somewhere" not in found["flowers-asked"]["stored"]
