"""The Vertex AI engine against Vertex AI's and Cloud Storage's own contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mlopsctl.ground.errors import Locked, Problem, StepProblem
from mlopsctl.orchestrators.contract import RunState, Schedule, Wanted
from tests.doubles.vertex_pipelines_case import LOCATION, NIGHTLY, RUN, Case, bundle, case, wanted

pytestmark = pytest.mark.integration


@pytest.fixture
def there() -> Iterator[Case]:
    with case() as found:
        yield found


def starts(there: Case) -> dict[str, Any]:
    """The job that the only schedule starts."""
    (schedule,) = there.pipelines.schedules.values()
    job: dict[str, Any] = schedule["createPipelineJobRequest"]["pipelineJob"]
    return job


def test_nothing_stands_where_nothing_was_deployed(there: Case) -> None:
    found = there.engine().look(wanted(NIGHTLY))
    assert (found.exists, found.version, found.schedules, found.notes) == (False, "", (), ())
    assert there.writes() == []


def test_what_was_deployed_is_what_is_found(there: Case) -> None:
    wish = wanted(NIGHTLY)
    assert there.engine().deploy(wish) == (
        f"version {wish.bundle.digest[7:19]} of the pipeline churn-prod deployed",
        "schedule churn-prod-1 created",
    )
    found = there.engine().look(wish)
    assert found.exists
    assert found.version == wish.bundle.digest
    assert found.schedules == wish.schedules
    assert found.notes == ()


def test_the_version_is_kept_below_the_pipeline_root(there: Case) -> None:
    wish = wanted()
    there.engine().deploy(wish)
    kept = there.cloud.buckets["b"]
    name = f"root/mlopsctl/churn-prod/{wish.bundle.digest[7:]}.yaml"
    assert kept[name].content == wish.bundle.files["pipeline.yaml"]
    assert json.loads(kept["root/mlopsctl/churn-prod/deployed.json"].content)["version"] == wish.bundle.digest


def test_a_second_deploy_writes_nothing(there: Case) -> None:
    wish = wanted(NIGHTLY)
    there.engine().deploy(wish)
    there.forget()
    assert there.engine().deploy(wish) == ()
    assert there.writes() == []
    assert there.pipelines.double.made() == ["aiplatform.projects.locations.schedules.list"]


def test_a_schedule_starts_the_job_as_the_settings_say(there: Case) -> None:
    key = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
    settings = {
        "network": "projects/1/global/networks/n",
        "reserved_ip_ranges": ["range"],
        "encryption_key": key,
        "labels": {"team": "growth"},
        "failure_policy": "fast",
    }
    there.engine(**settings).deploy(wanted(NIGHTLY))
    (schedule,) = there.pipelines.schedules.values()
    assert schedule["cron"] == "TZ=Europe/Berlin 0 3 * * 1-5"
    assert (schedule["maxConcurrentRunCount"], schedule["maxConcurrentActiveRunCount"]) == ("1", "1")
    assert "catchUp" not in schedule
    job = starts(there)
    assert job["serviceAccount"] == "runs@p.iam.gserviceaccount.com"
    assert (job["network"], job["reservedIpRanges"]) == ("projects/1/global/networks/n", ["range"])
    assert job["encryptionSpec"] == {"kmsKeyName": key}
    assert job["runtimeConfig"] == {
        "gcsOutputDirectory": "gs://b/root",
        "parameterValues": {"rounds": 3},
        "failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST",
    }
    assert job["labels"] == {
        "team": "growth",
        "mlopsctl-project": "churn",
        "mlopsctl-environment": "prod",
        "mlopsctl-version": bundle().digest[7:23],
        "mlopsctl-schedule": "churn-prod-1",
    }


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"cron": "TZ=Europe/Berlin 0 4 * * *"}, {"cron": "0 4 * * *"}),
        ({"cron": "CRON_TZ=Asia/Tokyo 0 3 * * 1-5"}, {"timezone": "Asia/Tokyo"}),
        ({"cron": "0 3 * * 1-5"}, {"timezone": "UTC"}),
        ({"state": "PAUSED"}, {"paused": True}),
        ({"maxConcurrentRunCount": "4", "maxConcurrentActiveRunCount": "4"}, {"max_concurrent": 4}),
    ],
)
def test_a_schedule_changed_by_hand_is_seen_and_put_right(there: Case, change: Any, seen: Any) -> None:
    wish = wanted(NIGHTLY)
    there.engine().deploy(wish)
    (schedule,) = there.pipelines.schedules.values()
    schedule.update(change)
    assert there.engine().look(wish).schedules == (replace(wish.schedules[0], **seen),)
    assert there.engine().deploy(wish) == ("schedule churn-prod-1 updated",)
    assert there.engine().look(wish).schedules == wish.schedules
    assert list(there.pipelines.schedules) == [schedule["name"]]


@pytest.mark.parametrize(
    "path",
    ["pipelineSpec.deploymentSpec.executors.exec-train.container.image", "serviceAccount", "labels.team"],
)
def test_another_job_under_a_schedule_is_seen_and_put_right(there: Case, path: str) -> None:
    wish = wanted(NIGHTLY)
    there.engine().deploy(wish)
    inside = starts(there)
    *above, last = path.split(".")
    for key in above:
        inside = inside[key]
    inside[last] = "changed"
    found = there.engine().look(wish)
    assert found.schedules == (replace(wish.schedules[0], version=""),)
    assert found.notes == ("schedule churn-prod-1: it was changed outside mlopsctl",)
    assert there.engine().deploy(wish) == ("schedule churn-prod-1 updated",)
    assert there.engine().look(wish).schedules == wish.schedules


@pytest.mark.parametrize(
    "change",
    [
        {"endTime": "2027-01-01T00:00:00Z"},
        {"maxRunCount": "5"},
        {"allowQueueing": True},
        {"state": "COMPLETED"},
    ],
)
def test_what_no_update_can_undo_is_made_anew(there: Case, change: dict[str, Any]) -> None:
    wish = wanted(NIGHTLY)
    there.engine().deploy(wish)
    (schedule,) = there.pipelines.schedules.values()
    schedule.update(change)
    assert there.engine().look(wish).schedules != wish.schedules
    assert there.engine().deploy(wish) == ("schedule churn-prod-1 made anew",)
    assert there.engine().look(wish).schedules == wish.schedules
    assert len(there.pipelines.schedules) == 1


def test_a_setting_taken_back_makes_the_schedule_anew(there: Case) -> None:
    wish = wanted(NIGHTLY)
    there.engine(network="projects/1/global/networks/n").deploy(wish)
    assert there.engine().look(wish).notes == (
        "schedule churn-prod-1: the parameters or the settings of its jobs are not those of the project",
    )
    assert there.engine().deploy(wish) == ("schedule churn-prod-1 made anew",)
    assert "network" not in starts(there)


def test_a_job_that_cannot_be_changed_in_place_makes_the_schedule_anew(there: Case) -> None:
    there.engine().deploy(wanted(NIGHTLY))
    there.pipelines.updates_jobs = False
    new = wanted(NIGHTLY, marker="two")
    assert there.engine().deploy(new)[1:] == ("schedule churn-prod-1 made anew",)
    assert there.engine().look(new).schedules == new.schedules


def test_a_schedule_deleted_by_hand_is_created_again(there: Case) -> None:
    wish = wanted(NIGHTLY)
    there.engine().deploy(wish)
    there.pipelines.schedules.clear()
    assert there.engine().look(wish).schedules == ()
    assert there.engine().deploy(wish) == ("schedule churn-prod-1 created",)


def test_a_renamed_schedule_stays_ours(there: Case) -> None:
    wish = wanted(NIGHTLY)
    there.engine().deploy(wish)
    (schedule,) = there.pipelines.schedules.values()
    schedule["displayName"] = "nightly run, do not touch"
    assert there.engine().look(wish).schedules == (replace(wish.schedules[0], version=""),)
    there.engine().deploy(wish)
    assert [one["displayName"] for one in there.pipelines.schedules.values()] == ["mlopsctl/churn-prod/churn-prod-1"]


def test_what_the_service_fills_in_is_no_change(there: Case) -> None:
    def fill(schedule: dict[str, Any]) -> None:
        job = schedule["createPipelineJobRequest"]["pipelineJob"]
        job["pipelineSpec"]["defaultPipelineRoot"] = "gs://b/root"
        job["labels"]["vertex-ai-pipelines-run-billing-id"] = "7"

    there.pipelines.fills_in = fill
    wish = wanted(NIGHTLY)
    there.engine().deploy(wish)
    there.forget()
    assert there.engine().look(wish).schedules == wish.schedules
    assert there.engine().deploy(wish) == ()
    assert there.writes() == []


def test_a_new_version_is_written_and_its_schedules_start_it(there: Case) -> None:
    old, new = wanted(NIGHTLY), wanted(NIGHTLY, marker="two")
    there.engine().deploy(old)
    found = there.engine().look(new)
    assert found.version == old.bundle.digest
    assert found.schedules == old.schedules
    assert found.notes == ()
    assert there.engine().deploy(new) == (
        f"version {new.bundle.digest[7:19]} of the pipeline churn-prod deployed",
        "schedule churn-prod-1 updated",
    )
    assert there.engine().look(new).schedules == new.schedules
    assert len(there.cloud.buckets["b"]) == 3


def test_going_back_to_an_old_version_finds_its_file_there(there: Case) -> None:
    old, new = wanted(), wanted(marker="two")
    for wish in (old, new, old):
        there.engine().deploy(wish)
    assert there.engine().look(old).version == old.bundle.digest


def test_a_version_that_holds_something_else_is_not_deployed(there: Case) -> None:
    wish = wanted()
    there.cloud.put("b", f"root/mlopsctl/churn-prod/{wish.bundle.digest[7:]}.yaml", b"other")
    with pytest.raises(StepProblem, match="holds something else"):
        there.engine().deploy(wish)
    assert there.engine().look(wish).version == ""


def test_parameters_are_part_of_what_a_schedule_starts(there: Case) -> None:
    there.engine().deploy(wanted(NIGHTLY))
    more = wanted(NIGHTLY, rounds=9)
    assert [one.version for one in there.engine().look(more).schedules] == [""]
    there.engine().deploy(more)
    assert starts(there)["runtimeConfig"]["parameterValues"] == {"rounds": 9}


def test_nicknames_are_written_out_and_told_as_the_project_has_them(there: Case) -> None:
    wish = wanted(replace(NIGHTLY, cron="@weekly"))
    there.engine().deploy(wish)
    (schedule,) = there.pipelines.schedules.values()
    assert schedule["cron"] == "TZ=Europe/Berlin 0 0 * * 0"
    assert there.engine().look(wish).schedules == wish.schedules


def test_a_paused_schedule_is_created_paused_and_resumed_without_catching_up(there: Case) -> None:
    there.engine().deploy(wanted(replace(NIGHTLY, paused=True)))
    (schedule,) = there.pipelines.schedules.values()
    assert schedule["state"] == "PAUSED"
    assert there.engine().deploy(wanted(NIGHTLY)) == ("schedule churn-prod-1 updated",)
    assert (schedule["state"], schedule["catchUp"]) == ("ACTIVE", False)


def test_schedules_that_the_project_no_longer_names_are_deleted(there: Case) -> None:
    second = replace(NIGHTLY, name="churn-prod-2")
    there.engine().deploy(wanted(NIGHTLY, second))
    assert [one.name for one in there.engine().look(wanted(NIGHTLY)).schedules] == ["churn-prod-1", "churn-prod-2"]
    assert there.engine().deploy(wanted(NIGHTLY)) == ("schedule churn-prod-2 deleted",)
    assert len(there.pipelines.schedules) == 1


def test_another_projects_schedules_and_versions_stay(there: Case) -> None:
    theirs = replace(wanted(NIGHTLY), project="other", name="churn-prod-x")
    there.engine().deploy(theirs)
    before = dict(there.pipelines.schedules)
    there.engine().deploy(wanted(NIGHTLY))
    there.engine().remove(wanted())
    assert there.pipelines.schedules == before
    assert there.engine().look(theirs).exists


def test_a_pipeline_of_that_name_of_another_project_is_left_alone(there: Case) -> None:
    theirs = replace(wanted(NIGHTLY), project="other")
    there.engine().deploy(theirs)
    found = there.engine().look(wanted(NIGHTLY))
    note = "the pipeline churn-prod below the pipeline root is other's in prod, not ours"
    assert (found.exists, found.schedules, found.notes) == (False, (), (note,))
    there.forget()
    with pytest.raises(StepProblem, match="is other's in prod") as problem:
        there.engine().deploy(wanted(NIGHTLY))
    assert "pipeline_root" in problem.value.diagnostics[0].hint
    assert there.engine().remove(wanted()) == ()
    assert there.writes() == []


def test_a_strange_schedule_with_our_name_is_left_alone(there: Case) -> None:
    wish = wanted(NIGHTLY)
    there.engine().deploy(wish)
    (schedule,) = there.pipelines.schedules.values()
    starts(there)["labels"].clear()
    there.cloud.buckets["b"].clear()
    (note,) = there.engine().look(wish).notes
    assert note == "there is a schedule 'mlopsctl/churn-prod/churn-prod-1' that is not ours"
    with pytest.raises(StepProblem, match="is not ours"):
        there.engine().deploy(wish)
    assert list(there.pipelines.schedules) == [schedule["name"]]


def test_removing_leaves_nothing_of_ours_but_the_jobs(there: Case) -> None:
    wish = wanted(NIGHTLY)
    engine = there.engine()
    engine.deploy(wish)
    engine.deploy(wanted(NIGHTLY, marker="two"))
    engine.start(wish, RUN, {})
    there.pipelines.looks_until_gone = 2
    assert engine.remove(wish) == ("schedule churn-prod-1 deleted", "every version of the pipeline churn-prod deleted")
    assert (there.pipelines.schedules, there.cloud.buckets["b"]) == ({}, {})
    assert len(there.pipelines.jobs) == 1
    assert not there.engine().look(wish).exists
    assert engine.remove(wish) == ()


def test_two_deploys_at_once_do_not_overwrite_each_other(there: Case) -> None:
    engine = there.engine()
    engine.deploy(wanted())

    def meanwhile(_: object) -> None:
        there.cloud.put("b", "root/mlopsctl/churn-prod/deployed.json", there.cloud.buckets["b"][marker].content)

    marker = "root/mlopsctl/churn-prod/deployed.json"
    there.pipelines.fills_in = meanwhile
    with pytest.raises(Locked, match="somebody else changed"):
        engine.deploy(wanted(NIGHTLY))


def test_a_marker_of_another_format_is_not_overwritten(there: Case) -> None:
    there.cloud.put("b", "root/mlopsctl/churn-prod/deployed.json", b'{"format": 2}')
    for do in (there.engine().look, there.engine().deploy, there.engine().remove):
        with pytest.raises(StepProblem, match="not a file of this version"):
            do(wanted())


# Runs.


def test_a_run_is_a_job_that_is_ours(there: Case) -> None:
    wish = wanted()
    id = there.engine().start(wish, RUN, {"mlopsctl_run": RUN, "mlopsctl_pinned": '{"champion": ""}', "rounds": 5})
    assert id == "churn-prod-20261121t203000-abc123"
    job = there.pipelines.job(id)
    assert job["displayName"] == f"churn-prod-{RUN}"
    assert job["runtimeConfig"]["parameterValues"] == {
        "mlopsctl_run": RUN,
        "mlopsctl_pinned": '{"champion": ""}',
        "rounds": 5,
    }
    assert job["labels"]["mlopsctl-run"].startswith("20261121t203000-abc123-")
    run = there.engine().follow(id)
    assert (run.id, run.run, run.state, run.tasks) == (id, RUN, RunState.PENDING, {})
    assert run.started > 0
    assert run.url == f"https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/{id}?project=p"


def test_a_run_asked_for_twice_is_started_once(there: Case) -> None:
    first = there.engine().start(wanted(), RUN, {})
    assert there.engine().start(wanted(), RUN, {}) == first
    assert len(there.pipelines.jobs) == 1


def test_a_job_of_that_id_of_somebody_else_is_no_run_of_ours(there: Case) -> None:
    id = there.engine().start(wanted(), RUN, {})
    there.pipelines.job(id)["labels"]["mlopsctl-project"] = "other"
    with pytest.raises(StepProblem, match="it is not of this run"):
        there.engine().start(wanted(), RUN, {})


def test_the_states_of_tasks_are_told_by_step(there: Case) -> None:
    engine, pipelines = there.engine(), there.pipelines
    id = engine.start(wanted(), RUN, {})
    job = pipelines.job(id)
    pipelines.state(job, "RUNNING")
    pipelines.task(job, "mlopsctl-steps", "RUNNING")
    pipelines.task(job, "ingest-sales", "RUNNING", parent="mlopsctl-steps")
    assert engine.follow(id).tasks == {"ingest_sales": RunState.RUNNING}
    pipelines.task(job, "ingest-sales", "SUCCEEDED")
    pipelines.task(job, "train", "PENDING", parent="mlopsctl-steps")
    assert engine.follow(id).tasks == {"ingest_sales": RunState.SUCCESS, "train": RunState.PENDING}
    pipelines.task(job, "train", "SKIPPED")
    assert engine.follow(id).tasks["train"] is RunState.SUCCESS
    pipelines.task(job, "train", "NOT_TRIGGERED")
    assert engine.follow(id).tasks["train"] is RunState.SKIPPED


def test_a_repeated_task_is_told_by_its_newest_attempt(there: Case) -> None:
    engine, pipelines = there.engine(), there.pipelines
    id = engine.start(wanted(), RUN, {})
    job = pipelines.job(id)
    pipelines.task(job, "train", "FAILED", error="out of memory")
    pipelines.task(job, "train", "RUNNING")
    assert engine.follow(id).tasks == {"train": RunState.RUNNING}


def test_a_failure_says_what_the_job_and_its_tasks_say(there: Case) -> None:
    engine, pipelines = there.engine(), there.pipelines
    id = engine.start(wanted(), RUN, {})
    job = pipelines.job(id)
    pipelines.task(job, "train", "FAILED", error="The replica workerpool0-0 exited with a non-zero status of 1.\x1b[2J")
    pipelines.state(job, "FAILED", "The DAG failed because some tasks failed: [train].")
    run = engine.follow(id)
    assert run.state is RunState.FAILED
    assert run.message == (
        "The DAG failed because some tasks failed: [train]; "
        "train: The replica workerpool0-0 exited with a non-zero status of 1.\\x1b[2J"
    )


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("QUEUED", RunState.PENDING),
        ("RUNNING", RunState.RUNNING),
        ("CANCELLING", RunState.RUNNING),
        ("PAUSED", RunState.PENDING),
        ("SUCCEEDED", RunState.SUCCESS),
        ("CANCELLED", RunState.CANCELED),
    ],
)
def test_every_state_of_a_job_has_our_word(there: Case, state: str, told: RunState) -> None:
    id = there.engine().start(wanted(), RUN, {})
    there.pipelines.state(there.pipelines.job(id), state)
    assert there.engine().follow(id).state is told


def test_recent_runs_are_those_of_the_pipeline_newest_first(there: Case) -> None:
    engine = there.engine()
    engine.deploy(wanted(NIGHTLY))
    engine.start(wanted(), RUN, {"mlopsctl_run": RUN})
    engine.start(replace(wanted(), environment="staging", name="churn-staging"), "other", {})
    (schedule,) = there.pipelines.schedules.values()
    fired = there.pipelines.fire(schedule)["name"].rpartition("/")[2]
    assert [(one.id, one.run, one.schedule) for one in engine.recent(wanted(), 10)] == [
        (fired, "", schedule["name"].rpartition("/")[2]),
        ("churn-prod-20261121t203000-abc123", RUN, ""),
    ]
    assert [one.id for one in engine.recent(wanted(), 1)] == [fired]


def test_more_runs_than_a_page_holds_are_listed(there: Case) -> None:
    engine = there.engine()
    id = engine.start(wanted(), RUN, {})
    job = there.pipelines.job(id)
    for number in range(120):
        there.pipelines.jobs[f"{LOCATION}/pipelineJobs/x{number}"] = {
            **job,
            "name": f"{LOCATION}/pipelineJobs/x{number}",
            "createTime": there.pipelines.now(),
        }
    assert len(engine.recent(wanted(), 150)) == 121
    assert len(engine.recent(wanted(), 110)) == 110


def test_a_run_is_canceled_once_and_an_ended_one_not_at_all(there: Case) -> None:
    engine = there.engine()
    id = engine.start(wanted(), RUN, {})
    engine.cancel(id)
    assert there.pipelines.job(id)["state"] == "PIPELINE_STATE_CANCELLING"
    there.pipelines.state(there.pipelines.job(id), "CANCELLED")
    there.forget()
    engine.cancel(id)
    assert there.writes() == []


def test_a_run_is_really_executed(there: Case) -> None:
    ran: list[str] = []

    def execute(job: dict[str, Any]) -> None:
        for label, executor in job["pipelineSpec"]["deploymentSpec"]["executors"].items():
            ran.append(executor["container"]["args"][1])
            there.pipelines.task(job, label.removeprefix("exec-"), "SUCCEEDED", parent="mlopsctl-steps")
        there.pipelines.state(job, "SUCCEEDED")

    there.pipelines.execute = execute
    id = there.engine().start(wanted(), RUN, {})
    run = there.engine().follow(id)
    assert run.state is RunState.SUCCESS
    assert run.tasks == {"ingest_sales": RunState.SUCCESS, "train": RunState.SUCCESS}
    assert sorted(json.loads(one)["step"]["id"] for one in ran) == ["ingest_sales", "train"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"depth": 3}, "the compiled pipeline has no parameter 'depth'"),
        ({"rounds": "3"}, "the parameter 'rounds' must be a whole number"),
        ({"rounds": True}, "the parameter 'rounds' must be a whole number"),
        ({"rounds": 2.5}, "the parameter 'rounds' must be a whole number"),
        ({"mlopsctl_pinned": '{"x": "{{$.inputs}}"}'}, "the beginning of a placeholder"),
    ],
)
def test_a_wrong_parameter_starts_nothing(there: Case, given: dict[str, Any], message: str) -> None:
    with pytest.raises(Problem, match=message):
        there.engine().start(wanted(), RUN, given)
    assert there.writes() == []


def test_long_names_stay_within_what_the_service_takes(there: Case) -> None:
    name = "a-project-with-a-name-as-long-as-names-may-be-in-this-language-x"
    long = replace(
        wanted(Schedule(f"{name}_{name}-1", "0 3 * * *")), name=f"{name}_{name}", project=name, environment=name
    )
    engine = there.engine()
    engine.deploy(long)
    id = engine.start(long, RUN, {})
    assert engine.deploy(long) == ()
    assert engine.look(long).schedules == long.schedules
    assert [one.id for one in engine.recent(long, 5)] == [id]


def test_a_schedule_of_ours_is_found_though_the_marker_is_gone(there: Case) -> None:
    wish: Wanted = wanted(NIGHTLY)
    there.engine().deploy(wish)
    del there.cloud.buckets["b"]["root/mlopsctl/churn-prod/deployed.json"]
    found = there.engine().look(wish)
    assert (found.exists, found.version, found.schedules) == (True, "", wish.schedules)
    assert there.engine().deploy(wish)[1:] == ()
    assert len(there.pipelines.schedules) == 1
