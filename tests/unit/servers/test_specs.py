"""What users write under ``deployment.server``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mlopsctl.ground.model import Spec
from mlopsctl.servers import KServeServer, MLflowServer, Server, VertexServer

SERVER: TypeAdapter[Any] = TypeAdapter(Server)


def test_the_mlflow_server_needs_nothing_else() -> None:
    server = SERVER.validate_python({"kind": "mlflow"})
    assert isinstance(server, MLflowServer)
    assert (server.port, server.startup_timeout, server.not_yet) == (0, 120.0, "")


def test_a_startup_timeout_is_a_duration() -> None:
    assert SERVER.validate_python({"kind": "mlflow", "startup_timeout": "90s"}).startup_timeout == 90.0


IMAGE = "europe-docker.pkg.dev/acme/models/steps@sha256:" + "0" * 64


@pytest.mark.parametrize(
    "server",
    [
        {"kind": "kserve", "namespace": "models", "storage": "s3://models/served", "memory": "2Gi"},
        {"kind": "kserve", "image": IMAGE, "command": [], "context": "arn:aws:eks:eu-west-1:123:cluster/models"},
        {"kind": "vertex", "project": "acme", "location": "europe-west1"},
        {"kind": "vertex", "project": "acme", "location": "europe-west1", "image": IMAGE, "keep_previous": False},
    ],
)
def test_every_server_can_be_executed(server: dict[str, object]) -> None:
    assert SERVER.validate_json(json.dumps(server)).not_yet == ""


def test_settings_that_were_written_down_are_read_back_as_they_were() -> None:
    written = {"kind": "vertex", "project": "acme", "location": "europe-west1", "image": IMAGE, "command": ["serve"]}
    server = SERVER.validate_json(json.dumps({**written, "startup_timeout": "20m"}))
    assert SERVER.validate_json(SERVER.dump_json(server)) == server


@pytest.mark.parametrize(
    "server",
    [
        {"kind": "mlflow", "port": 65_536},
        {"kind": "mlflow", "port": -1},
        {"kind": "mlflow", "host": "0.0.0.0"},
        {"kind": "mlflow", "startup_timeout": "0s"},
        {"kind": "kserve", "namespace": "Not_A_Namespace"},
        {"kind": "kserve", "canary": 10},
        {"kind": "kserve", "min_replicas": 3, "max_replicas": 2},
        {"kind": "kserve", "command": ["serve"]},
        {"kind": "kserve", "storage": "file:///models"},
        {"kind": "kserve", "context": "--kubeconfig=/etc/passwd"},
        {"kind": "vertex", "project": "acme", "location": "europe-west1", "image": "python:3.12"},
        {"kind": "vertex", "project": "acme", "location": "europe-west1", "storage": "s3://models"},
        {"kind": "vertex", "project": "acme", "location": "europe-west1", "api_endpoint": "https://evil.example"},
        {"kind": "vertex", "project": "acme", "location": "europe-west1", "accelerator_count": 1},
        {"kind": "vertex", "project": "acme", "location": "europe-west1", "min_replicas": 3},
        {"kind": "vertex", "location": "europe-west1"},
        {"kind": "seldon"},
    ],
)
def test_a_server_that_cannot_be_is_refused(server: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SERVER.validate_python(server)


@pytest.mark.parametrize("kind", [MLflowServer, KServeServer, VertexServer])
def test_every_key_is_described_for_the_editor(kind: type[Spec]) -> None:
    for name, field in kind.model_fields.items():
        assert field.title, name
        assert field.description, name
