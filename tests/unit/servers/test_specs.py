"""What users write under ``deployment.server``."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    "server",
    [
        {"kind": "kserve", "namespace": "models", "canary": 10, "memory": "2Gi"},
        {"kind": "vertex", "project": "acme", "location": "europe-west1"},
    ],
)
def test_a_server_that_is_not_executed_yet_says_so(server: dict[str, object]) -> None:
    assert SERVER.validate_python(server).not_yet


@pytest.mark.parametrize(
    "server",
    [
        {"kind": "mlflow", "port": 65_536},
        {"kind": "mlflow", "port": -1},
        {"kind": "mlflow", "host": "0.0.0.0"},
        {"kind": "mlflow", "startup_timeout": "0s"},
        {"kind": "kserve", "namespace": "Not_A_Namespace"},
        {"kind": "kserve", "canary": 101},
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
