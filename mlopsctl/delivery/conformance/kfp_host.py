"""Execute a compiled pipeline with ``kfp.local``, its containers' commands as processes of this machine.

``PYTHON -I kfp_host.py PIPELINE PROJECT ROOT STEPS_PYTHON PARAMETERS`` with the Python of an environment that has kfp:
this file imports nothing of mlopsctl. The last line on stdout says as JSON how the SDK ended. A process of its own, for
``kfp.local`` keeps its settings globally.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from typing import Any


def main() -> None:
    """Run, and print how it ended."""
    pipeline, project, root, python, parameters = sys.argv[1:]
    warnings.simplefilter("ignore")
    print(json.dumps(_execute(pipeline, project, root, python, json.loads(parameters))))


def _execute(pipeline: str, project: str, root: str, python: str, parameters: dict[str, Any]) -> dict[str, str]:
    from kfp import local

    run_here(project, python)
    return execute(pipeline, root, parameters, local.SubprocessRunner(use_venv=False))


def execute(pipeline: str, root: str, parameters: dict[str, Any], runner: Any) -> dict[str, str]:
    """How the run ended under one of the SDK's runners: its state, and what the SDK said of a failure."""
    from kfp import components, local

    _let_branches_leave_artifacts()
    local.init(runner=runner, pipeline_root=root, raise_on_error=True)
    run = components.load_component_from_file(pipeline)
    try:
        run(**parameters)
    except RuntimeError as error:
        return {"state": "failed", "message": str(error)}
    return {"state": "success", "message": ""}


def run_here(project: str, python: str) -> None:
    """The SDK refuses containers in a subprocess; their commands are ours, and need only mlopsctl's own Python."""
    from kfp.local import status
    from kfp.local.subprocess_task_handler import SubprocessTaskHandler

    def run(handler: Any) -> Any:
        command = [python if word == "python3" else word for word in handler.full_command[:1]]
        done = subprocess.run(
            [*command, *handler.full_command[1:]],
            cwd=project,
            env={**os.environ, **handler.env_vars},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return status.Status.SUCCESS if done.returncode == 0 else status.Status.FAILURE

    SubprocessTaskHandler.validate_image = lambda *_: None
    SubprocessTaskHandler.validate_not_container_component = lambda *_: None
    SubprocessTaskHandler.run = run


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
