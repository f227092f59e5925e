"""A project that serves on Vertex AI, by the command line: apply, apply again, roll back, serve elsewhere, destroy.

Behind the endpoint answers MLflow's own scoring server, of the model as the serving container fetches it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.cloud.aiplatform_v1", reason="the environment of the cloud tests is needed")

from mlopsctl.servers.container import MODEL_VARIABLE, found_model, require
from mlopsctl.servers.http import Loopback
from mlopsctl.servers.spawn import ServerProcess
from mlopsctl.servers.state import read_state
from mlopsctl.servers.vertex_names import labelled_digest
from tests.doubles.gcs import CloudStorage
from tests.doubles.google import serving
from tests.doubles.vertex import Vertex
from tests.integration.cli import call
from tests.integration.cloud.test_gcs_project import rows

BUCKET = "penguins-prod"
IMAGE = "europe-docker.pkg.dev/acme/models/steps@sha256:" + "1" * 64
PROJECT = """
version: 1
name: penguins
level: 0
stores: {{artifacts: "gs://penguins-prod/artifacts"}}
data:
  penguins:
    source: {{kind: csv, uri: birds.csv}}
    label: species
training:
  task: classification
  targets:
    logistic: {{kind: sklearn, estimator: sklearn.linear_model.LogisticRegression, params: {{C: {strength}}}}}
evaluation:
  gates:
    - {{name: floor, kind: threshold, metric: accuracy, min: 0.6}}
{deployment}
"""
DEPLOYMENT = """
deployment:
  server: {{kind: vertex, project: acme, location: europe-west4, api_endpoint: "{base}", image: "{image}"}}
  rollout: {{strategy: canary, steps: [0.5], pause: 0s}}
  preflight: {{samples: 3}}
"""


class Machines:
    """What Vertex AI would start: a scoring server for each version, which fetches the model as a container does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, ServerProcess] = {}
        self.wrong: set[str] = set()

    def predict(self, version: Mapping[str, Any], instances: list[Any]) -> list[Any]:
        digest = labelled_digest(version["labels"])
        if digest not in self._running:
            environment = {one["name"]: one["value"] for one in version["containerSpec"]["env"]}
            folder = self._folder / digest[7:23]
            folder.mkdir()
            model = found_model({**environment, "AIP_STORAGE_URI": version["artifactUri"]}, folder)
            require(model, environment[MODEL_VARIABLE])
            self._running[digest] = ServerProcess(model, self._folder / f"{digest[7:23]}.log")
            self._running[digest].wait_ready(120)
        with Loopback(self._running[digest].port) as server:
            answer = server.post("/invocations", {"instances": instances})
        assert answer.status == 200, answer.body
        found: list[Any] = json.loads(answer.body)["predictions"]
        return [{**one, "prediction": "nonsense"} for one in found] if digest in self.wrong else found

    def end(self) -> None:
        for server in self._running.values():
            server.end()


class Cloud:
    """A Vertex AI and a bucket, and the project's folder."""

    def __init__(self, vertex: Vertex, base: str, machines: Machines, folder: Path) -> None:
        self.vertex, self.base, self.machines, self.folder = vertex, base, machines, folder

    def write(self, strength: float, *, deployed: str = DEPLOYMENT) -> None:
        deployment = deployed.format(base=self.base, image=IMAGE)
        (self.folder / "mlops.yaml").write_text(PROJECT.format(strength=strength, deployment=deployment))

    def traffic(self) -> list[tuple[str, int]]:
        """Each deployed model's display name and its percent."""
        (endpoint,) = self.vertex.endpoints.endpoints.values()
        split = endpoint.get("trafficSplit", {})
        return [(one["displayName"], split.get(one["id"], 0)) for one in endpoint.get("deployedModels", [])]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    vertex, machines = Vertex(), Machines(tmp_path / "machines")
    (tmp_path / "machines").mkdir()
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "birds.csv").write_bytes(rows())
    vertex.endpoints.predictor = machines.predict
    with ExitStack() as stack:
        stack.enter_context(CloudStorage([BUCKET]))
        base = stack.enter_context(serving(vertex.double))
        stack.callback(machines.end)
        yield Cloud(vertex, base, machines, folder)


