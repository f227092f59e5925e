"""A project compiled for Vertex AI Pipelines: one YAML file, the same intermediate representation as Kubeflow's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlopsctl.config.load import Loaded
from mlopsctl.lowering.lower import Lowered
from mlopsctl.orchestrators.contract import Bundle
from mlopsctl.orchestrators.ir.compile import documents
from mlopsctl.orchestrators.ir.contract import JOB_NAME, Placed
from mlopsctl.orchestrators.ir.emit import to_yaml
from mlopsctl.orchestrators.ir.settings import MAIN, settings_of
from mlopsctl.orchestrators.portability.machines import accelerator_name, shape
from mlopsctl.orchestrators.portability.table import Row, refuse
from mlopsctl.orchestrators.portability.whole import portability
from mlopsctl.orchestrators.specs import Vertex
from mlopsctl.orchestrators.vertex.custom_jobs import as_custom_jobs, machines
from mlopsctl.pipeline.ir import Pipeline, Resources, Step


def compile_vertex(loaded: Loaded, lowered: Lowered, rows: Sequence[Row] | None = None) -> Bundle:
    """The bundle of a project whose orchestrator is Vertex AI.

    Args:
        rows: its portability table, where the caller has it.

    Raises:
        InvalidProject: naming each property that Vertex AI cannot honour, at its line.
    """
    engine = loaded.project.orchestrator
    if not isinstance(engine, Vertex):
        raise TypeError(f"the orchestrator is {engine.kind}")
    refuse(portability(loaded, lowered) if rows is None else rows)
    pipeline = _on_machines(lowered.pipeline, engine)
    settings = settings_of(loaded, lowered, engine, JOB_NAME, {step.id: _placed(step) for step in pipeline.steps})
    (spec,) = documents(pipeline, settings)
    return Bundle({MAIN: to_yaml(as_custom_jobs(spec, machines(pipeline, engine), engine))}, MAIN)


def _placed(step: Step) -> Placed:
    kind, count = next(iter(step.resources.accelerators.items()), ("", 0))
    return Placed(accelerator_name(kind), count)


def _on_machines(pipeline: Pipeline, engine: Vertex) -> Pipeline:
    """The steps that ask for nothing themselves ask for what the machines of the settings have."""
    found = shape(engine.machine_type) if engine.machine_type is not None else None
    if found is None:
        return pipeline
    cores, memory = found
    steps = (
        replace(step, resources=Resources(cores, memory)) if step.resources == Resources() else step
        for step in pipeline.steps
    )
    return replace(pipeline, steps=tuple(steps))
