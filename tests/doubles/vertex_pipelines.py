"""Vertex AI Pipelines in memory: jobs that go on as a test says, and schedules that keep Vertex AI's own rules.

    pipelines = Pipelines()
    with serving(pipelines.double) as base: ...
    pipelines.state(job, "RUNNING"); pipelines.task(job, "train", "SUCCEEDED"); pipelines.state(job, "SUCCEEDED")

Stricter than the generic stand-in: the documented filters and orders, read masks, the pipeline's file, the types of
parameters, what an update may change, what no state allows. Times go on by a second with every change.
"""

from __future__ import annotations

import itertools
import re
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlopsctl.ground.cron import cron_problem
from tests.doubles.google import Answer, Call, GoogleDouble, GoogleError
from tests.doubles.vertex_pipelines_lists import JOBS, SCHEDULES, page

API = "aiplatform.projects.locations."
ENDED = frozenset({"PIPELINE_STATE_SUCCEEDED", "PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED"})
_OUTPUT_ONLY = frozenset(
    {"name", "state", "createTime", "updateTime", "nextRunTime", "startedRunCount", "catchUp", "lastPauseTime"}
)
_MAY_CHANGE = frozenset(
    {"displayName", "cron", "startTime", "endTime", "maxRunCount", "allowQueueing", "maxConcurrentRunCount",
     "maxConcurrentActiveRunCount", "createPipelineJobRequest"}
)  # fmt: skip
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "STRING": lambda value: isinstance(value, str),
    "BOOLEAN": lambda value: isinstance(value, bool),
    "NUMBER_INTEGER": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0,
    "NUMBER_DOUBLE": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "LIST": lambda value: isinstance(value, list),
    "STRUCT": lambda value: isinstance(value, dict),
}


