"""A pipeline as an Airflow DAG: one DAG file, the same for every project, and one plan file beside it, which is data.

Pure and offline: Airflow is not imported. Task ids are the steps' ids; the tasks before and after them have the names
that they have on every orchestrator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from mlopsctl.config.load import Loaded
from mlopsctl.ground import resources
from mlopsctl.ground.cron import five_fields
from mlopsctl.ground.digest import Json
from mlopsctl.lowering.bindings import defaults
from mlopsctl.lowering.lower import Lowered
from mlopsctl.orchestrators.airflow.plan_file import tagged
from mlopsctl.orchestrators.contract import Bundle
from mlopsctl.orchestrators.portability.airflow import airflow_rows, assets_of
from mlopsctl.orchestrators.portability.table import refuse
from mlopsctl.orchestrators.specs import Airflow
from mlopsctl.orchestrators.specs.airflow import InDocker, InKubernetes
from mlopsctl.orchestrators.specs.airflow_dags import Dags, is_folder
from mlopsctl.pipeline.ir import Pipeline, Rule, Step
from mlopsctl.pipeline.names import pipeline_name
from mlopsctl.step.key import code_digests
from mlopsctl.step.portable import PortableRun, PortableStep, encode
from mlopsctl.step.portable_fields import Order
from mlopsctl.step.ports import BEGIN, END, PINNED_PARAMETER, RUN_PARAMETER
from mlopsctl.triggers import ScheduleTrigger

_NONE_FAILED, _ALL_DONE = "none_failed", "all_done"


def compile_airflow(loaded: Loaded, lowered: Lowered) -> Bundle:
    """The DAG file and its plan, both named as the pipeline.

    Raises:
        InvalidProject: naming each property that Airflow cannot honour, at its line.
    """
    settings = loaded.project.orchestrator
    if not isinstance(settings, Airflow):
        raise TypeError(f"the orchestrator is {settings.kind}")
    refuse(airflow_rows(loaded, lowered, settings))
    name = pipeline_name(loaded.project.name, loaded.environment)
    run = _run(loaded, settings, lowered.pipeline)
    plan = tagged(_plan(loaded, settings, lowered.pipeline.steps, name, run))
    text = json.dumps(plan, indent=1, ensure_ascii=True, sort_keys=True, allow_nan=False, default=list) + "\n"
    dag = (resources.template("airflow") / "dag.py").read_bytes()
    return Bundle({f"{name}.py": dag, f"{name}.json": text.encode("ascii")}, f"{name}.json")


def _run(loaded: Loaded, settings: Airflow, pipeline: Pipeline) -> PortableRun:
    """What the tasks before and after the steps are told."""
    stores = loaded.project.stores
    address: Json = stores.metadata if isinstance(stores.metadata, str) else {"secret": stores.metadata.secret}
    # A pod has another disk than the worker.
    reached = settings.execution.kind == "venv" or not isinstance(address, str) or "sqlite" not in address
    return PortableRun(
        project=loaded.project.name,
        environment=loaded.environment,
        pipeline=pipeline.digest,
        artifacts=stores.artifacts,
        tracking=stores.tracking,
        metadata=address if reached else "",
        wanted=tuple(sorted({name for step in pipeline.steps for name in step.state_inputs})),
        notify=[notifier.model_dump(mode="json") for notifier in loaded.project.notify],
        steps=tuple(step.id for step in pipeline.steps),
    )


def _plan(loaded: Loaded, settings: Airflow, steps: Sequence[Step], name: str, run: PortableRun) -> dict[str, Json]:
    project = loaded.project
    return {
        "version": 1,
        "dag_id": name,
        "description": project.description,
        "owner": project.owner or "mlopsctl",
        "doc": _doc(loaded),
        "tags": sorted({"mlopsctl", project.name, *settings.tags}),
        "max_active_runs": settings.max_active_runs,
        "params": {**defaults(loaded), RUN_PARAMETER: "", PINNED_PARAMETER: ""},
        "cron": next(_crons(loaded), None),
        "assets": assets_of(loaded),
        # From a bucket or a repository there is no way back; the plan names the project's folder.
        "project_folder": _way_back(settings.dags) if is_folder(settings.dags) else ".",
        "execution": _execution(settings),
        "tasks": list(_tasks(loaded, settings, steps, run)),
    }


def _tasks(loaded: Loaded, settings: Airflow, steps: Sequence[Step], run: PortableRun) -> Iterator[dict[str, Json]]:
    """The task that pins, a task a step, and the one that tells the end whatever became of the others."""
    pins, ordered = bool(run.wanted), any(step.is_ordered for step in steps)
    image = steps[0].image if steps else ""
    if pins:
        yield _task(settings, BEGIN, "begin", encode(run), image=image)
    for step in steps:
        portable = PortableStep(
            project=loaded.project.name,
            environment=loaded.environment,
            step=step,
            artifacts=run.artifacts,
            tracking=run.tracking,
            code=code_digests(loaded.folder, step.code),
            order=Order.TOLD if ordered else Order.DATA,
        )
        before = step.upstream or ((BEGIN,) if pins else ())
        if pins and step.state_inputs and BEGIN not in before:
            before = (BEGIN, *before)
        yield {
            **_task(settings, step.id, "step", encode(portable), upstream=before, image=step.image),
            "retries": step.retry.attempts,
            "retry_delay": step.retry.delay,
            # The runtime ends a step in order when its time is up; Airflow's own limit is the net below.
            "timeout": step.timeout + 60.0 if step.timeout is not None else None,
            # By default the step itself knows what it needs of what was skipped.
            "trigger_rule": step.rule.value if step.rule is not Rule.ALL_SUCCESS else _NONE_FAILED,
            "pool": step.pool or settings.pool,
            "priority": settings.priority if step.priority is None else step.priority,
            **_resources(step),
        }
    leaves = _leaves(steps)
    yield {
        **_task(settings, END, "end", encode(run), upstream=leaves, image=image),
        "trigger_rule": _ALL_DONE,
        "teardown": True,
    }


def _task(
    settings: Airflow, id: str, kind: str, text: str, *, upstream: Sequence[str] = (), image: str = ""
) -> dict[str, Json]:
    return {
        "id": id,
        "kind": kind,
        "text": text,
        "upstream": list(upstream),
        "image": image,
        "retries": 0,
        "retry_delay": 0.0,
        "timeout": None,
        "trigger_rule": "all_success",
        "teardown": False,
        "pool": settings.pool,
        "pool_slots": settings.pool_slots,
        "priority": settings.priority,
        "queue": settings.queue,
        "requests": {},
        "limits": {},
    }


def _resources(step: Step) -> dict[str, Json]:
    """What a pod asks for and may take."""
    asked = step.resources
    amounts: dict[str, Json] = {}
    if asked.cpu is not None:
        amounts["cpu"] = f"{round(asked.cpu * 1000)}m"
    if asked.memory is not None:
        amounts["memory"] = str(asked.memory)
    return {"requests": amounts, "limits": {**amounts, **{kind: str(n) for kind, n in asked.accelerators.items()}}}


def _leaves(steps: Sequence[Step]) -> list[str]:
    """The steps that nothing reads; the end comes after them, and so after everything."""
    read = {producer for step in steps for producer in step.upstream}
    return [step.id for step in steps if step.id not in read]


def _crons(loaded: Loaded) -> Iterator[dict[str, Json]]:
    for trigger in loaded.project.starting:
        if isinstance(trigger, ScheduleTrigger):
            yield {"expression": five_fields(trigger.cron), "timezone": trigger.timezone}


def _execution(settings: Airflow) -> dict[str, Json]:
    chosen = settings.execution
    if isinstance(chosen, InKubernetes):
        return {
            "kind": chosen.kind,
            "namespace": chosen.namespace,
            "service_account": chosen.service_account,
            "node_selector": dict(chosen.node_selector),
            "secrets": {name: {"name": one.name, "key": one.key} for name, one in chosen.secrets.items()},
        }
    if isinstance(chosen, InDocker):
        return {"kind": chosen.kind, "network": chosen.network}
    return {"kind": chosen.kind, "python": chosen.python, "folder": chosen.folder}


def _way_back(dags: Dags) -> str:
    """The way from the DAG folder to the project's."""
    return "/".join(".." for _ in PurePosixPath(str(dags)).parts) or "."


def _doc(loaded: Loaded) -> str:
    project = loaded.project
    return f"{project.name} in {loaded.environment}. {project.description}".strip()
