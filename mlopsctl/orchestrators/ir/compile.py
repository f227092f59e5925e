"""A pipeline compiled to KFP v2 IR: pure, offline, the same bytes everywhere; KFP itself is not imported."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject
from mlopsctl.orchestrators.ir.check import check_ir
from mlopsctl.orchestrators.ir.containers import our_containers, refusal, step_container, too_long
from mlopsctl.orchestrators.ir.contract import Settings
from mlopsctl.orchestrators.ir.emit import to_yaml
from mlopsctl.orchestrators.ir.graph import Graph
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.step.ports import BEGIN, END, task_name

SCHEMA, SDK = "2.1.0", "mlopsctl"


def compile_ir(pipeline: Pipeline, settings: Settings) -> bytes:
    """The pipeline as one YAML file: a ``PipelineSpec``, and a platform spec where containers need Kubernetes' own.

    Raises:
        InvalidProject: when a step says more than a container can be told, with its place.
        AssertionError: when what was made is not sound, which is a bug.
    """
    return to_yaml(*documents(pipeline, settings))


def documents(pipeline: Pipeline, settings: Settings) -> list[dict[str, Json]]:
    """The documents of that file as plain data, checked."""
    graph = Graph(pipeline, settings)
    root = graph.root()
    executors = _executors(graph)
    spec: dict[str, Json] = {
        "pipelineInfo": {"name": task_name(settings.name)},
        "schemaVersion": SCHEMA,
        "sdkVersion": SDK,
        **({"defaultPipelineRoot": settings.root} if settings.root else {}),
        "root": root,
        "components": graph.components,
        "deploymentSpec": {"executors": executors},
    }
    platform = _platform(graph)
    found = [spec, *([platform] if platform else [])]
    check_ir(found)
    return found


def _executors(graph: Graph) -> dict[str, Json]:
    found: dict[str, dict[str, Json]] = {}
    refused: list[Diagnostic] = []
    begin, end = our_containers(graph.pipeline, graph.settings)
    if graph.pins:
        found[f"exec-{BEGIN}"] = begin
    for label, (step, skip) in graph.executors.items():
        found[label] = step_container(step, graph.settings, skip=skip, carried=graph.pipeline.outlives_failures)
        if not skip and (size := too_long(found[label])):
            refused.append(refusal(step.id, size, graph.settings))
    found[f"exec-{END}"] = end
    if size := too_long(end):
        refused.append(refusal(END, size, graph.settings))
    if refused:
        raise InvalidProject(refused)
    return dict(found)


def _platform(graph: Graph) -> dict[str, Json]:
    """What Kubernetes is told beside the pipeline; empty where there is nothing."""
    placed = graph.settings.placed
    found: dict[str, Mapping[str, Json]] = {}
    ours = [(f"exec-{BEGIN}", BEGIN)] if graph.pins else []
    steps = [(label, step.id) for label, (step, _) in graph.executors.items()]
    for label, id in (*ours, *steps, (f"exec-{END}", END)):
        if id in placed and placed[id].kubernetes:
            found[label] = placed[id].kubernetes
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": found}}}} if found else {}
