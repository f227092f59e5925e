"""A pipeline of two steps, Vertex AI and Cloud Storage in memory, and the engine between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mlopsctl.orchestrators.contract import Bundle, Schedule, Wanted
from mlopsctl.orchestrators.specs.vertex import Vertex
from mlopsctl.orchestrators.vertex.engine import VertexEngine
from tests.doubles.gcs import CloudStorage
from tests.doubles.google import serving
from tests.doubles.vertex_pipelines import Pipelines

LOCATION = "projects/p/locations/europe-west4"
RUN = "20261121T203000-abc123"
NIGHTLY = Schedule("churn-prod-1", "0 3 * * 1-5", "Europe/Berlin")


def bundle(marker: str = "one") -> Bundle:
    """A compiled pipeline; ``marker`` makes another one."""
    steps = {"ingest-sales": "ingest_sales", "train": "train"}
    tasks: dict[str, Any] = {
        task: {
            "taskInfo": {"name": task},
            "componentRef": {"name": f"comp-{task}"},
            **({"dependentTasks": ["ingest-sales"]} if task == "train" else {}),
        }
        for task in steps
    }
    executors = {
        f"exec-{task}": {
            "container": {
                "image": "example.com/image@sha256:" + "0" * 64,
                "command": ["python3", "-P", "-m", "mlopsctl.step.container"],
                "args": ["--step", json.dumps({"step": {"id": id}, "marker": marker}), "--job", "x"],
                "resources": {"cpuLimit": 2.0, "memoryLimit": 8.5},
            }
        }
        for task, id in steps.items()
    }
    components: dict[str, Any] = {f"comp-{task}": {"executorLabel": f"exec-{task}"} for task in steps}
    components["comp-mlopsctl-steps"] = {"dag": {"tasks": tasks}}
    declared = {
        "mlopsctl_run": {"parameterType": "STRING", "defaultValue": "", "isOptional": True},
        "mlopsctl_pinned": {"parameterType": "STRING", "defaultValue": "", "isOptional": True},
        "rounds": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3, "isOptional": True},
    }
    spec = {
        "pipelineInfo": {"name": "churn-prod"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "mlopsctl",
        "root": {
            "dag": {
                "tasks": {
                    "mlopsctl-steps": {
                        "taskInfo": {"name": "mlopsctl-steps"},
                        "componentRef": {"name": "comp-mlopsctl-steps"},
                    }
                }
            },
            "inputDefinitions": {"parameters": declared},
        },
        "components": components,
        "deploymentSpec": {"executors": executors},
    }
    return Bundle({"pipeline.yaml": json.dumps(spec).encode()}, "pipeline.yaml")


def wanted(*schedules: Schedule, marker: str = "one", **parameters: Any) -> Wanted:
    """What should stand there; every schedule starts the bundle."""
    compiled = bundle(marker)
    return Wanted(
        name="churn-prod",
        project="churn",
        environment="prod",
        bundle=compiled,
        schedules=tuple(replace(one, version=compiled.digest) for one in schedules),
        parameters={"rounds": 3, **parameters},
    )


@dataclass
class Case:
    """The services, and how long the engine waited between its tries, in seconds."""

    pipelines: Pipelines
    cloud: CloudStorage
    url: str
    waited: list[float] = field(default_factory=list)

    def engine(self, **settings: Any) -> VertexEngine:
        """A new engine, as each command has one."""
        given: Mapping[str, Any] = {
            "kind": "vertex",
            "project": "p",
            "location": "europe-west4",
            "api_endpoint": self.url,
            "pipeline_root": "gs://b/root",
            "service_account": "runs@p.iam.gserviceaccount.com",
            **settings,
        }
        return VertexEngine(Vertex(**given), self.waited.append)

    def writes(self) -> list[str]:
        """The calls so far that could change something, of both services."""
        storage = [one for one in self.cloud.requests if not one.startswith("GET ")]
        return [*self.pipelines.double.made(writes=True), *storage]

    def forget(self) -> None:
        """Begin to record anew."""
        self.pipelines.double.calls.clear()
        self.cloud.requests.clear()
        self.waited.clear()


@contextmanager
def case() -> Iterator[Case]:
    """Both services, empty."""
    pipelines = Pipelines()
    with CloudStorage(["b"]) as cloud, serving(pipelines.double) as url:
        yield Case(pipelines, cloud, url)