@dataclass
class Pipelines:
    """The pipeline jobs and schedules of one location.

    Attributes:
        jobs, schedules: by resource name, oldest first.
        fills_in: is given every new schedule, which it may complete as a service does.
        updates_jobs: whether an update may change the job that a schedule starts.
        looks_until_gone: how often a deleted schedule is still seen.
        execute: is given a job when it is first looked at, and runs it to its end.
    """

    double: GoogleDouble = field(
        default_factory=lambda: GoogleDouble(
            "aiplatform.v1", messages={"aiplatform.v1": "google.cloud.aiplatform_v1.types"}
        )
    )
    jobs: dict[str, Answer] = field(default_factory=dict)
    schedules: dict[str, Answer] = field(default_factory=dict)
    fills_in: Callable[[Answer], None] = lambda schedule: None
    updates_jobs: bool = True
    looks_until_gone: int = 0
    execute: Callable[[Answer], None] | None = None

    def __post_init__(self) -> None:
        self._seconds = itertools.count()
        self._going: dict[str, int] = {}
        handlers: Mapping[str, Callable[[Call], Answer]] = {
            "pipelineJobs.create": self._create_job,
            "pipelineJobs.get": self._get_job,
            "pipelineJobs.list": lambda call: page(call, "pipelineJobs", list(self.jobs.values()), JOBS),
            "pipelineJobs.cancel": self._cancel_job,
            "schedules.create": self._create_schedule,
            "schedules.get": lambda call: self._schedule(call.path["name"]),
            "schedules.list": lambda call: page(call, "schedules", list(self.schedules.values()), SCHEDULES),
            "schedules.patch": self._patch_schedule,
            "schedules.pause": lambda call: self._turn(call, "PAUSED"),
            "schedules.resume": lambda call: self._turn(call, "ACTIVE"),
            "schedules.delete": self._delete_schedule,
        }
        for name, handler in handlers.items():
            self.double.on(API + name)(handler)

    # What a test does.

    def job(self, id: str) -> Answer:
        """The job with that id, without the path before it."""
        return next(job for name, job in self.jobs.items() if name.endswith(f"/pipelineJobs/{id}"))

    def schedule(self, display_name: str) -> Answer:
        """The one schedule of that display name."""
        (found,) = (one for one in self.schedules.values() if one["displayName"] == display_name)
        return found

    def state(self, job: Answer, state: str, error: str = "") -> None:
        """Bring a job into a state such as ``RUNNING`` or ``FAILED``."""
        job |= {"state": f"PIPELINE_STATE_{state}", "updateTime": self.now()}
        if error:
            job["error"] = {"code": 9, "message": error}
        if job["state"] in ENDED:
            job["endTime"] = job["updateTime"]

    def task(self, job: Answer, name: str, state: str, *, parent: str = "", error: str = "") -> None:
        """Bring a task into a state; a new one gets an id and, when named, the newest task of its ``parent``."""
        details = job.setdefault("jobDetail", {}).setdefault("taskDetails", [])
        found = next((one for one in details if one["taskName"] == name and one["state"] not in ("FAILED",)), None)
        if found is None:
            above = [one["taskId"] for one in details if one["taskName"] == parent]
            found = {"taskId": str(next(self.double.ids)), "taskName": name, "createTime": self.now()}
            found |= {"parentTaskId": above[-1]} if above else {}
            details.append(found)
        found["state"] = state
        if error:
            found["error"] = {"code": 9, "message": error}

    def fire(self, schedule: Answer) -> Answer:
        """Start the job of a schedule, as its time does.

        Raises:
            AssertionError: when the schedule starts nothing now.
        """
        assert schedule["state"] == "ACTIVE", "a schedule that is paused or completed starts nothing"
        going = [one for one in self.jobs.values() if one.get("scheduleName") == schedule["name"]]
        limit = int(schedule.get("maxConcurrentActiveRunCount", 0)) or len(going) + 1
        assert sum(one["state"] not in ENDED for one in going) < limit, "as many runs as may go on are going on"
        parent, _, number = schedule["name"].rpartition("/schedules/")
        body = schedule["createPipelineJobRequest"]["pipelineJob"]
        job = self._add_job(parent, f"schedule-{number}-{next(self.double.ids)}", body)
        job["scheduleName"] = schedule["name"]
        schedule["startedRunCount"] = str(int(schedule["startedRunCount"]) + 1)
        return job

    def now(self) -> str:
        """The time; it goes on."""
        second = next(self._seconds)
        return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"

    # What the service does.

    def _create_job(self, call: Call) -> Answer:
        id = call.query.get("pipelineJobId") or f"job-{next(self.double.ids)}"
        if not re.fullmatch(r"[a-z][-a-z0-9]{0,126}", id):
            raise GoogleError(400, f"Invalid pipeline job id: {id}")
        if f"{call.path['parent']}/pipelineJobs/{id}" in self.jobs:
            raise GoogleError(409, f"PipelineJob {call.path['parent']}/pipelineJobs/{id} already exists.")
        return self._add_job(call.path["parent"], id, call.body)

    def _add_job(self, parent: str, id: str, body: Answer) -> Answer:
        check_job(body)
        name, now = f"{parent}/pipelineJobs/{id}", self.now()
        labels = {**body.get("labels", {}), "vertex-ai-pipelines-run-billing-id": str(next(self.double.ids))}
        made = {"name": name, "state": "PIPELINE_STATE_PENDING", "createTime": now, "updateTime": now}
        self.jobs[name] = {**body, "labels": labels, **made}
        return self.jobs[name]

    def _get_job(self, call: Call) -> Answer:
        job = self._job(call.path["name"])
        if self.execute is not None and job["state"] == "PIPELINE_STATE_PENDING":
            self.state(job, "RUNNING")
            self.execute(job)
        return job

    def _job(self, name: str) -> Answer:
        if name not in self.jobs:
            raise GoogleError(404, f"The PipelineJob does not exist: {name}")
        return self.jobs[name]

    def _cancel_job(self, call: Call) -> Answer:
        job = self._job(call.path["name"])
        if job["state"] in ENDED:
            raise GoogleError(400, f"The job is in state {job['state']} already.", status="FAILED_PRECONDITION")
        self.state(job, "CANCELLING")
        return {}

    def _create_schedule(self, call: Call) -> Answer:
        check_schedule(call.body, call.path["parent"])
        number, now = next(self.double.ids), self.now()
        name = f"{call.path['parent']}/schedules/{number}"
        made = {"name": name, "state": "ACTIVE", "createTime": now, "updateTime": now, "startedRunCount": "0"}
        self.schedules[name] = {**call.body, **made, "nextRunTime": now}
        self.fills_in(self.schedules[name])
        return self.schedules[name]

    def _schedule(self, name: str) -> Answer:
        if self._going.get(name, 0) > 0:
            self._going[name] -= 1
        elif name in self._going:
            self.schedules.pop(name, None)
        if name not in self.schedules:
            raise GoogleError(404, f"The Schedule does not exist: {name}")
        return self.schedules[name]

    def _patch_schedule(self, call: Call) -> Answer:
        schedule = self._schedule(call.path["name"])
        if schedule["state"] == "COMPLETED":
            raise GoogleError(400, "A completed schedule cannot be updated.", status="FAILED_PRECONDITION")
        mask = {_camel(one) for one in call.query.get("updateMask", "").split(",")}
        if not mask <= _MAY_CHANGE - (set() if self.updates_jobs else {"createPipelineJobRequest"}):
            raise GoogleError(400, f"update_mask: {sorted(mask - _MAY_CHANGE) or 'createPipelineJobRequest'} is fixed")
        changed = {**schedule, **{key: call.body[key] for key in mask if key in call.body}}
        _refuse_unset(schedule, {**schedule, **{key: call.body.get(key) for key in mask}}, mask)
        check_schedule({key: one for key, one in changed.items() if key not in _OUTPUT_ONLY}, _location(schedule))
        schedule |= {**changed, "updateTime": self.now()}
        self.fills_in(schedule)
        return schedule

    def _turn(self, call: Call, state: str) -> Answer:
        schedule = self._schedule(call.path["name"])
        if schedule["state"] in ("COMPLETED", state):
            message = f"The schedule is {schedule['state']} already."
            raise GoogleError(400, message, status="FAILED_PRECONDITION")
        schedule |= {"state": state, "updateTime": self.now()}
        if state == "ACTIVE":
            schedule["catchUp"] = bool(call.body.get("catchUp", False))
        return {}

    def _delete_schedule(self, call: Call) -> Answer:
        schedule = self._schedule(call.path["name"])
        if self.looks_until_gone:
            self._going[schedule["name"]] = self.looks_until_gone
        else:
            del self.schedules[schedule["name"]]
        operation = f"{_location(schedule)}/operations/{next(self.double.ids)}"
        return {"name": operation, "done": not self.looks_until_gone}


