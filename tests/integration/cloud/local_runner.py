"""Execute an emitted pipeline with ``kfp.local``: ``python local_runner.py PIPELINE PROJECT ROOT [--docker] [JSON]``.

By default each container's command runs on this machine, in the project's folder, with the Python that runs this: the
SDK's own check against containers is lifted. With ``--docker`` the SDK's ``DockerRunner`` runs them in containers. The
last line says how the run ended, as JSON. A process of its own, for ``kfp.local`` keeps its settings globally.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--docker"]
    pipeline, project, root = (Path(word).resolve() for word in words[:3])
    parameters = json.loads(words[3]) if len(words) > 3 else {}
    warnings.simplefilter("ignore")
    ended = execute(pipeline, project, root, parameters, docker="--docker" in sys.argv)
    print(json.dumps(ended))


def execute(pipeline: Path, project: Path, root: Path, parameters: dict[str, Any], *, docker: bool) -> dict[str, str]:
    """How the run ended: its state, and what the SDK said of a failure."""
    from kfp import components, local

    if docker:
        runner: Any = local.DockerRunner()
        _mount(project.parent)
        _wait_for_containers()
    else:
        runner = local.SubprocessRunner(use_venv=False)
        _run_on_this_machine(project)
    _let_branches_leave_artifacts()
    local.init(runner=runner, pipeline_root=str(root), raise_on_error=True)
    run = components.load_component_from_file(str(pipeline))
    try:
        run(**parameters)
    except RuntimeError as error:
        return {"state": "failed", "message": str(error)}
    return {"state": "success", "message": ""}


def _run_on_this_machine(project: Path) -> None:
    from kfp.local import status
    from kfp.local.subprocess_task_handler import SubprocessTaskHandler

    def run(handler: Any) -> Any:
        command = [sys.executable if word == "python3" else word for word in handler.full_command[:1]]
        done = subprocess.run(
            [*command, *handler.full_command[1:]],
            cwd=project,
            env={**os.environ, **handler.env_vars},
            stdin=subprocess.DEVNULL,
            stdout=sys.stdout,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return status.Status.SUCCESS if done.returncode == 0 else status.Status.FAILURE

    SubprocessTaskHandler.validate_image = lambda *_: None
    SubprocessTaskHandler.validate_not_container_component = lambda *_: None
    SubprocessTaskHandler.run = run


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


def _let_branches_leave_artifacts() -> None:
    """``kfp.local`` knows one of several branches' parameters, and for artifacts only single producers."""
    from kfp.local.orchestrator.orchestrator_utils import OrchestratorUtils

    def artifacts(cls: Any, dag_outputs_spec: Any, io_store: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, spec in dag_outputs_spec.artifacts.items():
            for selector in spec.artifact_selectors:
                try:
                    found[name] = io_store.get_task_output(selector.producer_subtask, selector.output_artifact_key)
                except ValueError:
                    continue
        return found

    OrchestratorUtils.get_dag_output_artifacts = classmethod(artifacts)


if __name__ == "__main__":
    main()
