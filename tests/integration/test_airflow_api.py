"""Both versions of Airflow's API, held to Airflow's own OpenAPI files: one client, whatever goes wrong on the way."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.ground.patience import Patience
from mlopsctl.orchestrators.airflow.api import Api
from mlopsctl.orchestrators.airflow.engine import AirflowEngine
from mlopsctl.orchestrators.airflow.files import DagFiles
from mlopsctl.orchestrators.airflow.git import GitOfDags
from mlopsctl.orchestrators.airflow.plan_file import tagged
from mlopsctl.orchestrators.contract import Bundle, RunState, Schedule, Wanted
from mlopsctl.orchestrators.specs import Airflow
from mlopsctl.orchestrators.specs.airflow_dags import GitDags
from tests.doubles.airflow import AirflowDouble, serving
from tests.doubles.airflow_contract import contract_file

_CRON = {"expression": "0 3 * * 1", "timezone": "UTC"}


def bundle(*, tasks: int = 3, tag: str = "a") -> Bundle:
    plan = tagged(
        {"tags": [tag], "cron": _CRON, "max_active_runs": 1, "tasks": [{"id": f"t{number}"} for number in range(tasks)]}
    )
    return Bundle({"churn.py": b"dag = 1\n", "churn.json": json.dumps(plan).encode()}, "churn.json")


def wanted(of: Bundle) -> Wanted:
    return Wanted("churn", "churn", "default", of, (Schedule("churn", "0 3 * * 1", version=of.digest),))


WANTED = wanted(bundle())
Fault = Callable[[AirflowDouble, str, int], None]
PASSING: dict[str, Fault] = {
    "429": lambda double, call, times: double.faults.too_many(call, times=times),
    "500": lambda double, call, times: double.faults.broken(call, times=times),
    "503": lambda double, call, times: double.faults.broken(call, 503, times=times),
    "reset": lambda double, call, times: double.faults.reset(call, times=times),
    "lost": lambda double, call, times: double.faults.lose_reply(call, times=times),
}
LASTING: dict[str, tuple[Fault, str]] = {
    "401": (lambda double, call, times: double.faults.broken(call, 401, times=times), "airflow-credentials"),
    "403": (lambda double, call, times: double.faults.refused(call, times=times), "airflow-permission"),
    "404": (lambda double, call, times: double.faults.broken(call, 404, times=times), "airflow-"),
    "429": (PASSING["429"], "airflow-busy"),
    "500": (PASSING["500"], "airflow-busy"),
    "503": (PASSING["503"], "airflow-busy"),
    "reset": (PASSING["reset"], "airflow-unreachable"),
    "lost": (PASSING["lost"], "airflow-unreachable"),
}
ALWAYS = 1_000_000
DEPLOYING = ["version", "token", "import_errors", "details", "patch_dag"]
RUNNING = ["trigger", "run", "tasks"]


@dataclass
class Scene:
    """A double with its DAG folder, and engines that speak to it."""

    double: AirflowDouble
    url: str
    project: Path
    waited: list[float] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.project / "dags"

    def engine(self, files: DagFiles | None = None, **more: object) -> AirflowEngine:
        settings = Airflow.model_validate({"kind": "airflow", "dags": "dags", "url": self.url, "wait": "1s", **more})
        patience = Patience(sleep=self.waited.append, chance=lambda: 1.0)
        return AirflowEngine(settings, self.project, api=Api(settings, patience), files=files, sleep=lambda _: None)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()} if self.folder.is_dir() else {}


@pytest.fixture(params=[1, 2])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    if contract_file(request.param) is None:
        pytest.skip(f"Airflow {request.param + 1} is not installed: make airflow{request.param + 1}")
    (tmp_path / "dags").mkdir()
    double = AirflowDouble(
        request.param, lambda: {path.name: path.read_bytes() for path in (tmp_path / "dags").glob("churn.*")}
    )
    with serving(double) as url:
        yield Scene(double, url, tmp_path)
    assert double.lies == []


def run_through(scene: Scene, engine: AirflowEngine) -> RunState:
    id = engine.start(WANTED, "r1", {"mlopsctl_run": "r1"})
    for _ in range(10):
        run = engine.follow(id)
        if run.state.ended:
            break
    return run.state


def test_a_dag_is_delivered_run_and_removed(scene: Scene) -> None:
    engine = scene.engine()
    assert not engine.look(WANTED).exists
    assert engine.deploy(WANTED) == ("wrote the DAG churn", "unpaused the DAG churn")
    assert engine.deploy(WANTED) == ()
    deployed = engine.look(WANTED)
    assert (deployed.version, deployed.schedules) == (WANTED.bundle.digest, WANTED.schedules)
    assert run_through(scene, engine) is RunState.SUCCESS
    (run,) = engine.recent(WANTED, 20)
    assert (run.run, run.state, run.id, run.schedule) == ("r1", RunState.SUCCESS, "churn/r1", "")
    assert engine.remove(WANTED)[0] == "paused the DAG churn"
    assert scene.files() == {}


def test_a_run_that_is_canceled_is_told_as_canceled(scene: Scene) -> None:
    engine = scene.engine()
    engine.deploy(WANTED)
    id = engine.start(WANTED, "r1", {"mlopsctl_run": "r1"})
    engine.cancel(id)
    assert engine.follow(id).state is RunState.CANCELED
    assert scene.double.runs["r1"].state == "failed"
    before = len(scene.double.calls)
    engine.cancel(id)
    assert "patch_run" not in scene.double.calls[before:]


def test_more_tasks_than_a_page_are_all_told(scene: Scene) -> None:
    many = wanted(bundle(tasks=250))
    engine = scene.engine()
    engine.deploy(many)
    scene.double.looks_to_end = 0
    assert len(engine.follow(engine.start(many, "r1", {})).tasks) == 250


def test_a_password_is_asked_for_and_given(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_PASSWORD", "correct-horse")
    scene.double.user = ("mlops", "correct-horse")
    with pytest.raises(StepProblem) as refused:
        scene.engine().deploy(WANTED)
    assert refused.value.diagnostics[0].id == "airflow-credentials"
    assert scene.files() == {}
    engine = scene.engine(username="mlops", password={"secret": "AIRFLOW_PASSWORD"})
    assert engine.deploy(WANTED)[0] == "wrote the DAG churn"


def test_a_token_of_the_project_is_used(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_TOKEN", "token-of-the-project")
    scene.double.user = ("mlops", "correct-horse")
    scene.double.tokens.add("token-of-the-project")
    assert scene.engine(token={"secret": "AIRFLOW_TOKEN"}).deploy(WANTED)[0] == "wrote the DAG churn"
    scene.double.tokens.clear()
    with pytest.raises(StepProblem, match="401") as refused:
        scene.engine(token={"secret": "AIRFLOW_TOKEN"}).look(WANTED)
    assert "AIRFLOW_TOKEN" in refused.value.diagnostics[0].hint
    assert "token-of-the-project" not in str(refused.value)


def test_a_token_that_ended_is_renewed(scene: Scene) -> None:
    engine = scene.engine()
    engine.deploy(WANTED)
    scene.double.tokens.clear()
    assert engine.look(WANTED).version == WANTED.bundle.digest


@pytest.mark.parametrize("fault", sorted(PASSING))
@pytest.mark.parametrize("call", [*DEPLOYING, *RUNNING])
def test_what_passes_is_waited_for(scene: Scene, call: str, fault: str) -> None:
    PASSING[fault](scene.double, call, 2)
    engine = scene.engine()
    assert engine.deploy(WANTED) == ("wrote the DAG churn", "unpaused the DAG churn")
    assert run_through(scene, engine) is RunState.SUCCESS
    assert list(scene.double.runs) == ["r1"]
    if scene.double.faults.struck:
        assert len(scene.waited) == 2


@pytest.mark.parametrize("fault", sorted(LASTING))
@pytest.mark.parametrize("call", DEPLOYING)
def test_what_lasts_while_delivering_is_said_and_the_next_apply_finishes(scene: Scene, call: str, fault: str) -> None:
    strike, id = LASTING[fault]
    strike(scene.double, call, ALWAYS)
    try:
        scene.engine().deploy(WANTED)
    except Problem as problem:
        said = problem.diagnostics[0]
        # A DAG that is not found has not been read.
        assert said.id.startswith(id), said
        assert said.hint
        assert scene.url in said.message or said.id == "airflow-not-parsed"
        assert call in ("details", "patch_dag") or scene.files() == {}
        assert scene.double.paused.get("churn", True) or fault == "lost"
    else:
        assert not scene.double.faults.struck  # Airflow 2 gives no tokens
    assert scene.double.runs == {}
    scene.double.faults.clear()
    engine = scene.engine()
    engine.deploy(WANTED)
    assert engine.look(WANTED).version == WANTED.bundle.digest
    assert scene.double.paused == {"churn": False}


@pytest.mark.parametrize("fault", sorted(LASTING))
@pytest.mark.parametrize("call", RUNNING)
def test_what_lasts_while_running_is_said_and_there_is_one_run(scene: Scene, call: str, fault: str) -> None:
    engine = scene.engine()
    engine.deploy(WANTED)
    strike, id = LASTING[fault]
    strike(scene.double, call, ALWAYS)
    with pytest.raises(Problem) as refused:
        run_through(scene, engine)
    assert refused.value.diagnostics[0].id.startswith(id)
    scene.double.faults.clear()
    assert run_through(scene, scene.engine()) is RunState.SUCCESS
    assert list(scene.double.runs) == ["r1"]


def test_what_airflow_refuses_is_told_and_what_ran_before_stands(scene: Scene) -> None:
    engine = scene.engine()
    engine.deploy(WANTED)
    standing = scene.files()
    scene.double.refuses = "AirflowException: tag cannot be longer than 100 characters"
    with pytest.raises(StepProblem, match="tag cannot be longer than 100 characters") as refused:
        engine.deploy(wanted(bundle(tag="b")))
    assert refused.value.diagnostics[0].id == "airflow-import-error"
    assert scene.files() == standing
    scene.double.refuses = ""
    deployed = scene.engine().look(wanted(bundle(tag="b")))
    assert deployed.version == WANTED.bundle.digest


def test_another_schedule_is_a_change_and_then_none(scene: Scene) -> None:
    engine = scene.engine()
    engine.deploy(WANTED)
    moved = replace(WANTED, schedules=(replace(WANTED.schedules[0], cron="0 4 * * 1"),))
    assert engine.look(moved).schedules != moved.schedules
    assert engine.look(WANTED).schedules == WANTED.schedules


def test_nobody_at_the_address_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    settings = Airflow.model_validate({"kind": "airflow", "dags": "dags", "url": "http://127.0.0.1:9", "wait": "1s"})
    api = Api(settings, Patience(sleep=lambda _: None))
    with pytest.raises(StepProblem, match=r"127\.0\.0\.1:9 cannot be reached") as refused:
        AirflowEngine(settings, tmp_path, api=api).deploy(WANTED)
    assert refused.value.diagnostics[0].id == "airflow-unreachable"
    assert not (tmp_path / "dags").exists()


def test_dags_in_git_are_looked_at_where_they_are(scene: Scene) -> None:
    origin = scene.project / "origin.git"
    who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], "HOME": str(scene.project), **who}

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], env=env, input="", capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    tree = git("-C", str(origin), "mktree")
    git("-C", str(origin), "update-ref", "refs/heads/main", git("-C", str(origin), "commit-tree", tree, "-m", "first"))
    dags = GitOfDags(GitDags(repository=str(origin)))
    scene.double.files = lambda: dags.read(WANTED.bundle.files)
    engine = scene.engine(files=dags, wait="60s")
    assert not engine.look(WANTED).exists
    assert engine.deploy(WANTED) == ("wrote the DAG churn", "unpaused the DAG churn")
    assert engine.look(WANTED).version == WANTED.bundle.digest
    assert engine.look(WANTED).schedules == WANTED.schedules
    assert engine.deploy(WANTED) == ()
