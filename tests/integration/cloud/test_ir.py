"""Compiled pipelines against KFP's own schema and SDK: every field is known, and the SDK reads them as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud.aiplatform_v1.types import AcceleratorType
from google.protobuf import json_format
from kfp import components
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from mlopsctl.config.load import load_project
from mlopsctl.orchestrators.portability.machines import ACCELERATORS
from tests.conftest import CHECKOUT
from tests.unit.orchestrators.ir.compiled import elsewhere, emitted

pytestmark = pytest.mark.integration

OWN = CHECKOUT / "tests" / "golden" / "ir" / "projects" / "orders"


def everything() -> Iterator[tuple[str, bytes]]:
    yield "orders.kfp", emitted(load_project(OWN, "prod"))
    yield "orders.vertex", emitted(load_project(OWN, "cloud"))
    for example in ("penguins", "flights"):
        for engine in ("kfp", "vertex"):
            loaded = elsewhere(load_project(CHECKOUT / "examples" / example), engine)
            yield f"{example}.{engine}", emitted(loaded)


COMPILED = dict(everything())


@pytest.mark.parametrize("name", COMPILED)
def test_every_field_is_one_of_kfps_schema(name: str) -> None:
    spec, *platform = yaml.safe_load_all(COMPILED[name])
    message = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    deployment = json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    assert {component.executor_label for component in message.components.values()} - {""} == set(deployment.executors)
    for document in platform:
        json_format.ParseDict(document, pipeline_spec_pb2.PlatformSpec())
        executors = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        for config in executors.values():
            json_format.ParseDict(config, kubernetes_executor_config_pb2.KubernetesExecutorConfig())


@pytest.mark.parametrize("name", COMPILED)
def test_nothing_is_lost_in_the_message(name: str) -> None:
    spec = next(yaml.safe_load_all(COMPILED[name]))
    message = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    again = json_format.MessageToDict(message)
    assert without_defaults(again) == without_defaults(spec)


@pytest.mark.parametrize("name", COMPILED)
def test_the_sdk_loads_it_with_its_parameters(name: str, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(COMPILED[name])
    spec = next(yaml.safe_load_all(COMPILED[name]))
    loaded = components.load_component_from_file(str(file))
    assert loaded.name == spec["pipelineInfo"]["name"]
    assert set(loaded.component_spec.inputs) == set(spec["root"]["inputDefinitions"]["parameters"])
    assert all(one.optional for one in loaded.component_spec.inputs.values())


def test_vertex_has_the_accelerators_that_we_know() -> None:
    assert {name for name in AcceleratorType.__members__ if name.startswith("NVIDIA_")} == set(ACCELERATORS)


def without_defaults(value: Any) -> Any:
    """JSON without what a message does not say: values that are the field's default, and empty parts."""
    if isinstance(value, dict):
        kept = {key: without_defaults(item) for key, item in value.items() if key != "defaultValue"}
        return {key: item for key, item in kept.items() if item not in (False, {}, [], "")}
    if isinstance(value, list):
        return [without_defaults(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else json.loads(json.dumps(value))
