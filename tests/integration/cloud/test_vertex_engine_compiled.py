"""What is compiled for Vertex AI is what Vertex AI takes: a whole project, from its file to the states of its steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.components import load_component_from_text
from kfp.pipeline_spec import pipeline_spec_pb2

from mlopsctl.config.load import load_project
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.contract import RunState, Schedule, Wanted
from mlopsctl.orchestrators.specs.vertex import LAUNCHER
from mlopsctl.orchestrators.vertex.compile import compile_vertex
from tests.doubles.vertex_pipelines_case import RUN, Case, case

pytestmark = pytest.mark.integration

IMAGE = "example.com/image@sha256:" + "0" * 64
PROJECT = """
version: 1
name: daily_sales
parameters: {{rounds: 3, share: 0.5, fast: false, note: "a note"}}
data:
  sales:
    source: {{kind: csv, uri: gs://b/sales.csv}}
    label: sold
    split: {{kind: hash, train: 0.6, validation: 0.2, test: 0.2}}
training:
  task: classification
  targets:
    tree: {{kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {{max_depth: 3}}}}
    linear: {{kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}}
evaluation: {{split: test, metrics: [accuracy]}}
stores: {{artifacts: gs://b/artifacts, tracking: https://mlflow.example.com}}
orchestrator:
  kind: vertex
  project: p
  location: europe-west4
  pipeline_root: gs://b/root
  image: {image}
{more}
"""


@pytest.fixture
def there() -> Iterator[Case]:
    with case() as found:
        yield found


def compiled(folder: Path, more: str = "") -> Wanted:
    """The project in a folder, compiled; ``more`` stands under its orchestrator."""
    (folder / "mlops.yaml").write_text(PROJECT.format(image=IMAGE, more=more))
    loaded = load_project(folder)
    bundle = compile_vertex(loaded, lower(loaded))
    nightly = Schedule("daily_sales", "0 3 * * *", version=bundle.digest)
    return Wanted("daily_sales", "daily_sales", "default", bundle, (nightly,), loaded.project.parameters)


def spec_of(wanted: Wanted) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(wanted.bundle.files[wanted.bundle.main])
    return found


def test_the_service_takes_the_pipeline_as_a_job_and_under_a_schedule(there: Case, tmp_path: Path) -> None:
    wanted = compiled(tmp_path)
    engine = there.engine()
    engine.deploy(wanted)
    assert engine.look(wanted).schedules == wanted.schedules
    assert engine.deploy(wanted) == ()
    id = engine.start(wanted, RUN, {"mlopsctl_run": RUN, "mlopsctl_pinned": "{}", "share": 1})
    assert there.pipelines.job(id)["runtimeConfig"]["parameterValues"] == {
        **{"mlopsctl_run": RUN, "mlopsctl_pinned": "{}"},
        **{"rounds": 3, "share": 1, "fast": False, "note": "a note"},
    }


def test_every_step_of_the_project_is_told(there: Case, tmp_path: Path) -> None:
    wanted = compiled(tmp_path, "  machines: {train-tree: {machine_type: n2-standard-8}}")
    steps = [step.id for step in lower(load_project(tmp_path)).pipeline.steps]
    engine = there.engine()
    id = engine.start(wanted, RUN, {})
    job = there.pipelines.job(id)
    for task in spec_of(wanted)["components"]["comp-mlopsctl-steps"]["dag"]["tasks"]:
        there.pipelines.task(job, task, "SUCCEEDED", parent="mlopsctl-steps")
    there.pipelines.task(job, "mlopsctl-end", "RUNNING")
    assert engine.follow(id).tasks == dict.fromkeys(steps, RunState.SUCCESS)


def test_steps_on_spot_machines_are_custom_jobs(tmp_path: Path) -> None:
    more = """
  service_account: runs@p.iam.gserviceaccount.com
  network: projects/1/global/networks/n
  encryption_key: projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k
  labels: {team: growth}
  machines:
    train-tree: {machine_type: a2-highgpu-1g, accelerator: NVIDIA_TESLA_A100, spot: true, disk_size: 200}
"""
    plain, spec = spec_of(compiled(tmp_path)), spec_of(compiled(tmp_path, more))
    container = spec["deploymentSpec"]["executors"]["exec-train-tree"]["container"]
    assert container["image"] == LAUNCHER
    told = dict(zip(container["args"][::2], container["args"][1::2], strict=True))
    assert told["--type"] == "CustomJob"
    assert told["--gcp_resources"] == "{{$.outputs.parameters['gcp_resources'].output_file}}"
    before = plain["deploymentSpec"]["executors"]["exec-train-tree"]["container"]
    assert json.loads(told["--payload"]) == {
        "display_name": "train-tree",
        "labels": {"team": "growth"},
        "encryption_spec": {"kms_key_name": "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"},
        "job_spec": {
            "service_account": "runs@p.iam.gserviceaccount.com",
            "network": "projects/1/global/networks/n",
            "reserved_ip_ranges": [],
            "scheduling": {"strategy": "SPOT"},
            "worker_pool_specs": [
                {
                    "replica_count": 1,
                    "machine_spec": {
                        "machine_type": "a2-highgpu-1g",
                        "accelerator_type": "NVIDIA_TESLA_A100",
                        "accelerator_count": 1,
                    },
                    "disk_spec": {"boot_disk_type": "pd-ssd", "boot_disk_size_gb": 200},
                    "container_spec": {
                        "image_uri": IMAGE,
                        "command": before["command"],
                        "args": ["{{$.json_escape[1]}}" if word == "{{$}}" else word for word in before["args"]],
                    },
                }
            ],
        },
    }
    assert spec["components"]["comp-train-tree"]["outputDefinitions"]["parameters"] == {
        "gcp_resources": {"parameterType": "STRING"}
    }
    others = plain["deploymentSpec"]["executors"].keys() - {"exec-train-tree"}
    for label in others:
        assert spec["deploymentSpec"]["executors"][label] == plain["deploymentSpec"]["executors"][label]


@pytest.mark.parametrize("more", ["  machine_type: n2-standard-8\n  spot: true", "  machine_type: m3-ultramem-32"])
def test_every_step_is_a_custom_job_where_all_have_such_a_machine(tmp_path: Path, more: str) -> None:
    executors = spec_of(compiled(tmp_path, more))["deploymentSpec"]["executors"]
    images = {label: one["container"]["image"] for label, one in executors.items()}
    assert images.pop("exec-mlopsctl-end") == IMAGE
    images.pop("exec-mlopsctl-begin", None)
    assert set(images.values()) == {LAUNCHER}


def test_a_machine_that_cores_and_memory_describe_needs_no_custom_job(tmp_path: Path) -> None:
    executors = spec_of(compiled(tmp_path, "  machine_type: n2-standard-8"))["deploymentSpec"]["executors"]
    resources = executors["exec-train-tree"]["container"]["resources"]
    assert (resources["cpuLimit"], resources["memoryLimit"]) == (8.0, 34.359738368)
    assert executors["exec-train-tree"]["container"]["image"] == IMAGE


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("  spot: true", "needs a machine by name"),
        ("  machines: {train-treee: {machine_type: n2-standard-8}}", "the pipeline has no step train-treee"),
    ],
)
def test_machines_that_no_step_can_have_are_refused_at_their_line(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(InvalidProject, match=said) as problem:
        compiled(tmp_path, more)
    (found,) = problem.value.diagnostics
    assert found.span is not None
    assert found.span.line == PROJECT.splitlines().index("{more}") + 1


@pytest.mark.parametrize("more", ["", "  machines: {train-tree: {machine_type: n2-standard-8, spot: true}}"])
def test_kfp_reads_the_pipeline_too(tmp_path: Path, more: str) -> None:
    wanted = compiled(tmp_path, more)
    spec = json_format.ParseDict(spec_of(wanted), pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(json_format.MessageToDict(spec.deployment_spec), pipeline_spec_pb2.PipelineDeploymentConfig())
    assert load_component_from_text(wanted.bundle.files[wanted.bundle.main].decode()).name == spec.pipeline_info.name
