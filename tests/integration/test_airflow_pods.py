"""Steps in pods and in containers: what Airflow's own operators make of the DAG, as Kubernetes and Docker are asked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.pods import Pods
from tests.integration.airflow_server import AIRFLOW2, AIRFLOW3, surroundings
from tests.integration.cli import call
from tests.integration.test_airflow_hostile import CLOUD, IMAGE, STORES, compiled, loaded

CALLED = ["python3", "-P", "-m", "mlopsctl.delivery.inside.called"]
VALIDATE = """\
import json, sys
import kubernetes_validate
for pod in json.load(sys.stdin):
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
"""


def document(name: str, **execution: Any) -> dict[str, Any]:
    """Two steps, one with everything that a step can ask for, and a secret."""
    return {
        "version": 1,
        "name": name,
        "components": {
            "big_step": {
                "run": {"kind": "command", "command": ["work", "{outputs.out}"]},
                "outputs": {"out": "File"},
                "resources": {"cpu": 1.5, "memory": "2Gi", **execution.pop("resources", {})},
                "retry": {"attempts": 2, "delay": "30s"},
                "timeout": "1h",
            },
            "after": {"run": {"kind": "command", "command": ["work"]}, "inputs": {"i": "big_step.out"}},
        },
        "stores": STORES,
        "orchestrator": {"kind": "airflow", "dags": "dags", "image": IMAGE, "execution": execution},
    }


@pytest.fixture(scope="module", params=["airflow3", "airflow2"])
def airflow(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def found(airflow: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an Airflow makes of the three projects."""
    program = AIRFLOW3 if airflow == "airflow3" else AIRFLOW2
    if not program.is_file():
        pytest.skip(f"there is no {program.parents[1].name}: make {program.parents[1].name}")
    root = tmp_path_factory.mktemp("pods")
    dags = root / "dags"
    dags.mkdir()
    pods = {
        "namespace": "ml",
        "service_account": "trainer",
        "node_selector": {"disk": "ssd"},
        "secrets": {"API_TOKEN": {"name": "tokens", "key": "api"}},
        "resources": {"accelerators": {"nvidia.com/gpu": 1}},
    }
    for name, execution in (
        ("pods", {"kind": "kubernetes", **pods}),
        ("plain", {"kind": "kubernetes"}),
        ("docks", {"kind": "docker", "network": "host"}),
    ):
        written = document(name, **execution)
        if name == "docks":
            written["triggers"] = [{"kind": "schedule", "cron": "* * * * *"}]
        for file, content in compiled(root / name, written).items():
            (dags / file).write_bytes(content)
    read = loaded(program, dags, root / "home")
    assert read["errors"] == {}
    dags_read: dict[str, Any] = read["dags"]
    return dags_read


@pytest.mark.timeout(300)
def test_a_pod_asks_for_what_the_project_says(found: dict[str, Any]) -> None:
    pod = found["pods"]["tasks"]["big_step"]["done"]
    assert pod["metadata"]["namespace"] == "ml"
    assert pod["metadata"]["name"].startswith("big-step-")
    spec = pod["spec"]
    assert spec["serviceAccountName"] == "trainer"
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["restartPolicy"] == "Never"
    (container,) = spec["containers"]
    assert (container["image"], container["command"], container.get("args", [])) == (IMAGE, CALLED, [])
    assert container["resources"] == {
        "requests": {"cpu": "1500m", "memory": str(2 << 30)},
        "limits": {"cpu": "1500m", "memory": str(2 << 30), "nvidia.com/gpu": "1"},
    }
    secret, told = container["env"]
    assert secret == {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "api"}}}
    assert told["name"] == "MLOPSCTL_CALL"
    assert json.loads(told["value"])["kind"] == "step"


@pytest.mark.timeout(300)
def test_a_pod_of_a_project_that_asks_for_nothing_has_nothing(found: dict[str, Any]) -> None:
    pod = found["plain"]["tasks"]["after"]["done"]
    assert pod["metadata"]["namespace"] == "default"
    assert "serviceAccountName" not in pod["spec"]
    assert not pod["spec"].get("nodeSelector")
    (container,) = pod["spec"]["containers"]
    assert not container["resources"].get("limits")
    assert [one["name"] for one in container["env"]] == ["MLOPSCTL_CALL"]


