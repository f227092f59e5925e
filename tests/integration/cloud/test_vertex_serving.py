"""A release served by Vertex AI: one endpoint, versions of one model, traffic in steps, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.aiplatform_v1", reason="the environment of the cloud tests is needed")

from mlopsctl.ground.errors import Problem
from mlopsctl.servers.contract import Unfit
from mlopsctl.servers.rollout import Steps, roll_out
from tests.integration.cloud.serving_case import BUCKET, Case, a_case, digest


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with a_case(tmp_path) as running:
        yield running


def test_the_first_release_makes_an_endpoint_that_serves_all_of_it(case: Case) -> None:
    status = case.release(1)
    assert (status.running, status.healthy, status.digest) == (True, True, digest(1))
    assert status.url == f"{case.base}/v1/{case.endpoint['name']}:predict"
    assert case.traffic() == {digest(1): 100}
    assert case.writes() == ["models.upload", "endpoints.create", "endpoints.deployModel"]
    assert case.waited == [], "there is nothing to hold the traffic back for"
    labels = {"mlopsctl-project": "birds", "mlopsctl-environment": "prod"}
    assert case.endpoint["labels"] == labels
    (version,) = case.vertex.models.versions.values()
    assert version[0]["artifactUri"] == f"gs://{BUCKET}/served/{digest(1)[7:]}"
    assert f"served/{digest(1)[7:]}/MLmodel" in case.cloud.buckets[BUCKET]


def test_the_same_release_again_writes_nothing(case: Case) -> None:
    case.release(1)
    before = len(case.writes())
    assert case.release(1).digest == digest(1)
    assert case.writes()[before:] == []


def test_a_canary_gets_its_shares_and_the_model_before_stays_without_traffic(case: Case) -> None:
    case.release(1)
    seen: list[dict[str, int]] = []
    server = case.server()
    roll_out(server, case.model(2), Steps((10, 50, 100), 600.0), checked=True,
             wait=lambda seconds: seen.append(case.traffic()))  # fmt: skip
    assert seen == [{digest(1): 90, digest(2): 10}, {digest(1): 50, digest(2): 50}]
    assert case.traffic() == {digest(1): 0, digest(2): 100}
    assert case.versions() == [digest(1), digest(2)]
    assert len(case.vertex.models.versions) == 1, "a release is a version of one model"


def test_only_one_model_is_kept_beside_the_one_that_serves(case: Case) -> None:
    for number in (1, 2, 3):
        case.release(number, Steps())
    assert case.traffic() == {digest(2): 0, digest(3): 100}


def test_nothing_is_kept_where_that_is_asked(case: Case) -> None:
    case.release(1, keep_previous=False)
    case.release(2, keep_previous=False)
    assert case.traffic() == {digest(2): 100}


def test_a_rollback_to_what_is_kept_only_moves_the_traffic(case: Case) -> None:
    case.release(1)
    case.release(2)
    before = len(case.writes())
    roll_out(case.server(), case.model(1), Steps(), checked=False, wait=case.waited.append)
    assert case.writes()[before:] == ["endpoints.patch"]
    assert case.traffic() == {digest(1): 100, digest(2): 0}


def test_a_canary_that_answers_wrongly_is_taken_back(case: Case) -> None:
    case.release(1)
    case.answers[digest(2)] = 2.5
    with pytest.raises(Unfit, match=r"taken back at 10 % .* answers prediction 2.5, the model predicts 2.0"):
        case.release(2)
    assert case.traffic() == {digest(1): 100}
    assert case.server().status().otherwise == ""


def test_a_first_model_that_answers_wrongly_serves_nothing(case: Case) -> None:
    case.answers[digest(1)] = -1.0
    with pytest.raises(Unfit, match="was taken back: the server answers prediction -1"):
        case.release(1)
    assert not case.server().status().running


def test_a_canary_that_never_answers_is_taken_back(case: Case) -> None:
    case.release(1)

    class Old:
        def choices(self, ids: list[str], weights: list[int]) -> list[str]:
            return [max(zip(weights, ids, strict=True))[1]]

    case.vertex.endpoints.random = Old()  # type: ignore[assignment]
    with pytest.raises(Unfit, match=r"only 0 of 170 answers of 127.0.0.1:\d+ came from the new model, 3 are needed"):
        case.release(2)
    assert case.traffic() == {digest(1): 100}


def test_a_rollout_that_was_cut_off_goes_on_where_it_stopped(case: Case) -> None:
    case.release(1)

    class CutOffNow(BaseException):
        pass

    def cut(seconds: float) -> None:
        if case.traffic()[digest(2)] == 50:
            raise CutOffNow

    with pytest.raises(CutOffNow):
        roll_out(case.server(), case.model(2), Steps((10, 50, 100), 1.0), checked=True, wait=cut)
    assert case.server().status().otherwise == "50 % of its traffic goes to another model"
    seen: list[dict[str, int]] = []
    roll_out(case.server(), case.model(2), Steps((10, 50, 100), 1.0), checked=True,
             wait=lambda seconds: seen.append(case.traffic()))  # fmt: skip
    assert seen == [{digest(1): 50, digest(2): 50}]
    assert case.traffic() == {digest(1): 0, digest(2): 100}


def test_a_rollout_that_was_given_up_leaves_with_the_next(case: Case) -> None:
    case.release(1)
    server = case.server()
    server.bring(case.model(2))
    server.step(digest(2), 10)
    case.release(3)
    assert case.traffic() == {digest(1): 0, digest(3): 100}


def test_the_release_that_stands_gets_all_of_the_traffic_back(case: Case) -> None:
    case.release(1)
    server = case.server()
    server.bring(case.model(2))
    server.step(digest(2), 10)
    roll_out(case.server(), case.model(1), Steps(), checked=False, wait=case.waited.append)
    assert case.traffic() == {digest(1): 100, digest(2): 0}


def test_a_model_deployed_by_hand_shows_as_another_and_gives_way(case: Case) -> None:
    case.release(1)
    endpoint, parent = case.endpoint, case.endpoint["name"].partition("/endpoints")[0]
    theirs = {"displayName": "theirs", "artifactUri": "gs://x/y", "containerSpec": {"imageUri": "x"}}
    name = f"{parent}/models/77"
    case.vertex.models.versions[name] = [
        {**theirs, "name": name, "versionId": "1", "versionAliases": ["default"], "labels": {}}
    ]
    endpoint["deployedModels"].append({"id": "7", "model": name, "modelVersionId": "1"})
    endpoint["trafficSplit"] = {"7": 100}
    status = case.server().status()
    assert (status.digest, status.traffic) == ("", {"": 100})
    roll_out(case.server(), case.model(1), Steps(), checked=False, wait=case.waited.append)
    assert endpoint["trafficSplit"] == {next(one["id"] for one in endpoint["deployedModels"] if one["id"] != "7"): 100}
    assert "7" in {one["id"] for one in endpoint["deployedModels"]}, "what is not ours is not removed"


def test_other_machines_are_another_deployment_of_the_same_version(case: Case) -> None:
    case.release(1)
    assert case.server(machine_type="n1-standard-8").status().otherwise == (
        "it runs with another image, machine or account"
    )
    case.release(1, machine_type="n1-standard-8")
    assert case.versions() == [digest(1)]
    machines = {one["dedicatedResources"]["machineSpec"]["machineType"] for one in case.endpoint["deployedModels"]
                if case.endpoint["trafficSplit"].get(one["id"])}  # fmt: skip
    assert machines == {"n1-standard-8"}


def test_more_replicas_are_scaled_in_place(case: Case) -> None:
    case.release(1)
    assert case.server(max_replicas=3).status().otherwise == "it has 1 to 1 replicas, not 1 to 3"
    before = len(case.writes())
    status = case.release(1, max_replicas=3)
    assert (case.writes()[before:], status.otherwise) == (["endpoints.mutateDeployedModel"], "")


def test_another_image_of_the_steps_deploys_nothing_anew_and_a_named_one_does(case: Case) -> None:
    case.release(1)
    image = "europe-docker.pkg.dev/acme/models/other@sha256:" + "2" * 64
    case.place = lambda **changes: type(case).place(case, image=image)  # type: ignore[method-assign]
    assert case.server().status().otherwise == ""
    assert case.server(image=image).status().otherwise == "it runs with another image, machine or account"


def test_a_model_that_cannot_start_is_said_with_what_google_says(case: Case) -> None:
    case.release(1)
    broken = {"code": 9, "message": "Model server exited unexpectedly."}
    case.vertex.breaks["DeployModelOperationMetadata"] = broken
    with pytest.raises(Problem, match=r"cannot deploy the model of birds \(prod\): .* Model server exited"):
        case.release(2)
    assert case.traffic() == {digest(1): 100}
    case.release(2)
    assert case.traffic() == {digest(1): 0, digest(2): 100}
    assert case.versions() == [digest(1), digest(2)]


def test_what_is_stopped_is_gone_and_the_versions_stay(case: Case) -> None:
    case.release(1)
    case.release(2)
    assert case.server().stop() == ""
    assert case.vertex.endpoints.endpoints == {}
    assert case.versions() == [digest(1), digest(2)]
    assert case.server().stop() == "", "nothing to do twice"


def test_an_endpoint_where_others_serve_too_stays(case: Case) -> None:
    case.release(1)
    name = "projects/acme/locations/europe-west4/models/77"
    case.vertex.models.versions[name] = [
        {"displayName": "x", "name": name, "versionId": "1", "versionAliases": ["default"], "labels": {}}
    ]
    case.endpoint["deployedModels"].append({"id": "7", "model": name, "modelVersionId": "1"})
    assert "stays: models that are not mlopsctl's are deployed there" in case.server().stop()
    assert "7" in {one["id"] for one in case.endpoint["deployedModels"]}


def test_an_endpoint_of_that_name_that_is_not_ours_is_left_alone(case: Case) -> None:
    case.release(1)
    case.endpoint["labels"] = {}
    case.endpoint["displayName"] = "birds"
    with pytest.raises(Problem, match="cannot create the endpoint"):
        case.release(1)
    assert len(case.vertex.endpoints.endpoints) == 1


def test_another_environment_is_another_endpoint(case: Case) -> None:
    case.release(1)
    case.place = lambda **changes: type(case).place(case, environment="staging")  # type: ignore[method-assign]
    assert not case.server().status().running
    case.release(2)
    assert len(case.vertex.endpoints.endpoints) == 2
    assert len(case.vertex.models.versions) == 2
