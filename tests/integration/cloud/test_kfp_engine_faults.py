"""Whatever goes wrong at whichever call: afterwards one pipeline, one version, one recurring run, one run; or it is
said which call, to which host, and what to do, and the next deploy finishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

pytest.importorskip("kfp", reason="kfp is not installed: requirements/cloud.txt")


from mlopsctl.ground.errors import Problem
from mlopsctl.ground.patience import Patience
from mlopsctl.orchestrators.contract import Bundle, RunState, Schedule, Wanted
from mlopsctl.orchestrators.kfp.engine import KubeflowEngine
from mlopsctl.orchestrators.specs import Kubeflow
from tests.doubles.kfp import KfpDouble, serving
from tests.doubles.kfp_yaml import pipeline_yaml

pytestmark = pytest.mark.integration

NAME = "churn-prod"
BUNDLE = Bundle({"pipeline.yaml": pipeline_yaml()}, "pipeline.yaml")
WANTED = Wanted(NAME, "churn", "prod", BUNDLE, (Schedule(name=NAME, cron="0 3 * * *", version=BUNDLE.digest),))
CHANGED = replace(WANTED, schedules=(replace(WANTED.schedules[0], cron="0 4 * * *"),))
PAUSED = replace(WANTED, schedules=(replace(WANTED.schedules[0], paused=True),))

Fault = Callable[[KfpDouble, str, int], None]

FAULTS: dict[str, Fault] = {
    "429": lambda double, call, times: double.faults.too_many(call, retry_after=3, times=times),
    "500": lambda double, call, times: double.faults.broken(call, times=times),
    "503": lambda double, call, times: double.faults.broken(call, 503, times=times),
    "reset": lambda double, call, times: double.faults.reset(call, times=times),
    "lost": lambda double, call, times: double.faults.lose_reply(call, times=times),
}
RECURRING = "recurring_run_service_"
FIRST_CALLS = [
    "pipeline_service_list_pipelines", "pipeline_service_create_pipeline", "pipeline_service_list_pipeline_versions",
    "upload_pipeline_version", "experiment_service_list_experiments", "experiment_service_create_experiment",
    f"{RECURRING}list_recurring_runs", f"{RECURRING}create_recurring_run",
]  # fmt: skip
LATER_CALLS = {
    f"{RECURRING}create_recurring_run": CHANGED,
    f"{RECURRING}delete_recurring_run": CHANGED,
    f"{RECURRING}enable_recurring_run": CHANGED,
    f"{RECURRING}disable_recurring_run": PAUSED,
}


class Waits:
    """How long was waited, without waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def patience(self) -> Patience:
        return Patience(sleep=self.seconds.append, chance=lambda: 1.0)


@pytest.fixture
def double() -> KfpDouble:
    return KfpDouble()


@pytest.fixture
def host(double: KfpDouble) -> Iterator[str]:
    with serving(double) as base:
        yield base


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def engine(host: str, waits: Waits) -> KubeflowEngine:
    return KubeflowEngine(Kubeflow(kind="kfp", host=host), waits.patience())


def assert_once(double: KfpDouble, aim: Wanted) -> None:
    """One of each, as wanted, and nothing more to do."""
    assert [len(things) for things in (double.pipelines.pipelines, double.pipelines.versions)] == [1, 1]
    (recurring,) = double.recurring.recurring.values()
    assert recurring["status"] == ("DISABLED" if aim.schedules[0].paused else "ENABLED")
    assert len(double.pipelines.experiments) == 1


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", FIRST_CALLS)
def test_a_first_deploy_gets_over_one_fault_at_any_call(engine, double, waits, call, fault) -> None:
    FAULTS[fault](double, call, 1)
    engine.deploy(WANTED)
    assert double.faults.struck == [call]
    assert_once(double, WANTED)
    assert engine.deploy(WANTED) == ()
    assert waits.seconds == [3.0 if fault == "429" else 0.5]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", LATER_CALLS)
def test_a_change_gets_over_one_fault_at_any_call(engine, double, call, fault) -> None:
    engine.deploy(WANTED)
    FAULTS[fault](double, call, 1)
    engine.deploy(LATER_CALLS[call])
    assert double.faults.struck == [call]
    assert_once(double, LATER_CALLS[call])
    assert engine.deploy(LATER_CALLS[call]) == ()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", [one for one in FIRST_CALLS if "list" not in one])
