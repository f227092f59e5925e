"""The engine Kubeflow Pipelines against the server's double: deploy, look, change, remove; nothing is written twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("kfp", reason="kfp is not installed: requirements/cloud.txt")

from mlopsctl.ground.errors import InvalidProject, Problem
from mlopsctl.ground.patience import Patience
from mlopsctl.orchestrators.contract import Bundle, Deployed, Schedule, Wanted
from mlopsctl.orchestrators.kfp.engine import KubeflowEngine
from mlopsctl.orchestrators.specs import Kubeflow
from tests.doubles.kfp import KfpDouble, serving
from tests.doubles.kfp_yaml import pipeline_yaml

pytestmark = pytest.mark.integration

NAME = "churn-prod"


def wanted(argument: str = "", **changes: object) -> Wanted:
    bundle = Bundle({"pipeline.yaml": pipeline_yaml(argument=argument)}, "pipeline.yaml")
    nightly = Schedule(name=NAME, cron="0 3 * * 1-7", version=bundle.digest)
    return replace(Wanted(NAME, "churn", "prod", bundle, (nightly,)), **changes)


def scheduled(one: Wanted, **changes: object) -> Wanted:
    return replace(one, schedules=tuple(replace(schedule, **changes) for schedule in one.schedules))


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


def only(double: KfpDouble) -> tuple[dict, dict, dict]:
    """The one pipeline, version and recurring run on the server."""
    (pipeline,) = double.pipelines.pipelines.values()
    (version,) = double.pipelines.versions.values()
    (recurring,) = double.recurring.recurring.values()
    return pipeline, version, recurring


def test_looking_changes_nothing_and_finds_nothing_on_an_empty_server(engine, double) -> None:
    assert engine.look(wanted()) == Deployed()
    assert double.made(writes=True) == []


def test_a_deploy_makes_one_pipeline_one_version_and_one_recurring_run_that_are_marked(engine, double) -> None:
    aim = wanted()
    lines = engine.deploy(aim)
    pipeline, version, recurring = only(double)
    short = aim.bundle.digest.removeprefix("sha256:")[:12]
    assert lines == (
        f"created the pipeline {NAME}",
        f"uploaded version {short} of the pipeline {NAME}",
        f"created the recurring run {NAME}",
    )
    assert (pipeline["name"], version["name"]) == (NAME, short)
    assert pipeline["description"] == "mlopsctl project=churn environment=prod"
    assert f"bundle={aim.bundle.digest}" in version["description"]
    assert double.pipelines.uploads[version["pipeline_version_id"]] == aim.bundle.files["pipeline.yaml"]
    assert recurring["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * 0,1,2,3,4,5,6"}}
    assert (recurring["status"], recurring["max_concurrency"], recurring["no_catchup"]) == ("ENABLED", "1", True)
    assert engine.look(aim) == Deployed(exists=True, version=aim.bundle.digest, schedules=aim.schedules)


def test_a_second_deploy_makes_no_call_that_writes(engine, double, host) -> None:
    engine.deploy(wanted())
    double.calls.clear()
    assert KubeflowEngine(Kubeflow(kind="kfp", host=host), no_wait()).deploy(wanted()) == ()
    assert double.made(writes=True) == []
    assert len(double.made()) <= 5


@pytest.mark.parametrize(
    ("by_hand", "shown"),
    [
        ({"cron": "0 30 4 * * *"}, {"cron": "30 4 * * *"}),
        ({"status": "DISABLED", "mode": "DISABLE"}, {"paused": True}),
        ({"max_concurrency": "7"}, {"max_concurrent": 7}),
        ({"pipeline_version_reference": {"pipeline_id": "x", "pipeline_version_id": "y"}}, {"version": ""}),
        ({"runtime_config": {"parameters": {"rows": 9}}}, {"version": ""}),
        ({"no_catchup": False}, {"version": ""}),
        ({"trigger": {"periodic_schedule": {"interval_second": "60"}}}, {"cron": "no times of a calendar"}),
    ],
)
def test_a_schedule_changed_by_hand_is_seen_and_put_right_by_the_next_deploy(engine, double, by_hand, shown) -> None:
    aim = wanted()
    engine.deploy(aim)
    (id,) = double.recurring.recurring
    double.recurring.change(id, **by_hand)
    (seen,) = engine.look(aim).schedules
    assert seen == replace(aim.schedules[0], **shown)
    assert engine.deploy(aim) == (f"replaced the recurring run {NAME}",)
    assert engine.look(aim).schedules == aim.schedules
    _, _, recurring = only(double)
    assert recurring["status"] == "ENABLED"


def test_of_a_schedule_that_is_replaced_never_two_are_enabled(engine, double) -> None:
    engine.deploy(wanted())
    double.calls.clear()
    engine.deploy(scheduled(wanted(), cron="0 5 * * *"))
    writes = [call for call in double.calls if call.operation.writes]
    assert [call.name.removeprefix("recurring_run_service_") for call in writes] == [
        "create_recurring_run", "delete_recurring_run", "enable_recurring_run",
    ]  # fmt: skip
    assert writes[0].body["mode"] == "DISABLE"


def test_pausing_is_one_call_and_resuming_starts_nothing_that_was_missed(engine, double) -> None:
    paused = scheduled(wanted(), paused=True)
    engine.deploy(wanted())
    assert engine.deploy(paused) == (f"paused the recurring run {NAME}",)
    assert engine.deploy(paused) == ()
    old = only(double)[2]["recurring_run_id"]
    engine.deploy(wanted())
    # The server would start one at once for a time that passed while it was disabled.
    assert only(double)[2]["recurring_run_id"] != old
    assert engine.look(wanted()).schedules == wanted().schedules


def test_a_schedule_that_is_no_longer_wanted_is_deleted_and_others_are_left(engine, double) -> None:
    engine.deploy(wanted())
    (mine,) = double.recurring.recurring.values()
    for id, description in (("by-hand", ""), ("other", "mlopsctl project=churn environment=production settings=1")):
        double.recurring.recurring[id] = {**mine, "recurring_run_id": id, "description": description}
    assert engine.deploy(wanted(schedules=())) == (f"deleted the recurring run {NAME}",)
    assert sorted(double.recurring.recurring) == ["by-hand", "other"]


def test_a_schedule_that_is_there_twice_is_said_and_put_right(engine, double) -> None:
    engine.deploy(wanted())
    (mine,) = double.recurring.recurring.values()
    double.recurring.recurring["again"] = {**mine, "recurring_run_id": "again"}
    found = engine.look(wanted())
    assert found.notes == (f"the schedule {NAME} is there 2 times",)
    assert found.schedules != wanted().schedules
    engine.deploy(wanted())
    only(double)


def test_a_new_bundle_is_a_new_version_that_the_schedule_starts(engine, double) -> None:
    engine.deploy(wanted())
    assert engine.look(wanted("two")).version == wanted().bundle.digest
    engine.deploy(wanted("two"))
    (recurring,) = double.recurring.recurring.values()
    version = double.pipelines.versions[recurring["pipeline_version_reference"]["pipeline_version_id"]]
    assert wanted("two").bundle.digest in version["description"]
    assert len(double.pipelines.pipelines) == 1


def test_a_bundle_that_comes_back_is_the_newest_version_again(engine, double) -> None:
    for aim in (wanted(), wanted("two"), wanted()):
        engine.deploy(aim)
        assert engine.look(aim).version == aim.bundle.digest
        assert engine.deploy(aim) == ()
    short = wanted().bundle.digest.removeprefix("sha256:")[:12]
    assert sorted(one["name"] for one in double.pipelines.versions.values() if short in one["name"]) == [
        short, f"{short}-2",
    ]  # fmt: skip


def test_versions_of_one_second_of_the_servers_are_told_apart(engine, double) -> None:
    double.now = lambda: "2026-03-01T10:00:00Z"
    for turn in range(4):
        aim = wanted(str(turn % 2), schedules=())
        engine.deploy(aim)
        assert engine.look(aim).version == aim.bundle.digest
        assert engine.deploy(aim) == ()
        # Our own clock has milliseconds.
        time.sleep(0.002)


def test_a_version_uploaded_by_hand_is_seen_and_covered_by_ours(engine, double) -> None:
    aim = wanted()
    engine.deploy(aim)
    (pipeline,) = double.pipelines.pipelines
    for _ in range(4):
        double.now()
    double.pipelines._add(pipeline, "by hand", "", {}, b"")
    assert engine.look(aim).version == ""
    engine.deploy(aim)
    assert engine.look(aim).version == aim.bundle.digest
    assert engine.deploy(aim) == ()


@pytest.mark.parametrize("description", ["", "my pipeline", "mlopsctl project=churn environment=staging"])
def test_a_pipeline_of_the_name_that_is_not_ours_is_refused_and_left_alone(engine, double, description) -> None:
    engine.deploy(wanted(schedules=()))
    (pipeline,) = double.pipelines.pipelines.values()
    pipeline["description"] = description
    double.calls.clear()
    assert not engine.look(wanted()).exists
    (note,) = engine.look(wanted()).notes
    with pytest.raises(Problem) as problem:
        engine.deploy(wanted())
    assert str(problem.value) == note
    assert NAME in note
    assert "http://127.0.0.1" in note
    with pytest.raises(Problem, match="has no version"):
        engine.start(wanted(), "run-1", {})
    assert engine.remove(wanted()) == ()
    assert double.made(writes=True) == []


def test_removing_takes_what_is_ours_and_says_so(engine, double) -> None:
    engine.deploy(wanted())
    engine.deploy(wanted("two"))
    assert len(engine.remove(wanted("two"))) == 4
    assert [double.pipelines.pipelines, double.pipelines.versions, double.recurring.recurring] == [{}, {}, {}]
    assert engine.remove(wanted()) == ()


def test_a_pipeline_with_versions_of_others_is_kept(engine, double) -> None:
    engine.deploy(wanted(schedules=()))
    (pipeline,) = double.pipelines.pipelines
    double.pipelines._add(pipeline, "by hand", "", {}, b"")
    assert engine.remove(wanted())[-1] == f"kept the pipeline {NAME}, for it has versions that are not ours"
    assert [one["name"] for one in double.pipelines.versions.values()] == ["by hand"]


def test_a_schedule_in_another_time_zone_than_the_servers_is_refused_before_anything_is_made(engine, double) -> None:
    aim = scheduled(wanted(), timezone="Europe/Zurich")
    for call in (engine.look, engine.deploy):
        with pytest.raises(InvalidProject, match="one time zone for the whole server, here UTC") as problem:
            call(aim)
        assert "CRON_SCHEDULE_TIMEZONE" in problem.value.diagnostics[0].hint
    assert double.made() == []


def test_a_schedule_in_the_servers_own_time_zone_is_kept(host, double) -> None:
    engine = KubeflowEngine(Kubeflow(kind="kfp", host=host, timezone="Europe/Zurich"), no_wait())
    aim = scheduled(wanted(), timezone="Europe/Zurich", cron="@weekly")
    engine.deploy(aim)
    assert only(double)[2]["trigger"] == {"cron_schedule": {"cron": "0 0 0 * * 0"}}
    assert engine.look(aim).schedules == aim.schedules


def test_everything_is_in_the_namespace_where_there_are_several_users() -> None:
    double = KfpDouble(namespaces=frozenset({"team-a"}))
    with serving(double) as host:
        engine = KubeflowEngine(Kubeflow(kind="kfp", host=host, namespace="team-a"), no_wait())
        assert engine.deploy(wanted())
        assert engine.deploy(wanted()) == ()
        engine.start(wanted(), "run-1", {})
        assert len(engine.recent(wanted(), 5)) == 1
        pipeline, _, recurring = only(double)
        assert (pipeline["namespace"], recurring["namespace"]) == ("team-a", "team-a")
        elsewhere = KubeflowEngine(Kubeflow(kind="kfp", host=host, namespace="team-b"), no_wait())
        with pytest.raises(Problem, match="403") as problem:
            elsewhere.look(wanted())
        assert "the namespace team-b" in problem.value.diagnostics[0].hint
        unnamed = KubeflowEngine(Kubeflow(kind="kfp", host=host), no_wait())
        with pytest.raises(Problem, match="a namespace is required"):
            unnamed.look(wanted())


def test_settings_reach_the_runs_and_a_change_of_them_replaces_the_schedule(host, double) -> None:
    plain = Kubeflow(kind="kfp", host=host)
    KubeflowEngine(plain, no_wait()).deploy(wanted())
    given = plain.model_copy(
        update={"service_account": "trainer", "pipeline_root": "gs://bucket/kfp", "experiment": "mine"}
    )
    engine = KubeflowEngine(given, no_wait())
    assert engine.look(wanted()).schedules[0].version == ""
    assert engine.look(wanted()).notes == (f"the schedule {NAME} differs in its settings, its experiment",)
    assert engine.deploy(wanted()) == (f"replaced the recurring run {NAME}",)
    assert engine.deploy(wanted()) == ()
    engine.start(wanted(), "run-1", {})
    _, _, recurring = only(double)
    (run,) = double.runs.runs.values()
    for made in (recurring, run):
        assert made["service_account"] == "trainer"
        assert made["runtime_config"]["pipeline_root"] == "gs://bucket/kfp"
        assert double.pipelines.experiments[made["experiment_id"]]["display_name"] == "mine"


def test_the_longest_names_fit_into_what_the_server_keeps(engine, double) -> None:
    project, environment = "p" * 63, "e" * 63
    name = f"{project}-{environment}"
    aim = replace(scheduled(wanted(), name=f"{name}-10"), name=name, project=project, environment=environment)
    engine.deploy(aim)
    engine.start(aim, "20261121T203012Z-0123456789abcdef", {})
    assert engine.deploy(aim) == ()


def test_nothing_is_printed_and_nothing_of_the_surroundings_is_used(
    engine, double, monkeypatch, capfd, tmp_path
) -> None:
    import kfp

    context = tmp_path / "context.json"
    context.write_text(json.dumps({"namespace": "elsewhere", "client_authentication_cookie": "secret"}))
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(context))
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("KF_PIPELINES_IAP_OAUTH2_CLIENT_ID", "client")
    monkeypatch.setenv("KF_PIPELINES_OVERRIDE_EXPERIMENT_NAME", "another")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    engine.deploy(wanted())
    engine.start(wanted(), "run-1", {})
    assert capfd.readouterr() == ("", "")
    assert "healthz_service_get_healthz" not in double.made()
    assert all("namespace" not in call.query and "Cookie" not in call.headers for call in double.calls)
    assert [one["display_name"] for one in double.pipelines.experiments.values()] == ["churn"]
