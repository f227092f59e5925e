"""Runs on Kubeflow Pipelines against the server's double: started once, followed by step, canceled, listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("kfp", reason="kfp is not installed: requirements/cloud.txt")

from mlopsctl.ground.patience import Patience
from mlopsctl.orchestrators.contract import Bundle, RunState, Schedule, Wanted
from mlopsctl.orchestrators.kfp.engine import KubeflowEngine
from mlopsctl.orchestrators.specs import Kubeflow
from tests.doubles.kfp import KfpDouble, serving
from tests.doubles.kfp_runs import Job
from tests.doubles.kfp_yaml import pipeline_yaml

pytestmark = pytest.mark.integration

NAME = "churn-prod"


def wanted(argument: str = "", **changes: object) -> Wanted:
    bundle = Bundle({"pipeline.yaml": pipeline_yaml(argument=argument)}, "pipeline.yaml")
    nightly = Schedule(name=NAME, cron="0 3 * * 1-7", version=bundle.digest)
    return replace(Wanted(NAME, "churn", "prod", bundle, (nightly,)), **changes)


def no_wait() -> Patience:
    return Patience(sleep=lambda _: None)


@pytest.fixture
def double() -> KfpDouble:
    return KfpDouble()


@pytest.fixture
def host(double: KfpDouble) -> Iterator[str]:
    with serving(double) as base:
        yield base


@pytest.fixture
def engine(host: str) -> KubeflowEngine:
    return KubeflowEngine(Kubeflow(kind="kfp", host=host), no_wait())


def test_a_run_is_started_once_however_often_it_is_asked_for(engine, double) -> None:
    engine.deploy(wanted())
    id = engine.start(wanted(), "run-1", {"mlopsctl_run": "run-1", "rows": 7})
    assert engine.start(wanted(), "run-1", {"mlopsctl_run": "run-1", "rows": 7}) == id
    (run,) = double.runs.runs.values()
    assert run["display_name"] == "run-1"
    assert run["runtime_config"]["parameters"] == {"mlopsctl_run": "run-1", "rows": 7}
    assert engine.start(wanted(), "run-2", {}) != id


def test_a_run_is_followed_by_the_names_of_the_steps(engine, double, host) -> None:
    engine.deploy(wanted())
    id = engine.start(wanted(), "run-1", {})
    began = engine.follow(id)
    assert (began.state, began.run, dict(began.tasks)) == (RunState.PENDING, "run-1", {})
    assert began.url == f"{host}/#/runs/details/{id}"
    double.runs.advance(id, load="SUCCEEDED", train="DRIVING")
    assert engine.follow(id).tasks == {
        "load": RunState.SUCCESS, "train": RunState.PENDING, "steps": RunState.RUNNING,
    }  # fmt: skip
    double.runs.advance(id, {"train": "FAILED", "mlopsctl-end": "SUCCEEDED"})
    double.runs.end(id, "FAILED", "ImagePullBackOff: no such image")
    ended = engine.follow(id)
    assert (ended.state, ended.message) == (RunState.FAILED, "ImagePullBackOff: no such image")
    assert ended.tasks["train"] is RunState.FAILED
    assert ended.tasks["mlopsctl-end"] is RunState.SUCCESS


def test_steps_that_are_called_like_the_servers_own_nodes_are_told_apart(engine, double) -> None:
    steps = {"train": (), "train-driver": ("train",), "executor": ("train",), "root": ("executor",)}
    bundle = Bundle({"p.yaml": pipeline_yaml(steps)}, "p.yaml")
    aim = wanted(bundle=bundle, schedules=())
    engine.deploy(aim)
    id = engine.start(aim, "run-1", {})
    double.runs.advance(id, train="RUNNING")
    assert dict(engine.follow(id).tasks) == {"train": RunState.RUNNING, "steps": RunState.RUNNING}
    double.runs.advance(id, {"train": "SUCCEEDED", "train-driver": "FAILED", "executor": "RUNNING", "root": "FAILED"})
    tasks = engine.follow(id).tasks
    assert tasks["train"] is RunState.SUCCESS
    assert tasks["train-driver"] is RunState.FAILED
    assert tasks["executor"] is RunState.RUNNING
    # Its result comes from the ledger when the run has ended.
    assert "root" not in tasks


def test_a_run_is_canceled_and_what_has_ended_is_left(engine, double) -> None:
    engine.deploy(wanted())
    id = engine.start(wanted(), "run-1", {})
    double.runs.advance(id, load="SUCCEEDED", train="RUNNING")
    engine.cancel(id)
    engine.cancel(id)
    assert engine.follow(id).state is RunState.CANCELED
    assert engine.follow(id).tasks["train"] is RunState.CANCELED
    engine.cancel(id)
    assert double.made(writes=True).count("run_service_terminate_run") == 1


def test_recent_runs_are_ours_and_the_schedules_newest_first(engine, double) -> None:
    engine.deploy(wanted())
    mine = engine.start(wanted(), "run-1", {})
    for _ in range(4):
        double.now()
    fired = double.recurring.fire(next(iter(double.recurring.recurring)))["run_id"]
    other = engine.deploy(replace(wanted(), name="other", environment="other", schedules=()))
    assert other
    engine.start(replace(wanted(), name="other", environment="other"), "run-9", {})
    (recurring,) = double.recurring.recurring
    told = [(one.id, one.run, one.schedule) for one in engine.recent(wanted(), 10)]
    assert told == [(fired, "", recurring), (mine, "run-1", "")]
    assert [one.id for one in engine.recent(wanted(), 1)] == [fired]


def test_lists_of_several_pages_are_read_to_their_end(engine, double) -> None:
    engine.deploy(wanted())
    first = engine.start(wanted(), "run-0", {})
    for number in range(1, 150):
        double.runs.create({**double.runs.runs[first], "display_name": f"run-{number}"})
    assert len(engine.recent(wanted(), 1000)) == 150


def test_a_run_is_really_executed_where_the_test_gives_a_runner(engine, double) -> None:
    def execute(job: Job) -> str:
        assert job.yaml == wanted().bundle.files["pipeline.yaml"]
        job.report("load", "SUCCEEDED")
        return "SUCCEEDED" if job.parameters["rows"] == 7 else "FAILED"

    double.runs.execute = execute
    engine.deploy(wanted())
    id = engine.start(wanted(), "run-1", {"rows": 7})
    double.runs.wait()
    assert engine.follow(id).state is RunState.SUCCESS
