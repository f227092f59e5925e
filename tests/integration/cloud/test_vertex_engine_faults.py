"""What goes wrong at each call to Vertex AI and Cloud Storage: nothing is made twice, and the next apply finishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mlopsctl.ground.errors import Problem
from mlopsctl.objects import patience
from mlopsctl.orchestrators.vertex.engine import VertexEngine
from mlopsctl.vertexai.calls import TRIES
from tests.doubles.gcs import Refuse, Reset
from tests.doubles.google_faults import Fault, GoogleError
from tests.doubles.vertex_pipelines import API
from tests.doubles.vertex_pipelines_case import NIGHTLY, RUN, Case, case, wanted

pytestmark = pytest.mark.integration

OTHER = replace(NIGHTLY, name="churn-prod-2")
LIST, GET, CREATE = f"{API}schedules.list", f"{API}schedules.get", f"{API}schedules.create"
PATCH, DELETE = f"{API}schedules.patch", f"{API}schedules.delete"
PAUSE, RESUME = f"{API}schedules.pause", f"{API}schedules.resume"
JOB, JOB_GET = f"{API}pipelineJobs.create", f"{API}pipelineJobs.get"
JOB_LIST, CANCEL = f"{API}pipelineJobs.list", f"{API}pipelineJobs.cancel"

PASSING: dict[str, Callable[[Case, str], None]] = {
    "too many": lambda there, method: there.pipelines.double.faults.too_many(method, retry_after=7),
    "500": lambda there, method: there.pipelines.double.faults.broken(method),
    "503": lambda there, method: there.pipelines.double.faults.broken(method, 503),
    "reset": lambda there, method: there.pipelines.double.faults.reset(method),
    "reply lost": lambda there, method: there.pipelines.double.faults.lose_reply(method),
    "reply lost twice": lambda there, method: there.pipelines.double.faults.lose_reply(method, times=2),
}
STAYING: dict[str, tuple[Callable[[Case, str], None], str]] = {
    "refused": (lambda there, method: there.pipelines.double.faults.refused(method), "permission-denied"),
    "disabled": (
        lambda there, method: there.pipelines.double.faults.waiting.setdefault(method, []).append(Fault(DISABLED)),
        "api-disabled",
    ),
    "too many": (
        lambda there, method: there.pipelines.double.faults.too_many(method, times=TRIES),
        "quota-exhausted",
    ),
    "500": (lambda there, method: there.pipelines.double.faults.broken(method, times=TRIES), "service-busy"),
    "reset": (lambda there, method: there.pipelines.double.faults.reset(method, times=TRIES), "unreachable"),
}
DISABLED = GoogleError(
    403,
    "Vertex AI API has not been used in project 7 before or it is disabled.",
    details=(
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "SERVICE_DISABLED",
            "domain": "googleapis.com",
            "metadata": {"service": "aiplatform.googleapis.com"},
        },
    ),
)


@pytest.fixture
def there() -> Iterator[Case]:
    with case() as found:
        yield found


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.002)


def moved(there: Case) -> Callable[[VertexEngine], object]:
    """From one schedule to another and to a new version: a deploy that makes every call that writes."""
    there.engine().deploy(wanted(replace(NIGHTLY, paused=True), OTHER))
    there.forget()
    return lambda engine: engine.deploy(wanted(NIGHTLY, replace(NIGHTLY, name="churn-prod-3", paused=True), marker="2"))


def is_as_wanted(there: Case) -> bool:
    wish = wanted(NIGHTLY, replace(NIGHTLY, name="churn-prod-3", paused=True), marker="2")
    found = there.engine().look(wish)
    return (found.version, found.schedules) == (wish.bundle.digest, wish.schedules) and len(
        there.pipelines.schedules
    ) == 2


DEPLOYING = [LIST, CREATE, PATCH, DELETE, GET, PAUSE, RESUME]


def test_a_deploy_makes_every_call(there: Case) -> None:
    do = moved(there)
    do(there.engine())
    assert set(there.pipelines.double.made()) == set(DEPLOYING)
    assert is_as_wanted(there)


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("method", DEPLOYING)
def test_a_deploy_gets_over_what_passes(there: Case, method: str, fault: str) -> None:
    do = moved(there)
    PASSING[fault](there, method)
    do(there.engine())
    assert method in there.pipelines.double.faults.struck
    there.forget()
    do(there.engine())
    assert there.writes() == []
    assert is_as_wanted(there)


@pytest.mark.parametrize("fault", STAYING)
@pytest.mark.parametrize("method", DEPLOYING)
def test_a_deploy_that_fails_says_why_and_the_next_one_finishes(there: Case, method: str, fault: str) -> None:
    do = moved(there)
    strike, id = STAYING[fault]
    strike(there, method)
    with pytest.raises(Problem) as problem:
        do(there.engine())
    (found,) = problem.value.diagnostics
    assert found.id == id
    assert there.url.removeprefix("http://") in found.message
    assert found.hint
    there.pipelines.double.faults.clear()
    do(there.engine())
    assert is_as_wanted(there)
    there.forget()
    do(there.engine())
    assert there.writes() == []


STORAGE = ["GET /storage/v1/b/b/o/root/mlopsctl", "POST /upload"]


@pytest.mark.parametrize(
    "what",
    [Refuse(429, "0"), Refuse(500), Refuse(503), Reset(), Reset(after=True)],
    ids=["too many", "500", "503", "reset", "reply lost"],
)
@pytest.mark.parametrize("request_", STORAGE)
@pytest.mark.parametrize("after", [0, 1])
def test_a_deploy_gets_over_what_passes_in_the_storage(
    there: Case, request_: str, what: Refuse | Reset, after: int
) -> None:
    do = moved(there)
    for _ in range(after):
        there.cloud.fault(request_, Refuse(503))
    there.cloud.fault(request_, what)
    do(there.engine())
    assert is_as_wanted(there)
    there.forget()
    do(there.engine())
    assert there.writes() == []


@pytest.mark.parametrize(
    ("what", "times"),
    [(Refuse(403), 1), (Refuse(500), 50), (Reset(), 50), (Reset(after=True), 50)],
    ids=["refused", "500", "reset", "reply lost"],
)
@pytest.mark.parametrize("request_", STORAGE)
def test_a_deploy_that_fails_in_the_storage_is_finished_by_the_next_one(
    there: Case, request_: str, what: Refuse | Reset, times: int
) -> None:
    do = moved(there)
    there.cloud.fault(request_, what, times=times)
    with pytest.raises(Problem) as problem:
        do(there.engine())
    assert problem.value.diagnostics[0].hint
    there.cloud.faults.clear()
    do(there.engine())
    assert is_as_wanted(there)


class Killed(BaseException):
    """As a process ends."""


def killed(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("where", ["deployed.Kept.keep", "deployed.Kept.mark", "standing.Standing._turn"])
def test_a_deploy_that_was_killed_is_finished_by_the_next_one(
    there: Case, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    do, engine = moved(there), there.engine()
    with monkeypatch.context() as patched:
        patched.setattr(f"mlopsctl.orchestrators.vertex.{where}", lambda *_, **__: killed())
        with pytest.raises(Killed):
            do(engine)
    do(there.engine())
    assert is_as_wanted(there)


@pytest.mark.parametrize("fault", PASSING)
def test_a_start_makes_one_job_whatever_passes(there: Case, fault: str) -> None:
    PASSING[fault](there, JOB)
    id = there.engine().start(wanted(), RUN, {})
    assert there.engine().start(wanted(), RUN, {}) == id
    assert len(there.pipelines.jobs) == 1


@pytest.mark.parametrize("fault", STAYING)
def test_a_start_that_fails_says_why_and_can_be_asked_again(there: Case, fault: str) -> None:
    strike, id = STAYING[fault]
    strike(there, JOB)
    with pytest.raises(Problem) as problem:
        there.engine().start(wanted(), RUN, {})
    assert problem.value.diagnostics[0].id == id
    assert "cannot start the pipeline job churn-prod-20261121t203000-abc123" in problem.value.diagnostics[0].message
    there.pipelines.double.faults.clear()
    there.engine().start(wanted(), RUN, {})
    assert len(there.pipelines.jobs) == 1


def test_a_start_whose_every_reply_is_lost_is_found(there: Case) -> None:
    there.pipelines.double.faults.lose_reply(JOB, times=TRIES)
    there.engine().start(wanted(), RUN, {})
    assert len(there.pipelines.jobs) == 1


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("method", [JOB_GET, JOB_LIST, CANCEL])
def test_watching_and_canceling_get_over_what_passes(there: Case, method: str, fault: str) -> None:
    id = there.engine().start(wanted(), RUN, {})
    PASSING[fault](there, method)
    engine = there.engine()
    assert engine.follow(id).id == id
    assert [one.id for one in engine.recent(wanted(), 5)] == [id]
    engine.cancel(id)
    assert there.pipelines.job(id)["state"] == "PIPELINE_STATE_CANCELLING"
    assert method in there.pipelines.double.faults.struck


WATCHING: dict[str, Callable[[VertexEngine, str], object]] = {
    JOB_GET: lambda engine, id: engine.follow(id),
    JOB_LIST: lambda engine, _: engine.recent(wanted(), 5),
    CANCEL: lambda engine, id: engine.cancel(id),
}


@pytest.mark.parametrize("fault", STAYING)
@pytest.mark.parametrize("method", WATCHING)
def test_watching_and_canceling_say_why_they_fail(there: Case, method: str, fault: str) -> None:
    id = there.engine().start(wanted(), RUN, {})
    strike, problem_id = STAYING[fault]
    strike(there, method)
    with pytest.raises(Problem) as problem:
        WATCHING[method](there.engine(), id)
    assert problem.value.diagnostics[0].id == problem_id


def test_a_job_that_ends_while_it_is_canceled_is_no_failure(there: Case) -> None:
    id = there.engine().start(wanted(), RUN, {})
    job = there.pipelines.job(id)
    handlers = there.pipelines.double.handlers
    cancel = handlers[CANCEL]
    handlers[CANCEL] = lambda call: (there.pipelines.state(job, "SUCCEEDED"), cancel(call))[1]
    there.engine().cancel(id)
    assert job["state"] == "PIPELINE_STATE_SUCCEEDED"


def test_a_job_that_is_gone_says_what_to_check(there: Case) -> None:
    with pytest.raises(Problem) as problem:
        there.engine().follow("nowhere")
    (found,) = problem.value.diagnostics
    host = there.url.removeprefix("http://")
    assert found.message == (
        f"cannot look at the pipeline job nowhere: {host} answers 404: "
        "The PipelineJob does not exist: projects/p/locations/europe-west4/pipelineJobs/nowhere"
    )
    assert "`orchestrator.location` (europe-west4)" in found.hint


def test_the_engine_waits_as_long_as_it_is_asked_to_and_longer_each_time(there: Case) -> None:
    faults = there.pipelines.double.faults
    faults.too_many(LIST, retry_after=7)
    faults.too_many(LIST, retry_after=900)
    faults.broken(LIST, times=2)
    there.engine().look(wanted())
    assert there.waited[:2] == [7.0, 60.0]
    assert 1.0 <= there.waited[2] <= 2.0
    assert 2.0 <= there.waited[3] <= 4.0


def test_nobody_answers(there: Case) -> None:
    engine = there.engine(api_endpoint="http://127.0.0.1:9")
    with pytest.raises(Problem) as problem:
        engine.follow("x")
    (found,) = problem.value.diagnostics
    assert found.message == (
        "cannot look at the pipeline job x: 127.0.0.1:9 cannot be reached: Connection refused (5 tries)"
    )


def test_without_credentials_nothing_is_asked_again(there: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    engine = there.engine(api_endpoint=None)
    with pytest.raises(Problem) as problem:
        engine.follow("x")
    (found,) = problem.value.diagnostics
    assert found.id == "no-credentials"
    assert "/nowhere/key.json" in found.message
    assert "gcloud auth application-default login" in found.hint
    assert there.waited == []