@pytest.mark.timeout(900)
def test_a_project_serves_on_vertex_ai(cloud: Cloud) -> None:
    cloud.write(1.0)
    planned = call(cloud.folder, "plan")
    assert "+ vertex follows the release" in " ".join(planned.out.split()), planned
    done = call(cloud.folder, "apply", "--yes")
    assert done.code == 0, done
    assert ":predict" in done.out
    assert cloud.traffic() == [("penguins v1", 100)]

    writes = len(cloud.vertex.double.made(writes=True))
    again = call(cloud.folder, "apply", "--yes")
    assert again.code == 0, again
    assert cloud.vertex.double.made(writes=True)[writes:] == [], "nothing to do, nothing written"

    cloud.write(0.001)
    assert call(cloud.folder, "apply", "--yes").code == 0
    assert cloud.traffic() == [("penguins v1", 0), ("penguins v2", 100)]

    (endpoint,) = cloud.vertex.endpoints.endpoints.values()
    first = endpoint["deployedModels"][0]["id"]
    kept = dict(endpoint["trafficSplit"])
    endpoint["trafficSplit"] = {**dict.fromkeys(kept, 0), first: 100}
    drifted = call(cloud.folder, "plan", "--detailed-exitcode")
    assert drifted.code == 2
    assert "it serves another model than the release" in " ".join(drifted.out.split())
    assert call(cloud.folder, "apply", "--yes").code == 0
    assert cloud.traffic() == [("penguins v1", 0), ("penguins v2", 100)]

    writes = len(cloud.vertex.double.made(writes=True))
    back = call(cloud.folder, "rollback", "--reason", "complaints")
    assert back.code == 0, back
    assert cloud.traffic() == [("penguins v1", 100), ("penguins v2", 0)]
    moved = [name.rpartition(".")[2] for name in cloud.vertex.double.made(writes=True)[writes:]]
    assert moved == ["patch"], "only the traffic moves"
    status = call(cloud.folder, "status", "--output", "json").json
    assert status["server"]["running"]
    assert status["server"]["model"] == status["champion"]["model"]

    cloud.write(0.001, deployed="deployment: {{server: {{kind: mlflow}}}}")
    planned = call(cloud.folder, "plan")
    assert "the project no longer serves there" in " ".join(planned.out.split()), planned
    assert call(cloud.folder, "apply", "--yes").code == 0
    assert cloud.vertex.endpoints.endpoints == {}

    cloud.write(0.001)
    assert call(cloud.folder, "apply", "--yes").code == 0
    assert cloud.traffic() == [("penguins v1", 100)]
    assert read_state(cloud.folder / ".mlops/serve/default").processes == (), "the local one is gone"
    assert call(cloud.folder, "destroy", "--yes").code == 0
    assert cloud.vertex.endpoints.endpoints == {}


@pytest.mark.timeout(900)
def test_a_canary_that_answers_wrongly_releases_nothing(cloud: Cloud) -> None:
    cloud.write(1.0)
    assert call(cloud.folder, "apply", "--yes").code == 0
    cloud.write(0.001)
    first = {labelled_digest(one["labels"]) for many in cloud.vertex.models.versions.values() for one in many}

    class Everything(set[str]):
        def __contains__(self, digest: object) -> bool:
            return digest not in first

    cloud.machines.wrong = Everything()
    done = call(cloud.folder, "apply", "--yes")
    assert done.code == 1, done
    said = " ".join((done.out + done.err).split())
    assert "the new model was taken back at 50 % of the traffic" in said
    assert cloud.traffic() == [("penguins v1", 100)]
    cloud.machines.wrong = set()
    assert call(cloud.folder, "apply", "--yes").code == 0
    assert cloud.traffic() == [("penguins v1", 0), ("penguins v2", 100)]


def test_a_project_without_a_place_for_models_is_told_where(tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_bytes(rows())
    text = PROJECT.format(strength=1.0, deployment=DEPLOYMENT.format(base="http://127.0.0.1:1", image=IMAGE))
    (tmp_path / "mlops.yaml").write_text(text.replace('artifacts: "gs://penguins-prod/artifacts"', ""))
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "kind: vertex" in line)
    done = call(tmp_path, "plan")
    assert done.code == 65, done
    assert f"mlops.yaml:{line}" in done.out + done.err
    assert "there is no place on gs:// to put models in" in " ".join((done.out + done.err).split())
