"""The order of steps in what is compiled for each orchestrator, and what of it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsctl.config.load import load_project
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.airflow.compile import compile_airflow
from mlopsctl.orchestrators.kfp.compile import compile_kfp
from mlopsctl.step.portable import decode_run, decode_step
from mlopsctl.step.portable_fields import Order

PROJECT = """\
version: 1
name: order
stores: {metadata: "postgresql://db.example.com/x", artifacts: "gs://bucket/a", tracking: "https://mlflow.example.com"}
components:
  look: {run: {kind: command, command: [look]}, outputs: {choice: File}}
  free: {run: {kind: command, command: [free]}, outputs: {out: File}}
  branch: {run: {kind: command, command: [go]}, outputs: {out: File}, when: {reads: look.choice, equals: go}, reuse: false}
  last: {run: {kind: command, command: [last]}, after: [branch], trigger_rule: RULE, MORE}
environments:
  cluster: {orchestrator: {kind: kfp, host: "https://kfp.example.com", caching: true}}
  scheduler: {orchestrator: {kind: airflow, dags: dags, url: "http://127.0.0.1:9", priority: 2, pool: all}}
"""  # noqa: E501


def project(folder: Path, rule: str, more: str = "retry: {attempts: 2}") -> Path:
    (folder / "mlops.yaml").write_text(PROJECT.replace("RULE", rule).replace("MORE", more), encoding="utf-8")
    return folder


def on_kfp(folder: Path) -> dict[str, Any]:
    loaded = load_project(folder, "cluster")
    bundle = compile_kfp(loaded, lower(loaded))
    found: dict[str, Any] = yaml.safe_load(bundle.files[bundle.main].split(b"\n---")[0])
    return found


def on_airflow(folder: Path) -> dict[str, dict[str, Any]]:
    loaded = load_project(folder, "scheduler")
    bundle = compile_airflow(loaded, lower(loaded))
    return {task["id"]: task for task in json.loads(bundle.files[bundle.main])["tasks"]}


def orders(spec: dict[str, Any]) -> dict[str, Order]:
    executors = spec["deploymentSpec"]["executors"].values()
    words = [one["container"]["args"] for one in executors if "--step" in one["container"]["args"]]
    steps = [decode_step(args[args.index("--step") + 1]) for args in words]
    return {one.step.id: one.order for one in steps}


def cached(spec: dict[str, Any]) -> set[str]:
    tasks = spec["components"]["comp-mlopsctl-steps"]["dag"]["tasks"]
    return {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}


def is_carried(spec: dict[str, Any]) -> bool:
    args = spec["deploymentSpec"]["executors"]["exec-mlopsctl-end"]["container"]["args"]
    return decode_run(args[args.index("--run") + 1]).carried


def test_on_kfp_only_ordered_steps_look_into_the_ledger_while_the_engine_keeps_failures(tmp_path: Path) -> None:
    spec = on_kfp(project(tmp_path, "none_failed"))
    assert orders(spec) == {"look": Order.DATA, "free": Order.DATA, "branch": Order.JUDGED, "last": Order.JUDGED}
    assert cached(spec) == {"free"}
    assert not is_carried(spec)


@pytest.mark.parametrize("rule", ["all_failed", "all_done", "one_success"])
def test_on_kfp_all_steps_are_carried_where_one_outlives_failures(tmp_path: Path, rule: str) -> None:
    spec = on_kfp(project(tmp_path, rule))
    assert set(orders(spec).values()) == {Order.CARRIED}
    assert cached(spec) == set()
    assert is_carried(spec)


def test_on_airflow_the_rule_the_pool_and_the_priority_are_the_tasks_own(tmp_path: Path) -> None:
    tasks = on_airflow(project(tmp_path, "all_done", "pool: few, priority: 7, retry: {attempts: 2, delay: 5m}"))
    last, branch = tasks["last"], tasks["branch"]
    assert (last["trigger_rule"], last["pool"], last["priority"]) == ("all_done", "few", 7)
    assert (last["retries"], last["retry_delay"], last["upstream"]) == (2, 300.0, ["branch"])
    assert (branch["trigger_rule"], branch["pool"], branch["priority"]) == ("none_failed", "all", 2)
    assert branch["upstream"] == ["look"]
    assert {decode_step(tasks[id]["text"]).order for id in ("look", "free", "branch", "last")} == {Order.TOLD}


def test_a_pool_is_refused_on_kfp(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject) as refused:
        on_kfp(project(tmp_path, "all_done", "pool: few"))
    assert [one.message.partition(":")[0] for one in refused.value.diagnostics] == ["components.last.pool"]


def test_one_success_of_a_step_that_reads_is_refused_on_airflow(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject) as refused:
        on_airflow(project(tmp_path, "one_success", "inputs: {read: free.out}"))
    assert [one.message.partition(":")[0] for one in refused.value.diagnostics] == ["components.last.trigger_rule"]
