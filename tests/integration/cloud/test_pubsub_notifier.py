"""The Pub/Sub notifier: the vendor's unmodified client against a double made from the vendor's contract."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.cloud.pubsub_v1", reason="google-cloud-pubsub is not installed here")

import grpc

from mlopsctl.ground.errors import StepProblem
from mlopsctl.notifiers import PubSubNotifier
from mlopsctl.notifiers import pubsub as notifier_module
from mlopsctl.notifiers.events import Happening
from mlopsctl.notifiers.tell import tell
from tests.doubles.google import Answer, Call, GoogleDouble, GoogleError
from tests.doubles.google_grpc import GrpcFront

TOPIC = "projects/acme/topics/models"
FAILED = Happening("gate_failed", "demo", "prod", "2026-01-02T03:04:05+00:00", "run-1", "gate", "floor", "fail", "0.5")


@dataclass
class Topics:
    double: GoogleDouble
    known: set[str] = field(default_factory=lambda: {TOPIC})
    messages: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Iterator[Topics]:
    double = GoogleDouble("pubsub.v1")
    topics = Topics(double)

    @double.on("pubsub.projects.topics.publish")
    def publish(call: Call) -> Answer:
        if call.path["topic"] not in topics.known:
            raise GoogleError(404, "Resource not found (resource=models).")
        topics.messages += call.body["messages"]
        return {"messageIds": [str(next(double.ids)) for _ in call.body["messages"]]}

    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((GrpcFront(double).add("google.pubsub_v1.services.publisher", "Publisher"),))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    try:
        yield topics
    finally:
        server.stop(grace=0).wait()


def test_the_payload_is_published_with_attributes_to_filter_by(topics: Topics, tmp_path: Path) -> None:
    assert tell([PubSubNotifier(kind="pubsub", topic=TOPIC)], [FAILED], tmp_path) == ()
    (message,) = topics.messages
    assert json.loads(base64.b64decode(message["data"])) == dict(FAILED.payload())
    assert message["attributes"] == {"event": "gate_failed", "project": "demo", "environment": "prod"}


def test_a_topic_that_is_not_there_is_named(topics: Topics, tmp_path: Path) -> None:
    topics.known.clear()
    with pytest.raises(StepProblem, match=f"publishing to {TOPIC} .* failed: 404") as caught:
        PubSubNotifier(kind="pubsub", topic=TOPIC).send(FAILED, tmp_path)
    assert "roles/pubsub.publisher" in caught.value.diagnostics[0].hint


def test_nobody_answering_ends_after_a_while(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    monkeypatch.setattr(notifier_module, "_SECONDS", 1.0)
    with pytest.raises(StepProblem, match="publishing to"):
        PubSubNotifier(kind="pubsub", topic=TOPIC).send(FAILED, tmp_path)
