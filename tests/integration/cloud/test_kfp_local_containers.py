"""The penguins example in real containers: its image built and pushed, its emitted YAML executed by DockerRunner."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.cloud.containers import Containers, containers, missing
from tests.integration.cloud.local_runs import CHECKOUT, Cluster, copied

pytest.importorskip("kfp", reason="kfp is not installed here: these tests run in the environment of requirements/cloud")
pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "there are containers"),
    pytest.mark.timeout(1500),
]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    with containers(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def docker(engines: Containers) -> Iterator[Mapping[str, str]]:
    """The environment of a process that finds podman where it looks for docker."""
    with tempfile.TemporaryDirectory(prefix="pod-") as folder:
        socket = Path(folder, "podman.sock")
        service = subprocess.Popen(
            ["podman", "system", "service", "--time=0", f"unix://{socket}"],
            env=dict(engines.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + 30
            while not socket.exists() and service.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
            yield {**engines.environment, "DOCKER_HOST": f"unix://{socket}"}
        finally:
            service.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                service.wait(20)


@pytest.fixture(scope="module")
def cluster(engines: Containers, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The project, with its image in the registry and pinned. Whoever the image's user is may write beside it."""
    root = tmp_path_factory.mktemp("containers")
    tool = root / "tool"
    for name in ("mlopsctl", "schemas", "templates"):
        shutil.copytree(CHECKOUT / name, tool / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tool)
    shared = root / "shared"
    shared.mkdir()
    made = copied(CHECKOUT / "examples" / "penguins", shared / "penguins")
    for folder in (shared, shared / "artifacts", shared / "engine"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    made.declare(image="IMAGE")
    made.change('"IMAGE"', f'{{name: "{engines.registry}/mlopsctl-tests/images", base: "{engines.base}"}}')
    made.call("image", "push", "-e", "cluster", environment={**engines.environment, "PYTHONPATH": str(tool)})
    return made


def test_the_run_in_containers_has_the_local_runs_digests(cluster: Cluster, docker: Mapping[str, str]) -> None:
    ran = cluster.run("in-containers", "--docker", environment=docker)
    assert ran.state == "success", ran
    local = cluster.apply_here()
    assert ran.states == {step: found["state"] for step, found in local["steps"].items()}
    equal = {
        step
        for step, found in local["steps"].items()
        if found["outputs"] == {name: one.digest for name, one in ran.records[step].outputs.items()}
    }
    print(f"the same digests: {', '.join(sorted(equal))}; others: {', '.join(sorted(set(ran.states) - equal))}")
    # Data are files of this Python's pyarrow; models are those of the image's packages.
    assert {"ingest-penguins", "statistics-penguins", "schema-penguins", "validate-penguins"} <= equal
    gates = ran.records["gate"].notes["gates"]
    assert gates == {gate["name"]: gate["verdict"] for gate in local["gates"] if gate["decides"]}


def test_a_second_run_in_containers_takes_everything_from_the_ledger(
    cluster: Cluster, docker: Mapping[str, str]
) -> None:
    ran = cluster.run("again", "--docker", environment=docker)
    assert ran.state == "success", ran
    assert {state for step, state in ran.states.items() if step != "push"} == {"cached"}
