"""A project that serves on KServe, by the command line: a file where there is no cluster, a service where there is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.storage", reason="the environment of the cloud tests is needed")

import yaml

from tests.doubles.gcs import CloudStorage
from tests.doubles.kubectl import Cluster
from tests.integration.cli import call
from tests.integration.cloud.test_gcs_project import rows
from tests.integration.cloud.test_vertex_release import BUCKET, PROJECT

DEPLOYMENT = "deployment: {server: {kind: kserve, namespace: birds, memory: 1Gi}}"
CANARY = "deployment: {server: {kind: kserve, namespace: birds}, rollout: {strategy: canary, steps: [0.5], pause: 0s}}"


def write(folder: Path, strength: float, deployment: str = DEPLOYMENT) -> None:
    (folder / "mlops.yaml").write_text(PROJECT.format(strength=strength, deployment=deployment))


@pytest.mark.timeout(900)
def test_a_project_serves_on_kserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster.installed(tmp_path, context="")
    monkeypatch.setenv("PATH", f"{cluster.folder}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "birds.csv").write_bytes(rows())
    with CloudStorage([BUCKET]) as cloud:
        write(folder, 1.0)
        done = call(folder, "apply", "--yes")
        assert done.code == 0, done
        waits = "somebody has to apply deploy/default/inferenceservice.yaml"
        assert waits in " ".join(done.out.split())
        manifest = yaml.safe_load((folder / "deploy/default/inferenceservice.yaml").read_text())
        storage = manifest["spec"]["predictor"]["model"]["storageUri"]
        assert storage.startswith(f"gs://{BUCKET}/artifacts/serving/")
        assert f"{storage.removeprefix(f'gs://{BUCKET}/')}/MLmodel" in cloud.buckets[BUCKET]
        planned = call(folder, "plan", "--detailed-exitcode")
        assert (planned.code, waits in " ".join(planned.out.split())) == (0, True), planned

        write(folder, 1.0, CANARY)
        refused = call(folder, "plan")
        assert refused.code == 65, refused
        assert "a canary needs a cluster to look at" in " ".join(refused.err.split())

        cluster.change(context="models")
        assert call(folder, "apply", "--yes").code == 0
        first = cluster.service("birds/penguins")["metadata"]["annotations"]["mlopsctl/digest"]
        write(folder, 0.001, CANARY)
        assert call(folder, "apply", "--yes").code == 0
        status = call(folder, "status", "--output", "json").json
        assert status["server"]["model"] == status["champion"]["model"] != first
        assert call(folder, "rollback", "--reason", "complaints").code == 0
        assert cluster.service("birds/penguins")["metadata"]["annotations"]["mlopsctl/digest"] == first
        assert call(folder, "destroy", "--yes").code == 0
        assert cluster.state["services"] == {}
