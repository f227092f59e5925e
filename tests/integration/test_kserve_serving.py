"""A release served by KServe: a manifest that the cluster takes, a canary by its percent, and the file without one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsctl.ground.errors import Problem
from mlopsctl.servers.contract import Model, Place, ServerStatus, Serving, Unfit
from mlopsctl.servers.kserve import KServeServer
from mlopsctl.servers.kserve_serving import FILE, kserve
from mlopsctl.servers.rollout import Steps, roll_out
from tests.doubles.kubectl import Cluster

IMAGE = "europe-docker.pkg.dev/acme/models/steps@sha256:" + "1" * 64
CANARY = Steps((10, 50, 100), 60.0)
NAME = "default/birds-prod"


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


@dataclass
class Case:
    folder: Path
    cluster: Cluster
    waited: list[float] = field(default_factory=list)

    def model(self, number: int) -> Model:
        folder = self.folder / f"model-{number}"
        folder.mkdir(exist_ok=True)
        (folder / "MLmodel").write_text(f"model {number}\n")
        return Model(digest(number), str(number), lambda: folder)

    def server(self, **settings: Any) -> Serving:
        place = Place(
            project="birds",
            environment="prod",
            home=self.folder / "home",
            bundle=self.folder / "deploy" / "prod",
            storage=f"file://{self.folder}/served",
            image="",
            samples=3,
            tolerance=1e-6,
            unchanged=lambda: None,
            pause=lambda seconds: None,
        )
        return kserve(KServeServer(**{"startup_timeout": 5.0, **settings}), place)

    def release(self, number: int, steps: Steps = CANARY, **settings: Any) -> ServerStatus:
        server = self.server(**settings)
        return roll_out(server, self.model(number), steps, checked=True, wait=self.waited.append)

    def traffic(self) -> dict[str, int]:
        return dict(self.server().status().traffic)

    def applied(self) -> int:
        return self.cluster.verbs().count("apply")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    cluster = Cluster.installed(tmp_path)
    monkeypatch.setenv("PATH", f"{cluster.folder}{os.pathsep}{os.environ['PATH']}")
    return Case(tmp_path, cluster)  # type: ignore[return-value]


def test_the_first_release_makes_a_service(case: Case) -> None:
    status = case.release(1)
    assert (status.running, status.healthy, status.digest) == (True, True, digest(1))
    assert status.url == "http://birds-prod.default.example.com"
    model = case.cluster.service(NAME)["spec"]["predictor"]["model"]
    assert model["storageUri"] == f"file://{case.folder}/served/{digest(1)[7:]}"
    assert (case.folder / "served" / digest(1)[7:] / "MLmodel").read_text() == "model 1\n"


def test_the_same_release_again_applies_nothing(case: Case) -> None:
    case.release(1)
    before = case.applied()
    case.release(1)
    assert case.applied() == before


def test_a_canary_gets_its_shares(case: Case) -> None:
    case.release(1)
    seen: list[dict[str, int]] = []
    server = case.server()
    roll_out(server, case.model(2), CANARY, checked=True, wait=lambda seconds: seen.append(case.traffic()))
    assert seen == [{digest(1): 90, digest(2): 10}, {digest(1): 50, digest(2): 50}]
    assert case.traffic() == {digest(2): 100}
    assert "canaryTrafficPercent" not in case.cluster.service(NAME)["spec"]["predictor"]


def test_a_model_that_cannot_be_loaded_is_said_and_the_one_before_serves(case: Case) -> None:
    case.release(1)
    case.cluster.change(bad=[digest(2)[7:]])
    with pytest.raises(Unfit, match="did not become ready: the model cannot be loaded"):
        case.release(2)
    assert case.traffic() == {digest(1): 100}
    case.cluster.change(bad=[])
    case.release(2)
    assert case.traffic() == {digest(2): 100}


def test_a_rollout_that_was_cut_off_goes_on_where_it_stopped(case: Case) -> None:
    case.release(1)

    class CutOffNow(BaseException):
        pass

    def cut(seconds: float) -> None:
        if case.traffic()[digest(2)] == 50:
            raise CutOffNow

    with pytest.raises(CutOffNow):
        roll_out(case.server(), case.model(2), CANARY, checked=True, wait=cut)
    assert case.server().status().otherwise == "50 % of its traffic goes to another model"
    seen: list[dict[str, int]] = []
    roll_out(case.server(), case.model(2), CANARY, checked=True, wait=lambda seconds: seen.append(case.traffic()))
    assert seen == [{digest(1): 50, digest(2): 50}]
    assert case.traffic() == {digest(2): 100}


def test_a_rollout_that_was_given_up_leaves_with_the_next(case: Case) -> None:
    case.release(1)
    server = case.server()
    server.bring(case.model(2))
    server.step(digest(2), 10)
    seen: list[dict[str, int]] = []
    roll_out(case.server(), case.model(3), CANARY, checked=True, wait=lambda seconds: seen.append(case.traffic()))
    assert seen[0] == {digest(1): 90, digest(3): 10}
    assert case.traffic() == {digest(3): 100}


def test_a_canary_that_is_not_well_is_taken_back(case: Case) -> None:
    case.release(1)

    def turn_ill(seconds: float) -> None:
        services = case.cluster.state["services"]
        services[NAME]["controller"]["revisions"][-1]["ready"] = False
        case.cluster.change(services=services)

    with pytest.raises(Unfit, match="taken back at 10 %"):
        roll_out(case.server(), case.model(2), CANARY, checked=True, wait=turn_ill)
    assert case.traffic() == {digest(1): 100}


def test_a_model_changed_by_hand_shows_as_another_and_is_put_right(case: Case) -> None:
    case.release(1)
    services = case.cluster.state["services"]
    services[NAME]["spec"]["predictor"]["model"]["storageUri"] = "gs://theirs/model"
    case.cluster.change(services=services)
    status = case.server().status()
    assert status.digest == ""
    roll_out(case.server(), case.model(1), Steps(), checked=False, wait=case.waited.append)
    assert case.server().status().digest == digest(1)


def test_other_settings_are_seen_and_applied(case: Case) -> None:
    case.release(1)
    wider = {"max_replicas": 4, "memory": "2Gi", "cpu": 0.5}
    assert case.server(**wider).status().otherwise == "its specification is not what the project says"
    status = case.release(1, **wider)
    assert status.otherwise == ""
    predictor = case.cluster.service(NAME)["spec"]["predictor"]
    assert predictor["maxReplicas"] == 4
    assert predictor["model"]["resources"]["limits"] == {"cpu": "500m", "memory": "2048Mi"}


def test_an_own_image_is_started_with_the_server_of_mlopsctl(case: Case) -> None:
    status = case.release(1, image=IMAGE)
    (container,) = case.cluster.service(NAME)["spec"]["predictor"]["containers"]
    assert container["command"] == ["python3", "-P", "-m", "mlopsctl.servers.container"]
    assert {"name": "MLOPSCTL_MODEL", "value": digest(1)} in container["env"]
    assert (status.digest, status.otherwise) == (digest(1), "")


def test_a_service_that_is_not_ours_is_left_alone(case: Case) -> None:
    case.release(1)
    services = case.cluster.state["services"]
    services[NAME]["metadata"]["labels"] = {}
    case.cluster.change(services=services)
    for act in (lambda: case.release(2), lambda: case.server().stop()):
        with pytest.raises(Problem, match="is not mlopsctl's"):
            act()
    assert NAME in case.cluster.state["services"]


def test_a_stopped_service_is_gone(case: Case) -> None:
    case.release(1)
    assert case.server().stop() == ""
    assert case.cluster.state["services"] == {}
    assert not case.server().status().running


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("verb", ["get", "apply"])
@pytest.mark.parametrize(
    "said", ["connection reset by peer", "Error from server (TooManyRequests): wait", "i/o timeout"]
)
def test_what_fails_in_passing_is_tried_again(case: Case, verb: str, said: str, after: bool) -> None:
    case.release(1, Steps())
    case.cluster.fail(verb, said, after=after, times=2)
    case.release(2)
    assert case.traffic() == {digest(2): 100}


@pytest.mark.parametrize("verb", ["get", "apply"])
def test_what_is_forbidden_is_said_with_the_call_the_cluster_and_what_to_do(case: Case, verb: str) -> None:
    case.release(1, Steps())
    case.cluster.fail(verb, f"Error from server (Forbidden): inferenceservices is forbidden: cannot {verb}", times=99)
    with pytest.raises(
        Problem, match=r"cannot (read|apply) inferenceservices.*https://cluster.example.com:6443"
    ) as told:
        case.release(2)
    assert "let this account get, patch and delete" in told.value.diagnostics[0].hint
    case.cluster.change(faults=[])
    case.release(2)
    assert case.traffic() == {digest(2): 100}


def test_without_a_context_the_manifest_is_written_and_said_to_wait(case: Case) -> None:
    case.cluster.change(context="")
    status = case.release(1, Steps())
    file = case.folder / "deploy" / "prod" / FILE
    assert yaml.safe_load(file.read_text())["metadata"]["annotations"] == {"mlopsctl/digest": digest(1)}
    assert not status.observed
    assert not status.healthy, "nobody knows"
    assert status.digest == digest(1)
    assert status.note == "there is no kubectl context here: somebody has to apply deploy/prod/inferenceservice.yaml"
    before = file.stat().st_mtime_ns
    case.release(1, Steps())
    assert file.stat().st_mtime_ns == before, "nothing to write"
    file.write_text(file.read_text().replace("minReplicas: 1", "minReplicas: 9"))
    assert case.server().status().otherwise == "the file is not what the project says"
    assert "kubectl --namespace default delete" in case.server().stop()
    assert not file.exists()


def test_a_context_that_is_named_is_used_whatever_is_chosen(case: Case) -> None:
    case.cluster.change(context="another")
    assert case.release(1, context="models").digest == digest(1)
    with pytest.raises(Problem, match='context "another" does not exist'):
        case.release(2)
