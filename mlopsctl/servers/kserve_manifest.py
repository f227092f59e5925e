"""The manifest of an InferenceService: the same bytes for the same model and settings, on every machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from mlopsctl.ground.digest import Json
from mlopsctl.servers.container import COMMAND, MODEL_VARIABLE, PORT
from mlopsctl.servers.kserve import KServeServer
from mlopsctl.servers.publish import digest_of, published

API, KIND, RESOURCE = "serving.kserve.io/v1beta1", "InferenceService", "inferenceservices.serving.kserve.io"
DIGEST, PREVIOUS = "mlopsctl/digest", "mlopsctl/previous-digest"
_PROJECT, _ENVIRONMENT = "mlopsctl/project", "mlopsctl/environment"
_MANAGER = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a service is to serve.

    Attributes:
        digest: of the model; ``previous`` of the one that served before it, which keeps the rest of the traffic.
        percent: of the traffic for the model.
    """

    digest: str
    previous: str = ""
    percent: int = 100


def manifest(settings: KServeServer, owner: Mapping[str, str], name: str, storage: str, wanted: Wanted) -> str:
    """The manifest as YAML."""
    annotations = {DIGEST: wanted.digest, **({PREVIOUS: wanted.previous} if wanted.previous else {})}
    document: Json = {
        "apiVersion": API,
        "kind": KIND,
        "metadata": {
            "name": name,
            "namespace": settings.namespace,
            "labels": dict(owner),
            "annotations": annotations,
        },
        "spec": {"predictor": _predictor(settings, storage, wanted)},
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=4096)


def owner(project: str, environment: str) -> dict[str, str]:
    """The labels that say whose a service is."""
    return {_MANAGER: "mlopsctl", _PROJECT: project, _ENVIRONMENT: environment}


def owned(labels: Mapping[str, Json], project: str, environment: str) -> bool:
    """Whether labels are this project's in this environment."""
    return all(labels.get(key) == value for key, value in owner(project, environment).items())


def model_of(service: Mapping[str, Json]) -> str:
    """The digest of the model that a service's specification names; empty when it is none of ours.

    What it is annotated with counts only where the storage is that of the same model.
    """
    annotated = _mapping(_mapping(service.get("metadata")).get("annotations")).get(DIGEST)
    predictor = _mapping(_mapping(service.get("spec")).get("predictor"))
    storage = _mapping(predictor.get("model")).get("storageUri")
    containers = predictor.get("containers")
    if isinstance(containers, list) and containers:
        variables = _mapping(containers[0]).get("env")
        named = [_mapping(one) for one in variables] if isinstance(variables, list) else []
        storage = next((one.get("value") for one in named if one.get("name") == "STORAGE_URI"), None)
    found = digest_of(storage) if isinstance(storage, str) else ""
    return found if found and found == annotated else ""


def previous_of(service: Mapping[str, Json]) -> str:
    """The digest of the model that a service served before; empty when it is not annotated."""
    found = _mapping(_mapping(service.get("metadata")).get("annotations")).get(PREVIOUS)
    return found if isinstance(found, str) else ""


def _predictor(settings: KServeServer, storage: str, wanted: Wanted) -> dict[str, Json]:
    uri = published(storage, wanted.digest)
    found: dict[str, Json] = {}
    if wanted.percent < 100:
        found["canaryTrafficPercent"] = wanted.percent
    found["minReplicas"] = settings.min_replicas
    if settings.max_replicas is not None:
        found["maxReplicas"] = settings.max_replicas
    if settings.service_account is not None:
        found["serviceAccountName"] = settings.service_account
    if settings.image is None:
        model: dict[str, Json] = {"modelFormat": {"name": "mlflow"}, "protocolVersion": "v2", "storageUri": uri}
        found["model"] = {**model, **_resources(settings)}
    else:
        found["containers"] = [_container(settings, settings.image, uri, wanted.digest)]
    return found


def _container(settings: KServeServer, image: str, uri: str, digest: str) -> dict[str, Json]:
    command: tuple[str, ...] = COMMAND if settings.command is None else settings.command
    return {
        "name": "kserve-container",
        "image": image,
        **({"command": list(command)} if command else {}),
        "env": [{"name": "STORAGE_URI", "value": uri}, {"name": MODEL_VARIABLE, "value": digest}],
        "ports": [{"containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/ping", "port": PORT}},
        **_resources(settings),
    }


def _resources(settings: KServeServer) -> dict[str, Json]:
    """The same amounts as request and limit, so that a replica is not moved for what it uses."""
    amounts: dict[str, Json] = {}
    if settings.cpu is not None:
        amounts["cpu"] = f"{math.ceil(settings.cpu * 1000)}m"
    if settings.memory is not None:
        amounts["memory"] = f"{settings.memory // (1 << 20)}Mi"
    return {"resources": {"requests": amounts, "limits": dict(amounts)}} if amounts else {}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
