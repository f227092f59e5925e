"""Airflow as an engine: files first, then the API; what Airflow says is read, and silence is never success."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.orchestrators.airflow.api import Api
from mlopsctl.orchestrators.airflow.engine import AirflowEngine
from mlopsctl.orchestrators.airflow.plan_file import tagged, version_of
from mlopsctl.orchestrators.contract import Bundle, RunState, Schedule, Wanted
from mlopsctl.orchestrators.specs import Airflow

SETTINGS = Airflow(kind="airflow", dags="dags", url="http://127.0.0.1:9")
BUNDLE = Bundle({"churn.py": b"dag = 1\n", "churn.json": json.dumps(tagged({"tags": ["a"]})).encode()}, "churn.json")
SCHEDULE = Schedule("churn", "0 3 * * 1", version=BUNDLE.digest)
WANTED = Wanted("churn", "churn", "default", BUNDLE, (SCHEDULE,))


@dataclass
class Answers(Api):
    """An API that answers from a dict, and keeps what was changed."""

    dag: Mapping[str, Json] | None = None
    errors: list[Json] = field(default_factory=list)
    run: Mapping[str, Json] = field(default_factory=dict)
    tasks: list[Json] = field(default_factory=list)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    version: int = 2

    def find(self, doing: str, path: str, **query: str) -> Mapping[str, Json] | None:
        return self.dag

    def read(self, doing: str, path: str, **query: str) -> Mapping[str, Json]:
        if path == "importErrors":
            return {"import_errors": self.errors}
        return {"task_instances": self.tasks} if path.endswith("taskInstances") else self.run

    def change(self, doing: str, path: str, content: Json) -> Mapping[str, Json]:
        self.calls.append((path, content))
        return {}

    def make(self, doing: str, path: str, content: Json) -> Mapping[str, Json] | None:
        self.calls.append((path, content))
        return {}


def parsed(bundle: Bundle = BUNDLE, *, paused: bool = False) -> Mapping[str, Json]:
    return {"is_paused": paused, "tags": [{"name": f"mlopsctl-version-{version_of(bundle)}"}]}


def engine(folder: Path, api: Answers) -> AirflowEngine:
    return AirflowEngine(SETTINGS, folder, api=api, sleep=lambda _: None, patience=0.05)


def test_a_deploy_writes_waits_and_unpauses_and_another_does_nothing(tmp_path: Path) -> None:
    api = Answers(dag=parsed(paused=True))
    assert engine(tmp_path, api).deploy(WANTED) == ("wrote the DAG churn", "unpaused the DAG churn")
    api = Answers(dag=parsed())
    assert engine(tmp_path, api).deploy(WANTED) == ()
    assert api.calls == []
    assert engine(tmp_path, api).look(WANTED).version == BUNDLE.digest


def test_an_older_version_in_airflow_is_not_this_one(tmp_path: Path) -> None:
    old = Bundle({**BUNDLE.files, "churn.json": json.dumps(tagged({"tags": ["old"]})).encode()}, "churn.json")
    api = Answers(dag=parsed(old))
    with pytest.raises(StepProblem, match="has not read this version"):
        engine(tmp_path, api).deploy(WANTED)
    assert engine(tmp_path, api).look(WANTED).version != BUNDLE.digest


def test_a_file_changed_by_hand_is_another_version(tmp_path: Path) -> None:
    api = Answers(dag=parsed())
    engine(tmp_path, api).deploy(WANTED)
    (tmp_path / "dags" / "churn.py").write_text("dag = 2\n")
    assert engine(tmp_path, api).look(WANTED).version != BUNDLE.digest


def test_a_pause_by_hand_is_seen(tmp_path: Path) -> None:
    engine(tmp_path, Answers(dag=parsed())).deploy(WANTED)
    (schedule,) = engine(tmp_path, Answers(dag=parsed(paused=True))).look(WANTED).schedules
    assert schedule.paused


def test_what_airflow_says_of_a_broken_dag_is_told(tmp_path: Path) -> None:
    api = Answers(errors=[{"filename": "/x/dags/churn.py", "stack_trace": "Traceback…\nKeyError: 'tags'"}])
    with pytest.raises(StepProblem, match="KeyError: 'tags'"):
        engine(tmp_path, api).deploy(WANTED)


def test_a_run_carries_our_id_and_the_parameters(tmp_path: Path) -> None:
    api = Answers()
    assert engine(tmp_path, api).start(WANTED, "r1", {"seed": 1}) == "churn/r1"
    assert api.calls == [("dags/churn/dagRuns", {"dag_run_id": "r1", "conf": {"seed": 1}, "logical_date": None})]


def test_states_are_told_in_our_words(tmp_path: Path) -> None:
    api = Answers(
        run={
            "dag_run_id": "r1", "state": "running", "start_date": "2026-01-01T00:00:00Z",
            "conf": {"mlopsctl_run": "r1"},
        },
        tasks=[
            {"task_id": "a", "state": "success"}, {"task_id": "b", "state": "up_for_retry"},
            {"task_id": "c", "state": None}, {"task_id": "d", "state": "upstream_failed"},
        ],
    )  # fmt: skip
    run = engine(tmp_path, api).follow("churn/r1")
    assert (run.run, run.state, run.started) == ("r1", RunState.RUNNING, 1767225600000)
    assert run.tasks == {"a": RunState.SUCCESS, "b": RunState.RUNNING, "d": RunState.SKIPPED}


def test_without_an_address_only_the_files_are_looked_after(tmp_path: Path) -> None:
    bare = AirflowEngine(Airflow(kind="airflow", dags="dags"), tmp_path)
    assert bare.deploy(WANTED) == ("wrote the DAG churn",)
    assert bare.look(WANTED).version == BUNDLE.digest
    with pytest.raises(StepProblem, match=r"orchestrator\.url is not set"):
        bare.start(WANTED, "r1", {})


def test_removing_takes_the_files_and_pauses_what_airflow_still_has(tmp_path: Path) -> None:
    engine(tmp_path, Answers(dag=parsed())).deploy(WANTED)
    api = Answers(dag=parsed())
    assert engine(tmp_path, api).remove(WANTED)[-1] == "paused the DAG churn"
    assert not any((tmp_path / "dags").iterdir())