def check_job(body: Answer) -> None:
    """Refuse a job that Vertex AI would refuse.

    Raises:
        GoogleError: 400.
    """
    wrong = list(_wrong_job(body))
    if wrong:
        raise GoogleError(400, "; ".join(wrong))


def check_schedule(body: Answer, parent: str) -> None:
    """Refuse a schedule that Vertex AI would refuse.

    Raises:
        GoogleError: 400.
    """
    request = body.get("createPipelineJobRequest")
    if not isinstance(request, dict) or "pipelineJob" not in request:
        raise GoogleError(400, "create_pipeline_job_request.pipeline_job is needed")
    wrong = [] if request.get("parent") == parent else ["create_pipeline_job_request.parent is another location"]
    zoned = re.fullmatch(r"(?:(?:CRON_)?TZ=(\S+) )?(.+)", body.get("cron", ""))
    if zoned is None or cron_problem(zoned[2]) or zoned[2].startswith("@"):
        wrong.append(f"cron is not valid: {body.get('cron')!r}")
    elif zoned[1] and zoned[1] not in zoneinfo.available_timezones():
        wrong.append(f"cron: unknown time zone {zoned[1]}")
    if int(body.get("maxConcurrentRunCount", 0)) < 1:
        wrong.append("max_concurrent_run_count must be positive")
    if not 1 <= len(body.get("displayName", "")) <= 128:
        wrong.append("display_name must have 1 to 128 characters")
    if wrong:
        raise GoogleError(400, "; ".join(wrong))
    check_job(request["pipelineJob"])


def _wrong_job(body: Answer) -> Iterator[str]:
    if len(body.get("displayName", "")) > 128:
        yield "display_name is longer than 128 characters"
    for key, value in body.get("labels", {}).items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
            yield f"invalid label {key}={value}"
    if body.get("network") and not re.fullmatch(r"projects/[^/]+/global/networks/[^/]+", body["network"]):
        yield "network is not projects/NUMBER/global/networks/NAME"
    config = body.get("runtimeConfig", {})
    if not str(config.get("gcsOutputDirectory", "")).startswith("gs://"):
        yield "runtime_config.gcs_output_directory must be on gs://"
    spec = body.get("pipelineSpec")
    if not spec:
        yield "pipeline_spec is needed"
        return
    yield from _wrong_spec(spec)
    declared = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    given = config.get("parameterValues", {})
    yield from (f"unknown parameter {name}" for name in sorted(set(given) - set(declared)))
    for name, rule in declared.items():
        if name in given and not _TYPES[rule["parameterType"]](given[name]):
            yield f"parameter {name} is not a {rule['parameterType']}"
        if name not in given and "defaultValue" not in rule and not rule.get("isOptional"):
            yield f"parameter {name} is missing"


def _wrong_spec(spec: Answer) -> Iterator[str]:
    """By the vendor's own messages, and the few rules beside them."""
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    try:
        read = json_format.ParseDict(spec, pb.PipelineSpec())
        deployment = json_format.ParseDict(spec.get("deploymentSpec", {}), pb.PipelineDeploymentConfig())
    except json_format.ParseError as problem:
        yield f"pipeline_spec: {problem}"
        return
    if read.schema_version not in ("2.0.0", "2.1.0"):
        yield f"pipeline_spec.schema_version {read.schema_version!r} is not supported"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,127}", read.pipeline_info.name):
        yield f"pipeline_spec.pipeline_info.name {read.pipeline_info.name!r} is not valid"
    for name, component in read.components.items():
        if component.executor_label and component.executor_label not in deployment.executors:
            yield f"pipeline_spec: the component {name} has no executor"


def _refuse_unset(before: Answer, after: Answer, mask: set[str], path: str = "") -> None:
    """A field that is set cannot be unset; what is a map as a whole may be replaced."""
    for key in mask:
        old, new = before.get(key), after.get(key)
        if old and not new:
            raise GoogleError(400, f"{path}{key}: a field that is not empty cannot be unset")
        if isinstance(old, dict) and isinstance(new, dict) and key in ("createPipelineJobRequest", "pipelineJob"):
            _refuse_unset(old, new, set(old), f"{path}{key}.")


def _location(schedule: Answer) -> str:
    return str(schedule["name"]).rpartition("/schedules/")[0]


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
