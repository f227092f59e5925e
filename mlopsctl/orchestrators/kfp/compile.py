"""A project compiled for Kubeflow Pipelines: one YAML file, with a Kubernetes platform spec where it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from mlopsctl.config.load import Loaded
from mlopsctl.ground.digest import Json
from mlopsctl.ground.secrets import secrets_named
from mlopsctl.lowering.lower import Lowered
from mlopsctl.orchestrators.contract import Bundle
from mlopsctl.orchestrators.ir.compile import compile_ir
from mlopsctl.orchestrators.ir.contract import JOB_ID, Placed
from mlopsctl.orchestrators.ir.settings import MAIN, settings_of
from mlopsctl.orchestrators.portability.needs import secrets_of_begin, secrets_of_end
from mlopsctl.orchestrators.portability.table import Row, refuse
from mlopsctl.orchestrators.portability.whole import portability
from mlopsctl.orchestrators.specs import Kubeflow
from mlopsctl.pipeline.ir import Step
from mlopsctl.step.ports import BEGIN, END

GRACE = 300
"""Seconds that a pod lives longer than its step may: the step's own process ends it first, and can say so."""


def compile_kfp(loaded: Loaded, lowered: Lowered, rows: Sequence[Row] | None = None) -> Bundle:
    """The bundle of a project whose orchestrator is Kubeflow Pipelines.

    Args:
        rows: its portability table, where the caller has it.

    Raises:
        InvalidProject: naming each property that Kubeflow Pipelines cannot honour, at its line.
    """
    engine = loaded.project.orchestrator
    if not isinstance(engine, Kubeflow):
        raise TypeError(f"the orchestrator is {engine.kind}")
    refuse(portability(loaded, lowered) if rows is None else rows)
    placed = {step.id: _placed(engine, step) for step in lowered.pipeline.steps}
    placed |= {
        BEGIN: Placed(kubernetes=_kubernetes(engine, secrets_of_begin(loaded))),
        END: Placed(kubernetes=_kubernetes(engine, secrets_of_end(loaded))),
    }
    settings = settings_of(loaded, lowered, engine, JOB_ID, placed)
    return Bundle({MAIN: compile_ir(lowered.pipeline, settings)}, MAIN)


def _placed(engine: Kubeflow, step: Step) -> Placed:
    kind, count = next(iter(step.resources.accelerators.items()), ("", 0))
    known = engine.accelerators.get(kind)
    resource = known.resource if known is not None else kind
    nodes = known.node_selector if known is not None else {}
    config = _kubernetes(engine, secrets_named(step.parameters), nodes, step.timeout)
    return Placed(accelerator=resource, count=count, kubernetes=config)


def _kubernetes(
    engine: Kubeflow, secrets: Iterable[str], nodes: Mapping[str, str] | None = None, timeout: float | None = None
) -> dict[str, Json]:
    """The part of the platform spec of one executor; empty where Kubernetes needs to know nothing more."""
    labels = {**engine.node_selector, **(nodes or {})}
    config: dict[str, Json] = {}
    found = [_secret(name, engine) for name in secrets]
    if found:
        config["secretAsEnv"] = found
    if labels:
        config["nodeSelector"] = {"labels": dict(sorted(labels.items()))}
    if engine.tolerations:
        config["tolerations"] = [
            {key: value for key, value in one.model_dump().items() if value} for one in engine.tolerations
        ]
    if engine.image_pull_secrets:
        config["imagePullSecret"] = [
            {"secretName": name, "secretNameParameter": _constant(name)} for name in engine.image_pull_secrets
        ]
    if timeout is not None:
        config["activeDeadlineSeconds"] = str(ceil(timeout) + GRACE)
    return config


def _secret(name: str, engine: Kubeflow) -> dict[str, Json]:
    where = engine.secrets[name]
    return {
        "secretName": where.name,
        "secretNameParameter": _constant(where.name),
        "keyToEnv": [{"secretKey": where.key, "envVar": name}],
        "optional": False,
    }


def _constant(text: str) -> Json:
    return {"runtimeValue": {"constant": text}}
