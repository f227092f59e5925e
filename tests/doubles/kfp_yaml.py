"""Small pipelines in the form that Kubeflow Pipelines takes, for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml


def pipeline_yaml(
    steps: Mapping[str, Sequence[str]] | None = None, *, name: str = "churn-prod", argument: str = ""
) -> bytes:
    """A pipeline whose steps, each with those it waits for, are within a group that ``mlopsctl-end`` waits for.

    It has the parameters ``mlopsctl_run`` (text) and ``rows`` (a whole number), both with defaults.
    """
    wanted = steps if steps is not None else {"load": (), "train": ("load",)}
    inner = {
        step: {**_task(step), **({"dependentTasks": list(before)} if before else {})} for step, before in wanted.items()
    }
    end = {
        **_task("mlopsctl-end"),
        "dependentTasks": ["steps"],
        "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
    }
    leaves = [*wanted, "mlopsctl-end"]
    container = {"container": {"image": "alpine@sha256:" + "0" * 64, "command": ["true"], "args": [argument]}}
    parameters = {
        "mlopsctl_run": {"parameterType": "STRING", "defaultValue": ""},
        "rows": {"parameterType": "NUMBER_INTEGER", "defaultValue": 5},
    }
    document: dict[str, Any] = {
        "pipelineInfo": {"name": name},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
        "root": {
            "inputDefinitions": {"parameters": parameters},
            "dag": {"tasks": {"steps": _task("steps"), "mlopsctl-end": end}},
        },
        "components": {
            "comp-steps": {"dag": {"tasks": inner}},
            **{f"comp-{leaf}": {"executorLabel": f"exec-{leaf}"} for leaf in leaves},
        },
        "deploymentSpec": {"executors": {f"exec-{leaf}": container for leaf in leaves}},
    }
    return yaml.safe_dump(document, sort_keys=True).encode()


def _task(name: str) -> dict[str, Any]:
    return {"componentRef": {"name": f"comp-{name}"}, "taskInfo": {"name": name}}
