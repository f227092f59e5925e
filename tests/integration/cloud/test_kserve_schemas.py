"""The manifests for KServe against schemas of others: Kubernetes' own, and KServe's models where installed.

The schema that the stand-in cluster uses is hand-written; this says that it is not laxer than the real ones.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
import yaml

pytest.importorskip("kubernetes_validate", reason="the environment of the cloud tests is needed")

import kubernetes_validate

from mlopsctl.servers.kserve import KServeServer
from mlopsctl.servers.kserve_manifest import Wanted, manifest, owner

IMAGE = "europe-docker.pkg.dev/acme/models/steps@sha256:" + "1" * 64
IMAGES: list[dict[str, Any]] = [{}, {"image": IMAGE}, {"image": IMAGE, "command": ()}]
SCALES: list[dict[str, Any]] = [
    {},
    {"cpu": "500m", "memory": "2Gi", "max_replicas": 4, "min_replicas": 0, "service_account": "reader"},
]
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
ALL = [
    yaml.safe_load(manifest(KServeServer(**image, **scale), owner("birds", "prod"), "birds", "gs://models/served", one))
    for image, scale, one in itertools.product(IMAGES, SCALES, (Wanted(A), Wanted(A, B, 10)))
]


@pytest.mark.parametrize("found", [one for one in ALL if "containers" in one["spec"]["predictor"]])
def test_the_container_is_what_kubernetes_takes(found: dict[str, Any]) -> None:
    predictor = found["spec"]["predictor"]
    account = {"serviceAccountName": predictor["serviceAccountName"]} if "serviceAccountName" in predictor else {}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {key: found["metadata"][key] for key in ("name", "namespace", "labels", "annotations")},
        "spec": {"containers": predictor["containers"], **account},
    }
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("found", ALL)
def test_every_key_is_one_of_kserves(found: dict[str, Any]) -> None:
    models = pytest.importorskip("kserve.models", reason="kserve is not installed: pip install kserve")
    client = pytest.importorskip("kubernetes.client")
    _check(found, "V1beta1InferenceService", (models, client), "$")


def _check(value: Any, kind: str, modules: tuple[Any, ...], path: str) -> None:
    if inner := re.fullmatch(r"[lL]ist\[(.*)\]", kind):
        for number, one in enumerate(value):
            _check(one, inner[1], modules, f"{path}[{number}]")
        return
    if inner := re.fullmatch(r"[dD]ict[\[(]str, (.*)[\])]", kind):
        for key, one in value.items():
            _check(one, inner[1], modules, f"{path}.{key}")
        return
    plain = {"str": str, "int": int, "bool": bool, "object": object, "ResourceQuantity": object}
    if kind in plain:
        assert isinstance(value, plain[kind]), path
        return
    model = next(getattr(module, kind) for module in modules if hasattr(module, kind))
    names = {written: name for name, written in model.attribute_map.items()}
    for key, one in value.items():
        assert key in names, f"{path}.{key} is no key of {kind}"
        _check(one, model.openapi_types[names[key]], modules, f"{path}.{key}")
    model(**{names[key]: one for key, one in value.items()})  # what is required and missing raises