@pytest.mark.timeout(300)
def test_kubernetes_accepts_the_pods(found: dict[str, Any]) -> None:
    if not CLOUD.is_file():
        pytest.skip("there is no .venvs/cloud: make cloud")
    pods = [task["done"] for dag in ("pods", "plain") for task in found[dag]["tasks"].values()]
    done = subprocess.run(
        [CLOUD, "-P", "-c", VALIDATE], input=json.dumps(pods), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.timeout(300)
def test_a_container_of_docker_is_told_the_step_and_nothing_else(found: dict[str, Any]) -> None:
    done = found["docks"]["tasks"]["big_step"]["done"]
    told = json.loads(done["environment"].pop("MLOPSCTL_CALL"))
    assert told["kind"] == "step"
    assert done == {"image": IMAGE, "command": CALLED, "environment": {}, "network": "host", "xcom": False}


@pytest.mark.timeout(300)
def test_a_new_dag_starts_nothing_for_a_time_that_is_past(found: dict[str, Any], airflow: str) -> None:
    # Airflow 2 wants a beginning, and starts the newest run since then.
    assert found["docks"]["starts_in_the_past"] is (airflow == "airflow2")


PROJECT = """\
version: 1
name: podded
parameters: {{fails: false, note: "$$(API_TOKEN) {{{{ conn.x }}}}"}}
components:
  first:
    run: {{kind: python, entrypoint: "steps:first"}}
    outputs: {{rows: File}}
    parameters: {{note: "${{parameters.note}}"}}
  fails:
    run: {{kind: python, entrypoint: "steps:fails"}}
    inputs: {{rows: first.rows}}
    outputs: {{out: File}}
    parameters: {{fails: "${{parameters.fails}}"}}
  never:
    run: {{kind: python, entrypoint: "steps:never"}}
    when: false
    inputs: {{rows: first.rows}}
    outputs: {{out: File}}
environments:
  here: {{}}
  there:
    stores: {{metadata: "sqlite:///{root}/m.db", artifacts: "file://{root}/artifacts", tracking: "sqlite:///{root}/t.db"}}
    orchestrator:
      kind: airflow
      dags: dags
      image: {image}
      execution: {{kind: kubernetes, namespace: ml, secrets: {{API_TOKEN: {{name: tokens, key: api}}}}}}
"""
STEPS = """\
def first(rows, *, note):
    (rows / "rows.txt").write_text(note)


def fails(rows, out, *, fails):
    if fails:
        raise ValueError("asked to fail")
    (out / "out.txt").write_text((rows / "rows.txt").read_text())


def never(rows, out):
    raise ValueError("called")
"""


@pytest.mark.timeout(600)
def test_pods_run_the_steps_with_the_results_of_a_run_here(tmp_path: Path) -> None:
    if not AIRFLOW2.is_file():
        pytest.skip("Airflow 2 is not installed: make airflow2")
    folder = tmp_path / "podded"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT.format(root=tmp_path, image=IMAGE), encoding="utf-8")
    (folder / "steps.py").write_text(STEPS, encoding="utf-8")
    here = call(folder, "apply", "-e", "here", "-o", "json")
    assert here.code == 0, here
    written = call(folder, "compile", "-e", "there", "--out", str(folder / "dags"))
    assert written.code == 0, written
    pods = Pods(folder, {"tokens/api": "sesame"})
    try:
        env = {
            **surroundings(tmp_path / "home", folder / "dags"),
            "KUBECONFIG": str(pods.kubeconfig(tmp_path / "kube")),
        }
        subprocess.run([AIRFLOW2, "db", "migrate"], env=env, check=True, capture_output=True, timeout=300)
        good = ran_there(env, "2026-01-05", {})
        assert good["first"] == good["fails"] == good["mlopsctl-end"] == "success", good
        assert good["never"] == "skipped"
        bad = ran_there(env, "2026-01-06", {"fails": True})
        assert (bad["first"], bad["fails"], bad["mlopsctl-end"]) == ("success", "failed", "success"), bad
    finally:
        pods.stop()
    assert {pod["metadata"]["namespace"] for pod in pods.created} == {"ml"}
    (ledger,) = {path.parent for path in (tmp_path / "artifacts" / "runs").glob("*2026-01-05*/first.1.json")}
    for step in ("first", "fails"):
        record = json.loads((ledger / f"{step}.1.json").read_text(encoding="utf-8"))
        left = {name: one["digest"] for name, one in record["outputs"].items()}
        assert left == here.json["steps"][step]["outputs"]
    assert "sesame" not in "".join(path.read_text() for path in (tmp_path / "artifacts").rglob("*") if path.is_file())


def ran_there(env: dict[str, str], date: str, conf: dict[str, Any]) -> dict[str, str]:
    """The states of the tasks after ``airflow dags test``."""
    words = [AIRFLOW2, "dags", "test", "podded-there", date, "--conf", json.dumps(conf)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=400, check=False)
    listed = subprocess.run(
        [AIRFLOW2, "tasks", "states-for-dag-run", "podded-there", date, "--output", "json"],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert listed.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:] + listed.stderr[-2000:]
    tasks = json.loads(listed.stdout[listed.stdout.index("[{") :])
    return {one["task_id"]: one["state"] for one in tasks}
