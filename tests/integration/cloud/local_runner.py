"""Execute an emitted pipeline with ``kfp.local``: ``python local_runner.py PIPELINE PROJECT ROOT [--docker] [JSON]``.

By default each container's command runs on this machine, in the project's folder, with the Python that runs this: the
SDK's own check against containers is lifted. With ``--docker`` the SDK's ``DockerRunner`` runs them in containers. The
last line says how the run ended, as JSON. A process of its own, for ``kfp.local`` keeps its settings globally.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from mlopsctl.delivery.conformance import kfp_host


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--docker"]
    pipeline, project, root = (Path(word).resolve() for word in words[:3])
    parameters = json.loads(words[3]) if len(words) > 3 else {}
    warnings.simplefilter("ignore")
    ended = execute(pipeline, project, root, parameters, docker="--docker" in sys.argv)
    print(json.dumps(ended))


def execute(pipeline: Path, project: Path, root: Path, parameters: dict[str, Any], *, docker: bool) -> dict[str, str]:
    """How the run ended: its state, and what the SDK said of a failure."""
    from kfp import local

    if docker:
        _mount(project.parent)
        _wait_for_containers()
        return kfp_host.execute(str(pipeline), str(root), parameters, local.DockerRunner())
    kfp_host.run_here(str(project), sys.executable)
    return kfp_host.execute(str(pipeline), str(root), parameters, local.SubprocessRunner(use_venv=False))


def _mount(folder: Path) -> None:
    """The stores, which every container reaches at the same place; the SDK mounts the engine's own folder only."""
    from kfp.local.docker_task_handler import DockerTaskHandler

    DockerTaskHandler.get_volumes_to_mount = lambda *_: {str(folder): {"bind": str(folder), "mode": "rw"}}


def _wait_for_containers() -> None:
    """The SDK lets a container remove itself; when it is gone before the SDK looks, its failure counts as success."""
    from kfp.local import docker_task_handler

    def run(client: Any, image: str, command: list[str], volumes: dict[str, Any], **options: Any) -> int:
        if not any(image in one.attrs.get("RepoDigests", ()) for one in client.images.list()):
            client.images.pull(image)
        container = client.containers.run(image=image, command=command, detach=True, volumes=volumes, **options)
        try:
            for line in container.logs(stream=True):
                print(line.decode(errors="replace"), end="")
            return int(container.wait()["StatusCode"])
        finally:
            container.remove(force=True)

    docker_task_handler.run_docker_container = run


if __name__ == "__main__":
    main()
