"""The registry behind a URL: a real MLflow server, and one that is not there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsctl.components import push
from mlopsctl.components.push import PushParameters
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.process import kill_tree
from mlopsctl.registry.client import Registry
from mlopsctl.registry.package import packed_folder
from tests.integration.packed_models import make_examples, make_model, make_work

NAME = "penguins"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with its own database and artifacts."""
    folder = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/files"]
    quick = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=quick, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(f"http://127.0.0.1:{port}/health", server, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            kill_tree(server.pid, grace=5.0)
            server.wait()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_a_server_is_used_as_a_file_is(address: str, tmp_path: Path) -> None:
    made = make_model(tmp_path / "model", make_examples(tmp_path / "examples"))
    registry = Registry(address)
    assert registry.healthy()
    assert registry.versions(NAME) == ()
    assert registry.champion(NAME, "champion") is None
    for number, run in enumerate(("first", "second")):
        work = make_work(made, tmp_path / str(number), "pushed_model", tracking=address, run_id=run)
        assert push.run(work, PushParameters(name=NAME)).values["version"] == "1"

    (version,) = registry.versions(NAME)
    assert (version.version, version.digest) == ("1", made.digest)
    registry.set_champion(NAME, "champion", "1")
    assert registry.champion(NAME, "champion") == version
    packed = packed_folder(registry.download(NAME, "1", tmp_path / "served"))
    assert packed is not None
    assert (packed / "estimator.pkl").read_bytes() == (made.model / "estimator.pkl").read_bytes()
    registry.delete_alias(NAME, "champion")
    assert registry.champion(NAME, "champion") is None
    with pytest.raises(StepProblem, match="no version 5"):
        registry.set_champion(NAME, "champion", "5")


def test_a_server_that_is_not_there_is_said_soon_and_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    registry = Registry(f"http://user:s3cret@127.0.0.1:{port}")
    begun = time.monotonic()
    with pytest.raises(StepProblem, match=f"the MLflow registry at http://127.0.0.1:{port} cannot be used") as raised:
        registry.versions(NAME)
    assert time.monotonic() - begun < 30
    (diagnostic,) = raised.value.diagnostics
    assert "s3cret" not in diagnostic.message
    assert "stores.tracking" in diagnostic.hint
    assert not registry.healthy()
