"""Which orchestrator an environment has when it is not this machine, and what should stand there."""

from __future__ import annotations

from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.ground.errors import InvalidProject, StepProblem
from mlopsctl.lowering.image import image_problems
from mlopsctl.lowering.lower import Lowered
from mlopsctl.orchestrators.contract import Bundle, Deployed, Engine, Schedule, Wanted
from mlopsctl.orchestrators.specs import Airflow, Kubeflow, Vertex
from mlopsctl.pipeline.names import pipeline_name
from mlopsctl.triggers import ScheduleTrigger


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An environment's side on its orchestrator: what is wanted there, and what stands there, if it was asked."""

    wanted: Wanted
    engine: Engine
    deployed: Deployed | None = None


def is_elsewhere(loaded: Loaded) -> bool:
    """Whether the environment's steps run on an orchestrator that this version can drive, and not on this machine."""
    return isinstance(loaded.project.orchestrator, Airflow | Kubeflow | Vertex)


def elsewhere(loaded: Loaded, lowered: Lowered, *, ask: bool) -> Elsewhere | None:
    """The environment's orchestrator, asked what stands there; ``None`` for this machine.

    Raises:
        InvalidProject: when the project asks for what the orchestrator cannot honour.
        Problem: when the orchestrator's client is not installed, or it does not answer.
    """
    if not is_elsewhere(loaded):
        return None
    wanted = wanted_there(loaded, lowered)
    engine = _engine(loaded)
    return Elsewhere(wanted, engine, engine.look(wanted) if ask else None)


def require_images(loaded: Loaded) -> None:
    """Do nothing where every container that a run would start is pinned to what was built from these files.

    Raises:
        InvalidProject: naming each image that is not, at its line.
    """
    problems = tuple(image_problems(loaded)) if is_elsewhere(loaded) else ()
    if problems:
        raise InvalidProject(problems)


def wanted_there(loaded: Loaded, lowered: Lowered) -> Wanted:
    """What should stand on the orchestrator's side."""
    bundle = _compiled(loaded, lowered)
    project = loaded.project
    return Wanted(
        name=pipeline_name(project.name, loaded.environment),
        project=project.name,
        environment=loaded.environment,
        bundle=bundle,
        schedules=_schedules(loaded, bundle.digest),
        parameters=project.parameters,
    )


def _schedules(loaded: Loaded, version: str) -> tuple[Schedule, ...]:
    """One for each schedule trigger, numbered where there are several."""
    triggers = [trigger for trigger in loaded.project.starting if isinstance(trigger, ScheduleTrigger)]
    name = pipeline_name(loaded.project.name, loaded.environment)
    settings = loaded.project.orchestrator
    most = settings.max_concurrent_runs if isinstance(settings, Kubeflow | Vertex) else 1
    if isinstance(settings, Airflow):
        most = settings.max_active_runs
    return tuple(
        Schedule(
            name=name if len(triggers) == 1 else f"{name}-{number}",
            cron=trigger.cron,
            timezone=trigger.timezone,
            max_concurrent=most,
            version=version,
        )
        for number, trigger in enumerate(triggers, 1)
    )


def _compiled(loaded: Loaded, lowered: Lowered) -> Bundle:
    if isinstance(loaded.project.orchestrator, Kubeflow):
        from mlopsctl.orchestrators.kfp.compile import compile_kfp

        return compile_kfp(loaded, lowered)
    if isinstance(loaded.project.orchestrator, Airflow):
        from mlopsctl.orchestrators.airflow.compile import compile_airflow

        return compile_airflow(loaded, lowered)
    from mlopsctl.orchestrators.vertex.compile import compile_vertex

    return compile_vertex(loaded, lowered)


def _engine(loaded: Loaded) -> Engine:
    settings = loaded.project.orchestrator
    if isinstance(settings, Kubeflow):
        from mlopsctl.orchestrators.kfp.engine import KubeflowEngine

        return KubeflowEngine(settings)
    if isinstance(settings, Vertex):
        from mlopsctl.orchestrators.vertex.engine import VertexEngine

        return VertexEngine(settings)
    if isinstance(settings, Airflow):
        from mlopsctl.orchestrators.airflow.engine import AirflowEngine

        return AirflowEngine(settings, loaded.folder, place=loaded.span)
    raise StepProblem.because("no-engine", f"nothing runs on {settings.kind} yet")
