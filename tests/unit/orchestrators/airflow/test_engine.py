"""Airflow as an engine: files first, then the API; what Airflow says is read, and silence is never success."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mlopsctl.delivery.elsewhere.lines import engine_lines
from mlopsctl.delivery.plan import Action
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Span, StepProblem
from mlopsctl.ground.source import DocPath
from mlopsctl.orchestrators.airflow.api import Api
from mlopsctl.orchestrators.airflow.engine import AirflowEngine
from mlopsctl.orchestrators.airflow.folder import FolderOfDags
from mlopsctl.orchestrators.airflow.plan_file import tagged, version_of
from mlopsctl.orchestrators.contract import Bundle, RunState, Schedule, Wanted
from mlopsctl.orchestrators.specs import Airflow

SETTINGS = Airflow(kind="airflow", dags="dags", url="http://127.0.0.1:9", wait="1s")
TIMED: dict[str, Json] = {"tags": ["a"], "cron": {"expression": "0 3 * * 1", "timezone": "UTC"}, "max_active_runs": 1}
UNTIMED = Bundle({"churn.py": b"dag = 1\n", "churn.json": json.dumps(tagged({"tags": ["a"]})).encode()}, "churn.json")
BUNDLE = Bundle({**UNTIMED.files, "churn.json": json.dumps(tagged(TIMED)).encode()}, "churn.json")
SCHEDULE = Schedule("churn", "0 3 * * 1", version=BUNDLE.digest)
WANTED = Wanted("churn", "churn", "default", BUNDLE, (SCHEDULE,))


@dataclass
class Answers(Api):
    """An API that answers from a dict, and keeps what was changed."""

    dag: Mapping[str, Json] | None = None
    errors: list[list[Json]] = field(default_factory=list)
    run: Mapping[str, Json] = field(default_factory=dict)
    tasks: list[Json] = field(default_factory=list)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    version: int = 2

    def answering(self, doing: str) -> int:
        return self.version

    def find(self, doing: str, path: str, **query: str) -> Mapping[str, Json] | None:
        return self.dag

    def read(self, doing: str, path: str, **query: str) -> Mapping[str, Json]:
        if path == "importErrors":
            # Airflow knows of the error once it has seen the file.
            return {"import_errors": self.errors.pop(0) if self.errors else []}
        return {"task_instances": self.tasks} if path.endswith("taskInstances") else self.run

    def change(self, doing: str, path: str, content: Json) -> Mapping[str, Json]:
        self.calls.append((path, content))
        return {}

    def make(self, doing: str, path: str, content: Json) -> Mapping[str, Json] | None:
        self.calls.append((path, content))
        return {}


class Later(Answers):
    """An API that knows the DAG from the third look at it on."""

    looks = 0

    def find(self, doing: str, path: str, **query: str) -> Mapping[str, Json] | None:
        if path.endswith("/details"):
            self.looks += 1
            return parsed() if self.looks > 2 else None
        return super().find(doing, path, **query)


def parsed(bundle: Bundle = BUNDLE, *, paused: bool = False) -> Mapping[str, Json]:
    return {"is_paused": paused, "tags": [{"name": f"mlopsctl-version-{version_of(bundle)}"}]}


def engine(folder: Path, api: Answers) -> AirflowEngine:
    return AirflowEngine(SETTINGS, folder, api=api, sleep=lambda _: None)


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
    deployed = engine(tmp_path, Answers(dag=parsed(paused=True))).look(WANTED)
    assert deployed.schedules == (replace(SCHEDULE, paused=True),)
    assert [line.reasons for line in engine_lines(WANTED, deployed) if line.action is Action.UPDATE] == [
        ("it is paused",)
    ]


def test_a_pause_of_a_dag_without_a_schedule_is_a_change_too(tmp_path: Path) -> None:
    bare = replace(WANTED, bundle=UNTIMED, schedules=())
    engine(tmp_path, Answers(dag=parsed(UNTIMED))).deploy(bare)
    deployed = engine(tmp_path, Answers(dag=parsed(UNTIMED, paused=True))).look(bare)
    assert [line.reasons for line in engine_lines(bare, deployed)] == [("it is paused",)]


def test_another_schedule_is_told_from_the_files_that_are_there(tmp_path: Path) -> None:
    plan = {"tags": ["a"], "cron": {"expression": "0 4 * * *", "timezone": "Europe/Berlin"}, "max_active_runs": 3}
    old = Bundle({**BUNDLE.files, "churn.json": json.dumps(tagged(plan)).encode()}, "churn.json")
    FolderOfDags(tmp_path / "dags").write(old.files, "")
    deployed = engine(tmp_path, Answers(dag=parsed(old))).look(WANTED)
    assert deployed.version == old.digest
    assert deployed.schedules == (Schedule("churn", "0 4 * * *", "Europe/Berlin", False, 3, old.digest),)
    untimed = replace(WANTED, bundle=UNTIMED, schedules=())
    assert [line.action for line in engine_lines(untimed, deployed)] == [Action.UPDATE, Action.DELETE]


def test_a_plan_of_somebody_else_is_only_another_version(tmp_path: Path) -> None:
    for content in (b"[]", b"no json", b'{"tags": 3, "cron": []}'):
        FolderOfDags(tmp_path / "dags").write({**BUNDLE.files, "churn.json": content}, "")
        deployed = engine(tmp_path, Answers(dag={"tags": [], "is_paused": True})).look(WANTED)
        assert (deployed.exists, deployed.version, deployed.schedules) == (True, "", ())


def broken(said: str, at: str = "1") -> Json:
    trace = f'Traceback (most recent call last):\n  File "x", line 1\n    tags[0]\n{said}'
    return {"import_error_id": 7, "timestamp": at, "filename": "/x/dags/churn.py", "stack_trace": trace}


def test_what_airflow_says_of_a_broken_dag_is_told_and_the_files_are_put_back(tmp_path: Path) -> None:
    old = Bundle(dict.fromkeys(BUNDLE.files, b"old"), "churn.json")
    FolderOfDags(tmp_path / "dags").write(old.files, "")
    api = Answers(errors=[[], [broken("KeyError: 'tags'\n  and more")]])
    with pytest.raises(StepProblem, match="KeyError: 'tags' and more") as refused:
        engine(tmp_path, api).deploy(WANTED)
    assert "as it was before" in refused.value.diagnostics[0].hint
    assert {path.name: path.read_bytes() for path in (tmp_path / "dags").iterdir()} == old.files
    assert api.calls == []


def test_a_new_dag_that_airflow_refuses_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="KeyError"):
        engine(tmp_path, Answers(errors=[[], [broken("KeyError: 'tags'")]])).deploy(WANTED)
    assert not any((tmp_path / "dags").iterdir())


def test_an_error_about_an_earlier_version_is_not_about_this_one(tmp_path: Path) -> None:
    stale = broken("KeyError: 'tags'")
    api = Later(errors=[[stale], [stale]], dag=None)
    assert engine(tmp_path, api).deploy(WANTED) == ("wrote the DAG churn",)


def test_an_earlier_error_counts_when_airflow_meets_it_again(tmp_path: Path) -> None:
    api = Answers(errors=[[broken("KeyError")], [broken("KeyError")], [broken("KeyError", at="2")]])
    with pytest.raises(StepProblem, match="KeyError"):
        engine(tmp_path, api).deploy(WANTED)


def test_the_line_that_airflow_means_is_told(tmp_path: Path) -> None:
    places: list[DocPath] = []

    def place(path: DocPath) -> Span:
        places.append(path)
        return Span("mlops.yaml", 3, 1, 3, 9)

    api = Answers(errors=[[], [broken("AirflowException: tag cannot be longer than 100 characters")]])
    one = AirflowEngine(SETTINGS, tmp_path, api=api, sleep=lambda _: None, place=place)
    with pytest.raises(StepProblem) as refused:
        one.deploy(WANTED)
    assert places == [("orchestrator", "tags")]
    assert refused.value.diagnostics[0].span == Span("mlops.yaml", 3, 1, 3, 9)


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


@pytest.mark.parametrize(("kind", "schedule"), [("scheduled", "churn"), ("manual", ""), ("backfill", ""), (None, "")])
def test_a_run_says_whether_the_schedule_started_it(tmp_path: Path, kind: str | None, schedule: str) -> None:
    id = "scheduled__2026-11-23T03:00:00+00:00"
    run = engine(tmp_path, Answers(run={"dag_run_id": id, "state": "success", "run_type": kind})).follow(f"churn/{id}")
    assert run.schedule == schedule
    # As the DAG names it in the ledger.
    assert (run.id, run.run) == (f"churn/{id}", "scheduled__2026-11-23T03-00-00-00-00")


def test_without_an_address_only_the_files_are_looked_after(tmp_path: Path) -> None:
    bare = AirflowEngine(Airflow(kind="airflow", dags="dags"), tmp_path)
    assert bare.deploy(WANTED) == ("wrote the DAG churn",)
    assert bare.look(WANTED).version == BUNDLE.digest
    with pytest.raises(StepProblem, match=r"orchestrator\.url is not set"):
        bare.start(WANTED, "r1", {})


def test_removing_takes_the_files_and_pauses_what_airflow_still_has(tmp_path: Path) -> None:
    engine(tmp_path, Answers(dag=parsed())).deploy(WANTED)
    api = Answers(dag=parsed())
    assert engine(tmp_path, api).remove(WANTED)[0] == "paused the DAG churn"
    assert not any((tmp_path / "dags").iterdir())
