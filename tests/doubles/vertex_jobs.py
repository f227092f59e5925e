"""Pipeline jobs and schedules of Vertex AI in memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.doubles.google import Answer, Call, GoogleDouble, GoogleError
from tests.doubles.google_listing import listed

_API = "aiplatform.projects.locations."
_NOW = "2026-01-01T00:00:00Z"
_ENDED = frozenset({"PIPELINE_STATE_SUCCEEDED", "PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED"})

EMPTY = "type.googleapis.com/google.protobuf.Empty"
Operate = Callable[[str, str, str, Callable[[], Answer]], Answer]


@dataclass
class Jobs:
    """The jobs and schedules of one location.

    Attributes:
        progress: called each time a job is looked at; it may change the job (its ``state``, ``jobDetail``…). By default
            a job is pending, then running, then succeeded.
    """

    double: GoogleDouble
    operate: Operate
    jobs: dict[str, Answer] = field(default_factory=dict)
    schedules: dict[str, Answer] = field(default_factory=dict)
    progress: Callable[[Answer], None] | None = None

    def __post_init__(self) -> None:
        on = self.double.on
        on(f"{_API}pipelineJobs.create")(self._create_job)
        on(f"{_API}pipelineJobs.get")(self._get_job)
        on(f"{_API}pipelineJobs.list")(lambda call: listed(call, "pipelineJobs", list(self.jobs.values())))
        on(f"{_API}pipelineJobs.cancel")(self._cancel_job)
        on(f"{_API}pipelineJobs.delete")(lambda call: self._delete(self.jobs, call))
        on(f"{_API}schedules.create")(self._create_schedule)
        on(f"{_API}schedules.get")(lambda call: _found(self.schedules, call.path["name"]))
        on(f"{_API}schedules.list")(lambda call: listed(call, "schedules", list(self.schedules.values())))
        on(f"{_API}schedules.patch")(self._patch_schedule)
        on(f"{_API}schedules.pause")(lambda call: self._turn(call, "PAUSED"))
        on(f"{_API}schedules.resume")(lambda call: self._turn(call, "ACTIVE"))
        on(f"{_API}schedules.delete")(lambda call: self._delete(self.schedules, call))

    def _create_job(self, call: Call) -> Answer:
        id = call.query.get("pipelineJobId") or f"job-{next(self.double.ids)}"
        if not re.fullmatch(r"[a-z][-a-z0-9]{0,127}", id):
            raise GoogleError(400, f"Invalid pipeline job id: {id}")
        name = f"{call.path['parent']}/pipelineJobs/{id}"
        if name in self.jobs:
            raise GoogleError(409, f"PipelineJob {name} already exists.")
        spec = call.body.get("pipelineSpec")
        if not spec and not call.body.get("templateUri"):
            raise GoogleError(400, "one of pipeline_spec and template_uri is needed")
        declared = (spec or {}).get("root", {}).get("inputDefinitions", {}).get("parameters", {})
        given = call.body.get("runtimeConfig", {}).get("parameterValues", {})
        unknown = sorted(set(given) - set(declared)) if spec else []
        missing = sorted(
            name for name, rule in declared.items()
            if name not in given and "defaultValue" not in rule and not rule.get("isOptional")
        )  # fmt: skip
        if unknown or missing:
            raise GoogleError(400, f"parameter_values: unknown {unknown}, missing {missing}")
        job = {**call.body, "name": name, "state": "PIPELINE_STATE_PENDING", "createTime": _NOW, "updateTime": _NOW}
        self.jobs[name] = job
        return job

    def _get_job(self, call: Call) -> Answer:
        job = _found(self.jobs, call.path["name"])
        if job["state"] not in _ENDED:
            if self.progress is not None:
                self.progress(job)
            elif job["state"] == "PIPELINE_STATE_CANCELLING":
                job["state"] = "PIPELINE_STATE_CANCELLED"
            elif job["state"] == "PIPELINE_STATE_PENDING":
                job |= {"state": "PIPELINE_STATE_RUNNING", "startTime": _NOW}
            else:
                job |= {"state": "PIPELINE_STATE_SUCCEEDED", "endTime": _NOW}
        return job

    def _cancel_job(self, call: Call) -> Answer:
        job = _found(self.jobs, call.path["name"])
        if job["state"] not in _ENDED:
            job["state"] = "PIPELINE_STATE_CANCELLING"
        return {}

    def _create_schedule(self, call: Call) -> Answer:
        if "cron" not in call.body:
            raise GoogleError(400, "time_specification: cron is needed")
        name = f"{call.path['parent']}/schedules/{next(self.double.ids)}"
        made = {"name": name, "state": "ACTIVE", "createTime": _NOW, "updateTime": _NOW, "nextRunTime": _NOW}
        self.schedules[name] = {**call.body, **made, "startedRunCount": "0"}
        return self.schedules[name]

    def _patch_schedule(self, call: Call) -> Answer:
        schedule = _found(self.schedules, call.path["name"])
        mask = call.query.get("updateMask", "").split(",")
        changed = {re.sub(r"_(\w)", lambda found: found[1].upper(), one) for one in mask}
        fixed = {"name", "state", "createTime", "updateTime"} & changed
        if fixed:
            raise GoogleError(400, f"update_mask may not name {sorted(fixed)}")
        for key in changed:
            if key in call.body:
                schedule[key] = call.body[key]
            else:
                schedule.pop(key, None)
        return schedule

    def _turn(self, call: Call, state: str) -> Answer:
        _found(self.schedules, call.path["name"])["state"] = state
        return {}

    def _delete(self, kept: dict[str, Answer], call: Call) -> Answer:
        name = call.path["name"]
        _found(kept, name)
        parent = "/".join(name.split("/")[:4])

        def finish() -> Answer:
            kept.pop(name, None)
            return {}

        return self.operate(parent, "DeleteOperationMetadata", EMPTY, finish)


def _found(kept: dict[str, Answer], name: str) -> Answer:
    if name not in kept:
        raise GoogleError(404, f"{name} is not found.")
    return kept[name]
