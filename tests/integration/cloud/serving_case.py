"""What the tests of servers elsewhere share: models, places, and a Vertex AI that serves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlopsctl.servers.asking import Expected
from mlopsctl.servers.contract import Model, Place, ServerStatus
from mlopsctl.servers.rollout import Steps, roll_out
from mlopsctl.servers.vertex import VertexServer
from mlopsctl.servers.vertex_names import labelled_digest
from mlopsctl.servers.vertex_serving import VertexServing
from tests.doubles.gcs import CloudStorage
from tests.doubles.google import GoogleDouble, serving
from tests.doubles.vertex import Vertex

BUCKET = "models"
IMAGE = "europe-docker.pkg.dev/acme/models/steps@sha256:" + "1" * 64
CANARY = Steps((10, 50, 100), 600.0)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


@dataclass
class Case:
    """A Vertex AI, a bucket, and a project that serves there."""

    vertex: Vertex
    cloud: CloudStorage
    base: str
    folder: Path
    waited: list[float] = field(default_factory=list)
    answers: dict[str, float] = field(default_factory=dict)
    samples: int = 3

    @property
    def double(self) -> GoogleDouble:
        return self.vertex.double

    def model(self, number: int) -> Model:
        """A small model folder."""
        folder = self.folder / f"model-{number}"
        folder.mkdir(exist_ok=True)
        (folder / "MLmodel").write_text(f"model {number}\n")
        return Model(digest(number), str(number), lambda: folder)

    def place(self, **changes: Any) -> Place:
        asked = {
            "project": "birds",
            "environment": "prod",
            "home": self.folder / "serve",
            "bundle": self.folder / "deploy" / "prod",
            "storage": f"gs://{BUCKET}/served",
            "image": IMAGE,
            "samples": self.samples,
            "tolerance": 1e-6,
            "unchanged": lambda: None,
            "pause": lambda seconds: None,
        }
        return Place(**{**asked, **changes})

    def server(self, **changes: Any) -> VertexServing:
        settings = {"project": "acme", "location": "europe-west4", "api_endpoint": self.base, **changes}
        return VertexServing(VertexServer(**settings), self.place(), expected)

    def release(self, number: int, steps: Steps = CANARY, **changes: Any) -> ServerStatus:
        return roll_out(self.server(**changes), self.model(number), steps, checked=True, wait=self.waited.append)

    @property
    def endpoint(self) -> dict[str, Any]:
        """The only endpoint."""
        (found,) = self.vertex.endpoints.endpoints.values()
        return found

    def traffic(self) -> dict[str, int]:
        """Percent by model digest, from what the service holds."""
        found: dict[str, int] = {}
        for one in self.endpoint.get("deployedModels", []):
            labels = self.vertex.models.version(f"{one['model']}@{one['modelVersionId']}")["labels"]
            share = self.endpoint["trafficSplit"].get(one["id"], 0)
            found[labelled_digest(labels)] = share
        return found

    def versions(self) -> list[str]:
        """The digests of all uploaded versions, in order."""
        return [labelled_digest(one["labels"]) for many in self.vertex.models.versions.values() for one in many]

    def writes(self) -> list[str]:
        """What was asked of the service that could change something."""
        return [name.rpartition("locations.")[2] for name in self.vertex.double.made(writes=True)]


def expected(model: Path, log: Path) -> Sequence[Expected]:
    """What a model of these tests answers: its number."""
    number = float(model.name.rpartition("-")[2])
    return (Expected({"bill": 1.5, "island": None}, {"prediction": number}),)


@contextmanager
def a_case(folder: Path, *, polls: int = 1) -> Iterator[Case]:
    """Everything running; a deployed model answers with its number, unless ``answers`` says otherwise."""
    vertex = Vertex(polls=polls)
    with CloudStorage([BUCKET]) as cloud, serving(vertex.double) as base:
        case = Case(vertex, cloud, base, folder)
        vertex.endpoints.predictor = _predictor(case)
        yield case


def _predictor(case: Case) -> Callable[[Any, list[Any]], list[Any]]:
    def predict(model: Any, instances: list[Any]) -> list[Any]:
        found = labelled_digest(model["labels"])
        assert instances == [{"bill": 1.5, "island": None}]
        return [{"prediction": case.answers.get(found, float(int(found[7:], 16)))}]

    return predict
