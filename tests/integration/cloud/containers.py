"""Containers on this machine: what scripts/containers.sh made, with a registry on the loopback address beside it.

with containers(folder) as engines:
    engines.environment     # for buildah and podman
    engines.registry        # 127.0.0.1:PORT
    engines.base            # a base image with Python and the packages of requirements/demo.txt, by digest
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

HERE = Path(__file__).resolve().parents[3] / "build" / "containers"
_ACCEPTED = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def missing() -> str:
    """Why there are no containers here; empty where there are some."""
    if not (HERE / "ready").is_file():
        return "there is no build/containers/ready (scripts/containers.sh makes it)"
    gone = [program for program in ("buildah", "podman", "docker-registry") if shutil.which(program) is None]
    return f"there is no {gone[0]}" if gone else ""


@dataclass(frozen=True)
class Containers:
    """Engines and a registry. ``environment`` is the whole environment of a process that uses them."""

    environment: Mapping[str, str]
    registry: str
    base: str

    def digest(self, repository: str, tag: str) -> str:
        """The digest that the registry has for a tag."""
        return self._asked(repository, tag)[0]

    def manifest(self, repository: str, tag: str) -> dict[str, object]:
        """The manifest that the registry has for a tag or digest."""
        read: dict[str, object] = json.loads(self._asked(repository, tag)[1])
        return read

    def run(self, *words: str) -> str:
        """Run an engine to a good end; what it printed."""
        done = subprocess.run(
            words, env=dict(self.environment), capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def _asked(self, repository: str, tag: str) -> tuple[str, bytes]:
        asked = Request(f"http://{self.registry}/v2/{repository}/manifests/{tag}", headers={"Accept": _ACCEPTED})
        with urlopen(asked, timeout=30) as answer:
            return answer.headers["Docker-Content-Digest"], answer.read()


@contextlib.contextmanager
def containers(folder: Path) -> Iterator[Containers]:
    """A registry over the folder that holds the base image, and the configuration that reaches it; both end with it."""
    port = _free_port()
    registry = f"127.0.0.1:{port}"
    (folder / "registries.conf").write_text(f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n')
    (folder / "registry.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{registry}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{HERE / 'registry'}'}}}}\n"
    )
    environment = {
        **os.environ,
        "CONTAINERS_CONF": str(HERE / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(HERE / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        "BUILDAH_ISOLATION": "chroot",
    }
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "registry.yml")], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        _wait_for(port, process)
        yield Containers(environment, registry, f"{registry}/{(HERE / 'base').read_text().strip()}")
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    """The port that the base image was pushed to, so that its layers are known to be there, or another one."""
    for port in (int((HERE / "port").read_text()), 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found: int = probe.getsockname()[1]
            return found
    raise RuntimeError("there is no free port")


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the registry did not start")
