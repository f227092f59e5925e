"""The manifest of an InferenceService: what KServe's schema takes, the same bytes every time, and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mlopsctl.servers.kserve import KServeServer
from mlopsctl.servers.kserve_manifest import Wanted, manifest, model_of, owned, owner, previous_of
from mlopsctl.servers.kserve_state import Service

SCHEMA = json.loads((Path(__file__).parents[2] / "doubles/inferenceservice.schema.json").read_text())
IMAGE = "europe-docker.pkg.dev/acme/models/steps@sha256:" + "1" * 64
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from(["500m", "2", "0.25"]),
        "memory": st.sampled_from(["512Mi", "4Gi"]),
        "min_replicas": st.integers(0, 3),
        "max_replicas": st.integers(3, 9),
        "service_account": st.just("reader"),
        "namespace": st.sampled_from(["default", "models-1"]),
    },
)
IMAGES = st.sampled_from([{}, {"image": IMAGE}, {"image": IMAGE, "command": ()}, {"image": IMAGE, "command": ("a",)}])


def made(settings: dict[str, Any], wanted: Wanted) -> str:
    return manifest(KServeServer(**settings), owner("birds", "prod"), "birds-prod", "gs://models/served", wanted)


@given(SETTINGS, IMAGES, st.integers(0, 100), st.sampled_from(["", B]))
def test_every_manifest_is_what_kserve_takes(
    settings: dict[str, Any], image: dict[str, Any], percent: int, previous: str
) -> None:
    text = made({**settings, **image}, Wanted(A, previous, percent))
    found = yaml.safe_load(text)
    Draft202012Validator(SCHEMA).validate(found)
    assert made({**settings, **image}, Wanted(A, previous, percent)) == text
    assert (model_of(found), previous_of(found)) == (A, previous)
    assert owned(found["metadata"]["labels"], "birds", "prod")
    assert not owned(found["metadata"]["labels"], "birds", "dev")


@pytest.mark.parametrize("image", [{}, {"image": IMAGE}])
def test_a_storage_that_was_changed_by_hand_is_another_model(image: dict[str, Any]) -> None:
    found = yaml.safe_load(made(image, Wanted(A)).replace(A[7:], B[7:], 2).replace(f"{B}", A, 1))
    assert found["metadata"]["annotations"]["mlopsctl/digest"] == A
    assert model_of(found) == ""


def test_an_unknown_key_is_refused_by_the_schema() -> None:
    found = yaml.safe_load(made({}, Wanted(A)))
    found["spec"]["predictor"]["canaryTraficPercent"] = 10
    assert list(Draft202012Validator(SCHEMA).iter_errors(found))


def test_without_knative_all_of_the_traffic_is_the_models() -> None:
    found = yaml.safe_load(made({}, Wanted(A)))
    found["metadata"]["generation"] = 3
    found["status"] = {"observedGeneration": 3, "conditions": [{"type": "Ready", "status": "True"}]}
    service = Service(found)
    assert (service.ready, service.traffic(), service.percent) == (True, {A: 100}, 100)


def test_a_service_whose_new_specification_was_not_looked_at_is_not_ready() -> None:
    found = yaml.safe_load(made({}, Wanted(A)))
    found["metadata"]["generation"] = 4
    found["status"] = {"observedGeneration": 3, "conditions": [{"type": "Ready", "status": "True"}]}
    assert not Service(found).ready


@pytest.mark.parametrize("status", [{}, {"conditions": "none"}, {"components": {"predictor": {"traffic": [3]}}}])
def test_a_status_of_another_shape_is_not_ready_and_breaks_nothing(status: dict[str, Any]) -> None:
    service = Service({"metadata": {"generation": 1}, "spec": {}, "status": status})
    assert not service.ready
    assert service.model == ""
    service.traffic()
