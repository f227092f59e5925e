"""Steps on machines by name and on spot machines: containers that start a custom job.

A container of a Vertex AI pipeline only says how many cores, how much memory and which accelerators it wants. The
machine's name, spot machines and the disk are properties of a custom job, which Google's own launcher image starts in
the container's place; the step's container travels in the launcher's arguments.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlopsctl.ground.digest import Json
from mlopsctl.orchestrators.ir.contract import EXECUTOR_INPUT
from mlopsctl.orchestrators.portability.machines import accelerator_name, shape
from mlopsctl.orchestrators.specs.vertex import Machine, Vertex
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step.ports import task_name

_LAUNCHER = "google_cloud_pipeline_components.container.v1.custom_job.launcher"
_RESOURCES = "gcp_resources"
"""The output by which Vertex AI knows the custom job of a launcher."""

# Inside the launcher's argument, which is JSON, the executor input is escaped once.
_ESCAPED_INPUT = "{{$.json_escape[1]}}"
_SKIP = "--skip"
_PROJECT, _LOCATION = "{{$.pipeline_google_cloud_project_id}}", "{{$.pipeline_google_cloud_location}}"
_ACCOUNT = "{{$.pipeline_service_account}}"


def machines(pipeline: Pipeline, engine: Vertex) -> dict[str, Machine]:
    """The machines of the steps that cannot be plain containers, by step id."""
    found: dict[str, Machine] = {}
    every = _every_step(engine)
    for step in pipeline.steps:
        machine = engine.machines.get(step.id, every)
        if machine is not None:
            found[step.id] = _with_accelerators(machine, step)
    return found


def as_custom_jobs(spec: Mapping[str, Json], chosen: Mapping[str, Machine], engine: Vertex) -> dict[str, Json]:
    """A compiled pipeline whose steps with a machine are custom jobs; those that are skipped stay as they are."""
    deployment = _mapping(spec["deploymentSpec"])
    executors, components = dict(_mapping(deployment["executors"])), dict(_mapping(spec["components"]))
    for id, machine in chosen.items():
        label = f"exec-{task_name(id)}"
        container = _mapping(_mapping(executors[label])["container"])
        if _SKIP in _words(container["args"]):
            continue
        executors[label] = {"container": _launcher(id, container, machine, engine)}
        for name, component in components.items():
            if _mapping(component).get("executorLabel") == label:
                components[name] = _with_output(_mapping(component))
    return {**spec, "components": components, "deploymentSpec": {**deployment, "executors": executors}}


def container_of(args: list[str]) -> Mapping[str, Json]:
    """The step's container in a launcher's arguments; empty for any other arguments."""
    if "--payload" not in args[:-1]:
        return {}
    told = _mapping(json.loads(args[args.index("--payload") + 1]))
    pools = _mapping(told.get("job_spec")).get("worker_pool_specs")
    return _mapping(_mapping(pools[0]).get("container_spec")) if isinstance(pools, list) and pools else {}


def _every_step(engine: Vertex) -> Machine | None:
    """The machine of the steps without one of their own; ``None`` where cores and memory say enough of it."""
    if engine.machine_type is None or not (engine.spot or shape(engine.machine_type) is None):
        return None
    return Machine(machine_type=engine.machine_type, spot=engine.spot)


def _launcher(id: str, container: Mapping[str, Json], machine: Machine, engine: Vertex) -> dict[str, Json]:
    payload = json.dumps(_payload(id, container, machine, engine), ensure_ascii=False, sort_keys=True)
    told = {
        "--type": "CustomJob",
        "--payload": payload,
        "--project": _PROJECT,
        "--location": _LOCATION,
        "--gcp_resources": f"{{{{$.outputs.parameters['{_RESOURCES}'].output_file}}}}",
    }
    return {
        "image": engine.launcher,
        "command": ["python3", "-u", "-m", _LAUNCHER],
        "args": [word for pair in told.items() for word in pair],
    }


def _payload(id: str, container: Mapping[str, Json], machine: Machine, engine: Vertex) -> dict[str, Json]:
    wants: dict[str, Json] = {"machine_type": machine.machine_type}
    if machine.accelerator is not None:
        wants |= {"accelerator_type": machine.accelerator, "accelerator_count": machine.accelerators}
    pool: dict[str, Json] = {
        "machine_spec": wants,
        "replica_count": 1,
        "disk_spec": {"boot_disk_type": "pd-ssd", "boot_disk_size_gb": machine.disk_size},
        "container_spec": {
            "image_uri": container["image"],
            "command": container["command"],
            "args": [_ESCAPED_INPUT if word == EXECUTOR_INPUT else word for word in _words(container["args"])],
        },
    }
    job: dict[str, Json] = {
        "worker_pool_specs": [pool],
        "scheduling": {"strategy": "SPOT" if machine.spot else "STANDARD"},
        "service_account": engine.service_account or _ACCOUNT,
    }
    if engine.network is not None:
        job |= {"network": engine.network, "reserved_ip_ranges": engine.reserved_ip_ranges}
    payload: dict[str, Json] = {"display_name": id, "job_spec": job, "labels": engine.labels}
    if engine.encryption_key is not None:
        payload["encryption_spec"] = {"kms_key_name": engine.encryption_key}
    return payload


def _with_accelerators(machine: Machine, step: Step) -> Machine:
    """The machine with the accelerators that the step asks for, where it names none of its own."""
    kind, count = next(iter(step.resources.accelerators.items()), ("", 0))
    if machine.accelerator is not None or not count:
        return machine
    return machine.model_copy(update={"accelerator": accelerator_name(kind), "accelerators": count})


def _with_output(component: Mapping[str, Json]) -> dict[str, Json]:
    outputs = _mapping(component.get("outputDefinitions"))
    parameters = {**_mapping(outputs.get("parameters")), _RESOURCES: {"parameterType": "STRING"}}
    return {**component, "outputDefinitions": {**outputs, "parameters": parameters}}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _words(value: Json) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []
