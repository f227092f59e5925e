"""The rows about steps: conditions, repetitions, time, machines, packages, containers in containers."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.components.own_kinds import CommandRun, ContainerRun
from mlopsctl.config.sections.components import OwnComponent
from mlopsctl.frameworks.container import ContainerTarget, ProgramTarget
from mlopsctl.ground.source import DocPath
from mlopsctl.orchestrators.portability.machines import ACCELERATORS, accelerator_name
from mlopsctl.orchestrators.portability.scene import Scene
from mlopsctl.orchestrators.portability.table import Row
from mlopsctl.orchestrators.specs import Kubeflow, Vertex
from mlopsctl.pipeline.ir import Rule

LONGEST_DELAY = 3600.0
"""Seconds: engines pause no longer between two attempts."""

_INSTALLED = "installed when the step starts, where the image does not hold it"
_ENDED = "the step's own process ends after {:g} s"
_NO_CONTAINER = "its step runs in a container, where no other can be started"
_NO_CONTAINER_HINT = "build the program into the image, and write kind: command"
_PROGRAM = "the image must hold the program"


def components(scene: Scene) -> Iterator[Row]:
    """Steps of the user's own."""
    conditions = {step.id: step.condition for step in scene.lowered.pipeline.steps}
    for name, component in scene.loaded.project.components.items():
        path: DocPath = ("components", name)
        if isinstance(component.run, ContainerRun):
            yield scene.refused((*path, "run"), _NO_CONTAINER, _NO_CONTAINER_HINT)
        elif isinstance(component.run, CommandRun):
            yield scene.emulated((*path, "run"), _PROGRAM)
        yield from _when(scene, (*path, "when"), component, conditions[name])
        yield from _order(scene, path, component)
        yield from _policies(scene, path, component)
        yield from _resources(scene, (*path, "resources"), component)
        if component.requirements:
            yield scene.emulated((*path, "requirements"), _INSTALLED)


def targets(scene: Scene) -> Iterator[Row]:
    """What is trained, and on which packages."""
    project = scene.loaded.project
    if project.requirements:
        yield scene.emulated(("requirements",), _INSTALLED)
    if project.training is None:
        return
    if project.training.parallel is not None:
        yield scene.emulated(("training", "parallel"), "each target has a container of its own; all start at once")
    for name, target in project.training.targets.items():
        path: DocPath = ("training", "targets", name)
        if isinstance(target, ContainerTarget):
            yield scene.refused(path, _NO_CONTAINER, _NO_CONTAINER_HINT)
        elif isinstance(target, ProgramTarget):
            yield scene.emulated(path, _PROGRAM)
        if target.requirements:
            yield scene.emulated((*path, "requirements"), _INSTALLED)


def _policies(scene: Scene, path: DocPath, component: OwnComponent) -> Iterator[Row]:
    if component.retry is not None and component.retry.attempts:
        delay = component.retry.delay or 0.0
        if delay > LONGEST_DELAY:
            why = f"{scene.name} waits at most an hour before it repeats an attempt, not {delay:g} s"
            yield scene.refused((*path, "retry", "delay"), why, "write a delay of at most 60m")
        else:
            how = f"repeated up to {component.retry.attempts} times, {delay:g} s apart, within an hour"
            yield scene.native((*path, "retry"), how)
    if component.timeout is not None:
        ended = _ENDED.format(component.timeout)
        if isinstance(scene.engine, Kubeflow):
            yield scene.native((*path, "timeout"), f"{ended}; the pod ends five minutes later at the latest")
        else:
            yield scene.emulated((*path, "timeout"), ended)


def _when(scene: Scene, path: DocPath, component: OwnComponent, condition: str) -> Iterator[Row]:
    if condition:
        needs = (
            " (Kubeflow Pipelines 2.17 or later)" if isinstance(scene.engine, Kubeflow) and component.outputs else ""
        )
        how = f"a condition on the parameter {condition}{needs}; a skipped step is recorded by its other branch"
        yield scene.native(path, how)
    elif not isinstance(component.when, bool):
        how = (
            "the step's container reads what that step wrote, and records that it is skipped where it is another branch"
        )
        yield scene.emulated(path, how)
    elif not component.when:
        yield scene.emulated(path, "the step's container only records that it is skipped")


def _order(scene: Scene, path: DocPath, component: OwnComponent) -> Iterator[Row]:
    """What beside its data decides when a step runs, and whether."""
    if component.after:
        yield scene.native((*path, "after"), "an order without data; the step's container looks for what was skipped")
    if component.rule.outlives_failures:
        how = (
            "the step's container decides; the engine is told that every step went well, and the last task fails where "
            "one did not"
        )
        yield scene.emulated((*path, "trigger_rule"), how)
    elif component.rule is not Rule.ALL_SUCCESS:
        yield scene.emulated((*path, "trigger_rule"), "the step's container decides, by the states of the steps before")
    if not component.reuse:
        yield scene.native((*path, "reuse"), "neither the engine nor the step's container takes an earlier result")
    if component.pool is not None:
        why = f"{scene.name} has no pools, so nothing would keep the steps apart"
        yield scene.refused((*path, "pool"), why, "take it out, or write it in the environment that runs on Airflow")
    if component.priority is not None:
        yield scene.emulated((*path, "priority"), "every step that can start does so at once, whatever its priority")


def _resources(scene: Scene, path: DocPath, component: OwnComponent) -> Iterator[Row]:
    asked = component.resources
    if asked is None:
        return
    if asked.cpu is not None:
        yield scene.native((*path, "cpu"), f"a limit of {asked.cpu:g} cores")
    if asked.memory is not None:
        yield scene.native((*path, "memory"), f"a limit of {asked.memory} bytes")
    if len(asked.accelerators) > 1:
        why = f"{scene.name} gives a container accelerators of one kind, not {', '.join(asked.accelerators)}"
        yield scene.refused((*path, "accelerators"), why, "name one kind")
        return
    for kind, count in asked.accelerators.items():
        yield _accelerator(scene, (*path, "accelerators", kind), kind, count)


def _accelerator(scene: Scene, path: DocPath, kind: str, count: int) -> Row:
    engine = scene.engine
    if count < 1:
        return scene.refused(path, f"{count} accelerators cannot be asked for", "write 1 or more, or take it out")
    if isinstance(engine, Vertex):
        name = accelerator_name(kind)
        if name in ACCELERATORS:
            return scene.native(path, f"{count} × {name}")
        known = ", ".join(sorted(ACCELERATORS))
        return scene.refused(path, f"Vertex AI has no accelerator {kind!r}", f"it has: {known}")
    if kind in engine.accelerators:
        known_as = engine.accelerators[kind]
        nodes = ", ".join(f"{key}={value}" for key, value in known_as.node_selector.items())
        return scene.native(path, f"{count} × {known_as.resource}" + (f" on nodes with {nodes}" if nodes else ""))
    if "/" in kind:
        return scene.native(path, f"{count} × {kind}")
    return scene.refused(
        path,
        f"nobody knows how the cluster calls {kind!r}",
        f"write the resource itself (nvidia.com/gpu), or say it once: orchestrator: {{accelerators: {{{kind}: "
        "{resource: nvidia.com/gpu, node_selector: {…}}}}",
    )
