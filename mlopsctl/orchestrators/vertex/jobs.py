"""Pipeline jobs: what is sent to start one, and what one that runs says of itself."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import yaml

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.orchestrators.contract import EngineRun, RunState, Wanted
from mlopsctl.orchestrators.specs.vertex import Vertex
from mlopsctl.orchestrators.vertex.custom_jobs import container_of
from mlopsctl.step.ports import RUN_PARAMETER

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import PipelineJob, PipelineTaskDetail

PROJECT, ENVIRONMENT = "mlopsctl-project", "mlopsctl-environment"
VERSION, RUN = "mlopsctl-version", "mlopsctl-run"
LONGEST_NAME = 128

_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,126}", re.ASCII)
_CONSOLE = "https://console.cloud.google.com/vertex-ai/locations/{}/pipelines/runs/{}?project={}"
_LONGEST_WORDS = 1000
_STEP = "--step"
"""The argument before what a container is told of its step."""

_JOB_STATES = {
    "PIPELINE_STATE_RUNNING": RunState.RUNNING,
    "PIPELINE_STATE_CANCELLING": RunState.RUNNING,
    "PIPELINE_STATE_SUCCEEDED": RunState.SUCCESS,
    "PIPELINE_STATE_FAILED": RunState.FAILED,
    "PIPELINE_STATE_CANCELLED": RunState.CANCELED,
}
_TASK_STATES = {
    "RUNNING": RunState.RUNNING,
    "CANCEL_PENDING": RunState.RUNNING,
    "CANCELLING": RunState.RUNNING,
    "SUCCEEDED": RunState.SUCCESS,
    "SKIPPED": RunState.SUCCESS,  # the engine's own cache had its result
    "NOT_TRIGGERED": RunState.SKIPPED,
    "CANCELLED": RunState.CANCELED,
    "FAILED": RunState.FAILED,
}


def job(settings: Vertex, wanted: Wanted, parameters: Mapping[str, Json], run: str = "") -> PipelineJob:
    """The job that runs the bundle with these parameters; for a schedule without ``run``.

    Raises:
        StepProblem: for a parameter that the pipeline has not, or of another type.
    """
    from google.cloud.aiplatform_v1 import PipelineJob
    from google.protobuf import json_format

    spec = pipeline_spec(wanted)
    given = {**wanted.parameters, **parameters, **({RUN_PARAMETER: run} if run else {})}
    about = head(settings, wanted, _checked(spec, given), run)
    made: PipelineJob = PipelineJob()
    json_format.ParseDict({**about, "pipelineSpec": spec}, PipelineJob.pb(made))
    return made


def head(settings: Vertex, wanted: Wanted, parameters: Mapping[str, Json], run: str = "") -> dict[str, Json]:
    """All of a job but the pipeline itself, as the service's JSON has it."""
    content: dict[str, Json] = {
        "displayName": shortened(f"{wanted.name}-{run}" if run else wanted.name, LONGEST_NAME),
        "labels": {**settings.labels, **marks(wanted), **({RUN: as_label(run)} if run else {})},
        "runtimeConfig": {
            "gcsOutputDirectory": settings.pipeline_root.rstrip("/"),
            "parameterValues": parameters,
            "failurePolicy": f"PIPELINE_FAILURE_POLICY_FAIL_{settings.failure_policy.upper()}",
        },
    }
    if settings.service_account is not None:
        content["serviceAccount"] = settings.service_account
    if settings.network is not None:
        content["network"] = settings.network
        content["reservedIpRanges"] = settings.reserved_ip_ranges
    if settings.encryption_key is not None:
        content["encryptionSpec"] = {"kmsKeyName": settings.encryption_key}
    return content


def job_id(wanted: Wanted, run: str) -> str:
    """The id of a run's job: the same whenever it is asked, so that a second start meets the first."""
    text = f"{wanted.name}-{run}".lower()
    if _JOB_ID.fullmatch(text):
        return text
    plain = re.sub(r"[^a-z0-9]+", "-", text).strip("-")
    return f"p-{plain[:100]}-{_fingerprint(text)}"


def marks(wanted: Wanted) -> dict[str, str]:
    """The labels that make a job or a schedule ours."""
    short = wanted.bundle.digest.rpartition(":")[2][:16]
    return {**owner(wanted), VERSION: short}


def owner(wanted: Wanted) -> dict[str, str]:
    """The labels that say whose something is."""
    return {PROJECT: as_label(wanted.project), ENVIRONMENT: as_label(wanted.environment)}


def is_ours(found: Mapping[str, str], wanted: Wanted) -> bool:
    """Whether labels say that something is this project's in this environment."""
    return all(found.get(key) == value for key, value in owner(wanted).items())