def test_what_a_first_deploy_left_half_made_the_next_one_finishes(engine, double, host, call, fault) -> None:
    FAULTS[fault](double, call, 99)
    told = _problem(engine, WANTED, call, host)
    if fault == "lost":
        # It was done, and found to be.
        assert told is None
    double.faults.clear()
    engine.deploy(WANTED)
    assert_once(double, WANTED)
    assert engine.deploy(WANTED) == ()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", LATER_CALLS)
def test_what_a_change_left_half_made_is_seen_and_finished(engine, double, host, call, fault) -> None:
    engine.deploy(WANTED)
    aim = LATER_CALLS[call]
    FAULTS[fault](double, call, 99)
    stopped = _problem(engine, aim, call, host) is not None
    double.faults.clear()
    enabled = [one for one in double.recurring.recurring.values() if one["status"] == "ENABLED"]
    assert len(enabled) <= 1
    assert (engine.look(aim).schedules == aim.schedules) == (not stopped)
    engine.deploy(aim)
    assert_once(double, aim)
    assert engine.look(aim).schedules == aim.schedules


def _problem(engine: KubeflowEngine, aim: Wanted, call: str, host: str) -> Problem | None:
    """What a deploy says when a call fails again and again; it names the call and the host, and says what to do."""
    try:
        engine.deploy(aim)
    except Problem as problem:
        (told,) = problem.diagnostics
        assert told.message.startswith("cannot ")
        assert host in told.message
        assert "(5 tries)" in told.message
        assert told.hint
        return problem
    return None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_is_started_once_whatever_happens_to_the_call(engine, double, fault) -> None:
    engine.deploy(WANTED)
    FAULTS[fault](double, "run_service_create_run", 1)
    id = engine.start(WANTED, "run-1", {})
    assert list(double.runs.runs) == [id]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_is_stopped_whatever_happens_to_the_call(engine, double, fault) -> None:
    engine.deploy(WANTED)
    id = engine.start(WANTED, "run-1", {})
    FAULTS[fault](double, "run_service_terminate_run", 1)
    FAULTS[fault](double, "run_service_get_run", 1)
    engine.cancel(id)
    assert engine.follow(id).state in (RunState.RUNNING, RunState.CANCELED)
    assert double.runs.runs[id]["state"] in ("CANCELING", "CANCELED")


def test_pauses_double_are_capped_and_give_a_server_what_it_asks_within_a_minute(engine, double, waits) -> None:
    double.faults.broken("pipeline_service_list_pipelines", times=4)
    engine.look(WANTED)
    assert waits.seconds == [0.5, 1.0, 2.0, 4.0]
    waits.seconds.clear()
    double.faults.too_many("pipeline_service_list_pipelines", retry_after=3600)
    engine.look(WANTED)
    assert waits.seconds == [60.0]


def test_a_quota_that_stays_used_up_is_said(engine, double, host) -> None:
    double.faults.too_many("upload_pipeline_version", times=99)
    with pytest.raises(Problem) as problem:
        engine.deploy(WANTED)
    (told,) = problem.value.diagnostics
    assert told.id == "kfp-quota"
    assert told.message.startswith(
        f"cannot upload a version of the pipeline {NAME}: {host} answers 429: Quota exceeded"
    )
    assert "later" in told.hint


def test_a_server_that_does_not_answer_is_not_waited_for_without_end(engine, double, monkeypatch) -> None:
    import time

    from mlopsctl.orchestrators.kfp import wire

    create = double.handlers["run_service_create_run"]

    def slowly(call):
        made = create(call)
        time.sleep(1.0)
        return made

    engine.deploy(WANTED)
    double.handlers["run_service_create_run"] = slowly
    monkeypatch.setattr(wire, "_READ", 0.3)
    began = time.monotonic()
    id = engine.start(WANTED, "run-1", {})
    # Begun there though nobody said so; the look for it waits for the server, too.
    assert time.monotonic() - began < 5
    assert list(double.runs.runs) == [id]
