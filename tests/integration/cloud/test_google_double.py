"""The stand-in for Google: strict on what it takes and gives, the same over REST and gRPC, wrong when asked to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.cloud.aiplatform_v1", reason="the environment of the cloud tests is needed")

from tests.doubles.google import Call, GoogleError, serving
from tests.doubles.google_grpc import serving_grpc, vertex_front
from tests.doubles.vertex import Vertex

PARENT = "projects/acme/locations/europe-west4"
API = "aiplatform.projects.locations."
GOOD = {"displayName": "birds", "artifactUri": "gs://b/m", "containerSpec": {"imageUri": "x"}}


@pytest.fixture
def vertex() -> Vertex:
    return Vertex(polls=0)


@pytest.fixture
def base(vertex: Vertex) -> Iterator[str]:
    with serving(vertex.double) as url:
        yield url


def post(url: str, body: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer), dict(answer.headers)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, json.load(problem), dict(problem.headers)


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("models:upload", {"model": {}}, "'displayName' is a required property"),
        ("models:upload", {"model": GOOD, "modle": {}}, "'modle' was unexpected"),
        ("models:upload", {"model": {**GOOD, "labels": {"Big": "x"}}}, "Invalid label"),
        ("endpoints", {"labels": {}}, "'displayName' is a required property"),
        ("endpoints?endpointID=x", {"displayName": "e"}, "unknown query parameter"),
        ("schedules", {"displayName": "s"}, "'maxConcurrentRunCount'|required"),
        ("endpoints/1:deployModel", {"deployedModel": {"model": "m", "dedicatedResources": {"minReplicaCount": "1"}}},
         "is not of type 'integer'"),
    ],
)  # fmt: skip
def test_a_request_that_google_does_not_take_is_refused(base: str, path: str, body: Any, told: str) -> None:
    code, answer, _ = post(f"{base}/v1/{PARENT}/{path}", body)
    assert code == 400, answer
    assert answer["error"]["status"] == "INVALID_ARGUMENT"
    assert any(one in answer["error"]["message"] for one in told.split("|")), answer


def test_a_call_that_the_document_does_not_have_is_not_found(base: str) -> None:
    assert post(f"{base}/v1/{PARENT}/endpoint", {"displayName": "e"})[0] == 404
    assert post(f"{base}/v1/{PARENT}/endpoints/1:deploy", {})[0] == 404


def test_an_answer_that_google_could_not_give_is_a_lie(vertex: Vertex, base: str) -> None:
    @vertex.double.on(f"{API}endpoints.list")
    def lying(call: Call) -> dict[str, Any]:
        return {"endpoints": [{"nmae": "x"}]}

    with pytest.raises(GoogleError, match=r"DOUBLE LIES in .*'nmae' was unexpected"):
        vertex.double.answer("GET", f"/v1/{PARENT}/endpoints", {}, None)


def test_a_message_inside_an_answer_is_checked_by_its_type(vertex: Vertex, base: str) -> None:
    @vertex.double.on(f"{API}operations.get")
    def lying(call: Call) -> dict[str, Any]:
        kind = "type.googleapis.com/google.cloud.aiplatform.v1.Endpoint"
        return {"name": "o", "done": True, "response": {"@type": kind, "naem": "x"}}

    with pytest.raises(GoogleError, match="DOUBLE LIES"):
        vertex.double.answer("GET", f"/v1/{PARENT}/operations/1", {}, None)


def test_faults_come_when_asked_as_often_as_asked_and_after_as_many_calls(vertex: Vertex, base: str) -> None:
    url, faults = f"{base}/v1/{PARENT}/endpoints", vertex.double.faults
    faults.too_many(f"{API}endpoints.create", retry_after=7, after=1)
    faults.refused(f"{API}endpoints.create", "aiplatform.endpoints.create", times=2, after=0)
    assert post(url, {"displayName": "a"})[0] == 200, "the first fault lets one call through"
    code, answer, headers = post(url, {"displayName": "b"})
    assert (code, headers["Retry-After"], answer["error"]["status"]) == (429, "7", "RESOURCE_EXHAUSTED")
    code, answer, _ = post(url, {"displayName": "c"})
    assert (code, answer["error"]["details"][0]["reason"]) == (403, "IAM_PERMISSION_DENIED")


def test_a_reset_does_nothing_and_a_lost_reply_has_done_it(vertex: Vertex, base: str) -> None:
    url = f"{base}/v1/{PARENT}/endpoints"
    vertex.double.faults.reset(f"{API}endpoints.create")
    with pytest.raises(ConnectionResetError):
        post(url, {"displayName": "a"})
    assert vertex.endpoints.endpoints == {}
    vertex.double.faults.lose_reply(f"{API}endpoints.create")
    with pytest.raises(ConnectionResetError):
        post(url, {"displayName": "a"})
    assert len(vertex.endpoints.endpoints) == 1


PROGRAM = """
import sys
from google.auth.credentials import AnonymousCredentials
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import aiplatform_v1 as ai
options = dict(credentials=AnonymousCredentials(), client_options={"api_endpoint": sys.argv[1]})
models, endpoints = ai.ModelServiceClient(**options), ai.EndpointServiceClient(**options)
parent = sys.argv[2]
model = ai.Model(display_name="m", artifact_uri="gs://b/m", container_spec=ai.ModelContainerSpec(image_uri="x"))
uploaded = models.upload_model(parent=parent, model=model).result(timeout=30)
endpoint = endpoints.create_endpoint(parent=parent, endpoint=ai.Endpoint(display_name="e")).result(timeout=30)
machine = ai.DedicatedResources(machine_spec=ai.MachineSpec(machine_type="n1-standard-2"), min_replica_count=1)
deployed = ai.DeployedModel(model=uploaded.model, dedicated_resources=machine)
endpoints.deploy_model(endpoint=endpoint.name, deployed_model=deployed, traffic_split={"0": 100}).result(timeout=30)
print(list(endpoints.get_endpoint(name=endpoint.name).traffic_split.values()))
for _ in range(4):
    try:
        endpoints.get_endpoint(name=endpoint.name)
    except GoogleAPICallError as problem:
        print(type(problem).__name__)
"""


def test_unmodified_clients_talk_grpc_with_tls_and_meet_the_same_faults(vertex: Vertex, tmp_path: Path) -> None:
    get = f"{API}endpoints.get"
    vertex.double.faults.refused(get, after=1)
    vertex.double.faults.too_many(get)
    vertex.double.faults.broken(get)
    vertex.double.faults.reset(get)
    with serving_grpc(vertex_front(vertex.double), tmp_path) as served:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, served.address, PARENT],
            env={**os.environ, **served.environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split()
    assert said == ["[100]", "PermissionDenied", "ResourceExhausted", "InternalServerError", "ServiceUnavailable"]


def test_lists_are_filtered_and_come_in_pages(vertex: Vertex, base: str) -> None:
    for number in range(5):
        post(f"{base}/v1/{PARENT}/endpoints", {"displayName": "e", "labels": {"odd": str(number % 2)}})

    def page(**query: str) -> dict[str, Any]:
        return vertex.double.answer("GET", f"/v1/{PARENT}/endpoints", query, None)

    assert len(page(filter='labels.odd="1"')["endpoints"]) == 2
    assert len(page(filter='labels.odd="0" AND display_name="e"', pageSize="2")["endpoints"]) == 2
    assert page(filter='labels.odd="0"', pageSize="2")["nextPageToken"] == "2"
    with pytest.raises(GoogleError, match="Invalid filter"):
        page(filter="labels.odd or so")