def as_label(text: str) -> str:
    """A text as the value of a label, which may hold small letters, digits, ``_`` and ``-``."""
    if re.fullmatch(r"[a-z0-9_-]{0,63}", text, re.ASCII):
        return text
    plain = re.sub(r"[^a-z0-9_-]+", "-", text.lower(), flags=re.ASCII)
    return f"{plain[:50]}-{_fingerprint(text)}"


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters, which differs where the texts differ."""
    return text if len(text) <= longest else f"{text[: longest - 13]}-{_fingerprint(text)}"


def pipeline_spec(wanted: Wanted) -> Mapping[str, Json]:
    """The compiled pipeline as a value.

    Raises:
        StepProblem: when the file is not one YAML mapping.
    """
    found = _parsed(wanted.bundle.files[wanted.bundle.main])
    if not isinstance(found, dict):
        raise StepProblem.because(
            "bad-pipeline-file",
            f"the compiled pipeline {wanted.bundle.main} is not one YAML document for Vertex AI",
            hint="compile it with `mlopsctl compile --to vertex`",
        )
    return found


@functools.lru_cache(maxsize=2)
def _parsed(content: bytes) -> Json:
    """A YAML file as a value that nobody changes, ``None`` for what is none: large ones take seconds."""
    try:
        found: Json = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return None
    return found


def engine_run(settings: Vertex, found: PipelineJob) -> EngineRun:
    """How a job stands."""
    id = found.name.rpartition("/")[2]
    values = found.runtime_config.parameter_values
    run = values.get(RUN_PARAMETER) if RUN in found.labels else None
    return EngineRun(
        id=id,
        run=run if isinstance(run, str) else "",
        state=_JOB_STATES.get(found.state.name, RunState.PENDING),
        started=round(found.create_time.timestamp() * 1000) if found.create_time else 0,
        url=_CONSOLE.format(settings.location, id, settings.project),
        tasks=_tasks(found),
        message=_message(found),
        schedule=found.schedule_name.rpartition("/")[2],
    )


def _tasks(found: PipelineJob) -> dict[str, RunState]:
    """The states of the steps, by their ids. Of a task that was repeated the newest one counts."""
    from google.protobuf import json_format

    steps = dict(_steps(json_format.MessageToDict(type(found).pb(found).pipeline_spec)))
    return {
        steps[detail.task_name]: _TASK_STATES.get(detail.state.name, RunState.PENDING)
        for detail in sorted(found.job_detail.task_details, key=_order)
        if detail.task_name in steps
    }


def _steps(spec: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """The names of the tasks that are a step, with the step's id; what only mlopsctl needs is left out."""
    for component in (spec.get("root"), *_at(spec, "components").values()):
        for name, task in _at(component, "dag", "tasks").items():
            id = "" if name.startswith("mlopsctl-") else _step(spec, task)
            if id:
                yield name, id


def _step(spec: Mapping[str, Json], task: Json) -> str:
    """The id of the step that a task, or the first of the tasks inside it, runs; empty for none."""
    component = _at(spec, "components", str(_at(task, "componentRef").get("name", "")))
    inside = _at(component, "dag", "tasks")
    if inside:
        return next((id for id in (_step(spec, one) for one in inside.values()) if id), "")
    container = _at(spec, "deploymentSpec", "executors", str(component.get("executorLabel", "")), "container")
    words = _words(container)
    words = _words(container_of(words)) or words
    if _STEP not in words[:-1]:
        return ""
    return str(_at(json.loads(words[words.index(_STEP) + 1]), "step").get("id", ""))


def _words(container: Mapping[str, Json]) -> list[str]:
    args = container.get("args")
    return [str(word) for word in args] if isinstance(args, list) else []


def _at(value: Json, *path: str) -> Mapping[str, Json]:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _order(detail: PipelineTaskDetail) -> float:
    return detail.create_time.timestamp() if detail.create_time else 0.0


def _message(found: PipelineJob) -> str:
    """What the job and its failed tasks say."""
    said = [found.error.message] if found.error.message else []
    for detail in found.job_detail.task_details:
        if detail.state.name == "FAILED" and detail.error.message:
            said.append(f"{detail.task_name}: {detail.error.message}")
    return printable("; ".join(" ".join(one.split()).rstrip(".;") for one in said))[:_LONGEST_WORDS]


_TYPES: Mapping[str, tuple[str, type | tuple[type, ...]]] = {
    "NUMBER_INTEGER": ("a whole number", int),
    "NUMBER_DOUBLE": ("a number", (int, float)),
    "STRING": ("a text", str),
    "BOOLEAN": ("true or false", bool),
    "LIST": ("a list", (list, tuple)),
    "STRUCT": ("a mapping", Mapping),
}


def _checked(spec: Mapping[str, Json], given: Mapping[str, Json]) -> dict[str, Json]:
    """The parameters that are set, each of the type that the pipeline declares."""
    declared = _at(spec, "root", "inputDefinitions", "parameters")
    for name, value in given.items():
        rule = declared.get(name)
        if rule is None:
            known = ", ".join(sorted(declared)) or "none"
            raise StepProblem.because(
                "unknown-parameter",
                f"the compiled pipeline has no parameter {name!r}",
                hint=f"its parameters: {known}",
            )
        words, kind = _TYPES.get(str(_at(rule).get("parameterType")), ("", object))
        fits = isinstance(value, kind) and (kind is object or isinstance(value, bool) == (kind is bool))
        if value is not None and not fits:
            raise StepProblem.because(
                "wrong-parameter-type",
                f"the parameter {name!r} must be {words}",
                hint=f"it is {json.dumps(value)[:200]}",
            )
        if "{{" in json.dumps(value, ensure_ascii=False):
            raise StepProblem.because(
                "placeholder",
                f"the parameter {name!r} holds '{{{{', which Vertex AI reads as the beginning of a placeholder",
                hint="give it another value",
            )
    return {name: value for name, value in given.items() if value is not None}


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
