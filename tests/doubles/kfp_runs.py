"""Runs on the stand-in for Kubeflow Pipelines: started, advanced by the test or by a callback, cancelled."""

from __future__ import annotations

import threading
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.doubles.google_faults import GoogleError
from tests.doubles.kfp_listing import Thing, page
from tests.doubles.kfp_nodes import nodes
from tests.doubles.kfp_pipelines import found, narrow

if TYPE_CHECKING:
    from tests.doubles.kfp import Call, KfpDouble

_KEYS = frozenset(
    {"run_id", "id", "display_name", "name", "created_at", "finished_at", "description", "scheduled_at", "status",
     "storage_state", "namespace", "experiment_id", "state", "state_history", "recurring_run_id"}
)  # fmt: skip
_ENDED = frozenset({"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"})
_TYPES: dict[str, tuple[type, ...]] = {
    "NUMBER_DOUBLE": (int, float), "NUMBER_INTEGER": (int, float), "STRING": (str,), "BOOLEAN": (bool,),
    "LIST": (list,), "STRUCT": (dict,),
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A run to execute for real.

    Attributes:
        id: the server's.
        yaml: the uploaded bytes.
        parameters: as the run was given them; the pipeline's defaults are not among them.
        report: says how a task stands, by its name in the pipeline and the server's word for the state.
    """

    id: str
    yaml: bytes
    parameters: Mapping[str, Any]
    report: Callable[[str, str], None]


class Runs:
    """``runs`` by id.

    ``execute`` is called for every new run in a thread of its own and returns the state the run ends in; an exception
    is a failure. ``None``: the test says how runs go on.
    """

    def __init__(self, double: KfpDouble) -> None:
        self._double = double
        self.runs: dict[str, Thing] = {}
        self.execute: Callable[[Job], str] | None = None
        self._tasks: dict[str, dict[str, str]] = {}
        self._threads: list[threading.Thread] = []
        prefix = "run_service_"
        double.handlers |= {
            f"{prefix}create_run": lambda call: self.create(call.body),
            f"{prefix}list_runs": self._list,
            f"{prefix}get_run": self._get,
            f"{prefix}terminate_run": self._terminate,
        }

    def create(self, asked: Mapping[str, Any]) -> Thing:
        """Start a run, as the API and the server's scheduler do."""
        narrow("DisplayName", asked["display_name"])
        narrow("Description", asked.get("description", ""))
        pipelines = self._double.pipelines
        experiment = pipelines.experiment(asked.get("experiment_id", ""))
        reference = asked.get("pipeline_version_reference") or {}
        version = found(pipelines.versions, "pipeline version", reference.get("pipeline_version_id", ""))
        if version["pipeline_id"] != reference.get("pipeline_id"):
            raise GoogleError(400, "the version is of another pipeline")
        check_parameters(version["pipeline_spec"], asked.get("runtime_config"))
        now = self._double.now()
        thing = {
            **asked, "run_id": str(uuid.uuid4()), "state": "PENDING", "storage_state": "AVAILABLE", "created_at": now,
            "scheduled_at": now, "finished_at": "1970-01-01T00:00:00Z",
            "service_account": asked.get("service_account") or "pipeline-runner",
            "state_history": [{"update_time": now, "state": "PENDING"}],
        }  # fmt: skip
        thing["description"] = asked.get("description", "")
        id = thing["run_id"]
        self.runs[id], self._tasks[id] = thing, {}
        experiment["last_run_created_at"] = now
        if self.execute is not None:
            self._perform(id, version["pipeline_version_id"])
        return thing

    def advance(self, id: str, states: Mapping[str, str] | None = None, **more: str) -> None:
        """Say how tasks stand, by their names in the pipeline; the run goes on."""
        with self._double.lock:
            self._tasks[id] |= {**(states or {}), **more}
            if self.runs[id]["state"] == "PENDING":
                self._enter(id, "RUNNING")

    def end(self, id: str, state: str, message: str = "") -> None:
        """End a run."""
        with self._double.lock:
            if self.runs[id]["state"] not in _ENDED:
                self._enter(id, state, message)

    def wait(self) -> None:
        """Until every run that a callback executes has ended."""
        for thread in self._threads:
            thread.join()

    def _enter(self, id: str, state: str, message: str = "") -> None:
        run = self.runs[id]
        entry: Thing = {"update_time": self._double.now(), "state": state}
        if message:
            entry["error"] = {"code": 13, "message": message}
        run["state"] = state
        run["state_history"].append(entry)
        if state in _ENDED:
            run["finished_at"] = self._double.now()

    def _perform(self, id: str, version: str) -> None:
        execute, run = self.execute, self.runs[id]
        assert execute is not None
        given = (run.get("runtime_config") or {}).get("parameters") or {}

        def report(task: str, state: str) -> None:
            self.advance(id, {task: state})

        job = Job(id, self._double.pipelines.uploads[version], given, report)

        def perform() -> None:
            try:
                self.end(id, execute(job))
            except Exception:
                self.end(id, "FAILED", traceback.format_exc(limit=3))

        thread = threading.Thread(target=perform, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _list(self, call: Call) -> Thing:
        there = list(self.runs.values())
        if experiment := call.query.get("experiment_id"):
            self._double.pipelines.experiment(experiment)
            there = [one for one in there if one["experiment_id"] == experiment]
        else:
            namespace = self._double.namespace(call.query.get("namespace", ""))
            experiments = self._double.pipelines.experiments
            there = [one for one in there if experiments[one["experiment_id"]]["namespace"] == namespace]
        return page(there, "run", _KEYS, call.query)

    def _get(self, call: Call) -> Thing:
        id = call.path["run_id"]
        run = found(self.runs, "run", id)
        spec = self._double.pipelines.spec(run["pipeline_version_reference"]["pipeline_version_id"])
        details = nodes(id, spec, self._tasks[id], run["created_at"])
        answer = {**run, **({"run_details": {"task_details": details}} if details else {})}
        if run["state"] == "CANCELING":
            # The engine below stops what runs, which it calls failed.
            stopped = {name: "FAILED" for name, state in self._tasks[id].items() if state in ("RUNNING", "PENDING")}
            self._tasks[id] |= stopped
            self._enter(id, "CANCELED")
        return answer

    def _terminate(self, call: Call) -> Thing:
        run = found(self.runs, "run", call.path["run_id"])
        if run["state"] not in ("PENDING", "RUNNING", "PAUSED", "RUNTIME_STATE_UNSPECIFIED"):
            raise GoogleError(400, f"Failed to terminate a run {run['run_id']}. Row not found")
        self._enter(run["run_id"], "CANCELING")
        return {}


def check_parameters(spec: Mapping[str, Any], config: Mapping[str, Any] | None) -> None:
    """Refuse parameters as the server does: unknown ones, those of another type, and those that are missing."""
    known = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    if config is None:
        if known:
            raise GoogleError(400, f"pipeline requiring input has no parameter(s) provided. Need {sorted(known)}")
        return
    given = config.get("parameters") or {}
    if extra := sorted(set(given) - set(known)):
        raise GoogleError(400, f"parameter(s) provided are not required by pipeline: {', '.join(extra)}")
    for name, parameter in known.items():
        if name in given:
            kind = parameter.get("parameterType", "")
            value = given[name]
            if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "BOOLEAN"):
                raise GoogleError(400, f"input parameter {name} requires type {kind.lower()}")
        elif not parameter.get("isOptional") and "defaultValue" not in parameter:
            raise GoogleError(400, f"parameter {name} is not optional, yet has neither default value nor user value")
