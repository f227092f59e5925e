"""Airflow as an engine: the DAG's files in its folder, and its API for what Airflow makes of them.

Which version Airflow has read is told by a tag of the DAG, so ``deploy`` waits for this one and no other. Without an
address of the API only the files are looked after, and whoever has the folder sees to the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.orchestrators.airflow.api import Api
from mlopsctl.orchestrators.airflow.files import DagFiles
from mlopsctl.orchestrators.airflow.plan_file import VERSION_TAG, version_of
from mlopsctl.orchestrators.contract import Deployed, EngineRun, RunState, Schedule, Wanted
from mlopsctl.orchestrators.specs import Airflow

_SECONDS_TO_PARSE = 180.0
_BETWEEN_LOOKS = 1.0
_LONGEST_TRACE = 2_000

_STATES = {
    "success": RunState.SUCCESS,
    "failed": RunState.FAILED,
    "skipped": RunState.SKIPPED,
    "upstream_failed": RunState.SKIPPED,
    "removed": RunState.CANCELED,
    "running": RunState.RUNNING,
    "restarting": RunState.RUNNING,
    "up_for_retry": RunState.RUNNING,
    "up_for_reschedule": RunState.RUNNING,
    "deferred": RunState.RUNNING,
}


class AirflowEngine:
    """See :class:`~mlopsctl.orchestrators.contract.Engine`."""

    def __init__(
        self,
        settings: Airflow,
        project: Path,
        *,
        api: Api | None = None,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = _SECONDS_TO_PARSE,
    ) -> None:
        self._files = DagFiles(project / settings.dags)
        self._api = api or (Api(settings) if settings.url is not None else None)
        self._url = (settings.url or "").rstrip("/")
        self._sleep, self._patience = sleep, patience

    def look(self, wanted: Wanted) -> Deployed:
        there = self._files.version(wanted)
        if self._api is None:
            notes = ("orchestrator.url is not set: Airflow itself was not asked",)
            return Deployed(bool(there), there, wanted.schedules if there else (), notes)
        found = self._dag(wanted)
        if found is None:
            return Deployed(bool(there), "", ())
        read = _tagged(found)
        version = there if read == version_of(wanted.bundle) and there == wanted.bundle.digest else read
        schedule = _schedule(wanted, found, version)
        return Deployed(True, version, (schedule,) if schedule is not None else ())

    def deploy(self, wanted: Wanted) -> tuple[str, ...]:
        return tuple(self._deployed(wanted))

    def remove(self, wanted: Wanted) -> tuple[str, ...]:
        done = list(self._files.remove(wanted))
        if self._api is not None and done and self._dag(wanted) is not None:
            self._pause(wanted, paused=True)
            done.append(f"paused the DAG {wanted.name}")
        return tuple(done)

    def start(self, wanted: Wanted, run: str, parameters: Mapping[str, Json]) -> str:
        api = self._required("start a run")
        path = f"dags/{api.name(wanted.name)}/dagRuns"
        content: dict[str, Json] = {"dag_run_id": run, "conf": dict(parameters)}
        if api.version != 1:
            content["logical_date"] = None
        api.make(f"start a run of the DAG {wanted.name}", path, content)
        return f"{wanted.name}/{run}"

    def follow(self, id: str) -> EngineRun:
        api = self._required("follow a run")
        dag, _, run = id.partition("/")
        path = f"dags/{api.name(dag)}/dagRuns/{api.name(run)}"
        found = api.read(f"read the run {run} of the DAG {dag}", path)
        tasks = api.read(f"read the tasks of the run {run}", f"{path}/taskInstances", limit="1000")
        return replace(self._run(dag, found), tasks=dict(_tasks(tasks)))

    def recent(self, wanted: Wanted, limit: int) -> tuple[EngineRun, ...]:
        if self._api is None:
            return ()
        path = f"dags/{self._api.name(wanted.name)}/dagRuns"
        asked = {"limit": str(limit), "order_by": "-start_date"}
        found = self._api.find(f"read the runs of the DAG {wanted.name}", path, **asked)
        listed = (found or {}).get("dag_runs")
        return tuple(self._run(wanted.name, one) for one in _mappings(listed))

    def cancel(self, id: str) -> None:
        api = self._required("cancel a run")
        if self.follow(id).state.ended:
            return
        dag, _, run = id.partition("/")
        path = f"dags/{api.name(dag)}/dagRuns/{api.name(run)}"
        api.change(f"cancel the run {run} of the DAG {dag}", path, {"state": "failed"})

    def _deployed(self, wanted: Wanted) -> Iterator[str]:
        if self._files.version(wanted) != wanted.bundle.digest:
            self._files.write(wanted)
            yield f"wrote the DAG {wanted.name}"
        if self._api is None:
            return
        dag = self._parsed(wanted)
        if dag.get("is_paused") is not False:
            self._pause(wanted, paused=False)
            yield f"unpaused the DAG {wanted.name}"

    def _parsed(self, wanted: Wanted) -> Mapping[str, Json]:
        """The DAG, once Airflow has read this version of it.

        Raises:
            StepProblem: with Airflow's own words when it refuses the DAG, or when it takes too long.
        """
        until = time.monotonic() + self._patience
        tag = version_of(wanted.bundle)
        while True:
            found = self._dag(wanted)
            if found is not None and _tagged(found) == tag and not found.get("has_import_errors"):
                return found
            if refusal := self._import_error(wanted):
                raise StepProblem.because(
                    "airflow-import-error",
                    f"Airflow cannot read the DAG {wanted.name}: {refusal}",
                    hint=f"its file is {self._files.folder / f'{wanted.name}.py'}; see `mlopsctl doctor` for versions",
                )
            if time.monotonic() >= until:
                seconds = f"{self._patience:.0f} s"
                raise StepProblem.because(
                    "airflow-not-parsed",
                    f"Airflow has not read this version of the DAG {wanted.name} within {seconds}",
                    hint=f"check that its DAG processor runs and reads {self._files.folder}; then apply again",
                )
            self._sleep(_BETWEEN_LOOKS)

    def _import_error(self, wanted: Wanted) -> str:
        """Airflow's own words on the DAG's file, if it could not be read; empty otherwise."""
        api = self._required("read import errors")
        found = api.read("read Airflow's import errors", "importErrors", limit="100")
        for error in _mappings(found.get("import_errors")):
            if str(error.get("filename", "")).rpartition("/")[2] == f"{wanted.name}.py":
                lines = str(error.get("stack_trace", "")).strip().splitlines()
                return printable(lines[-1])[:_LONGEST_TRACE] if lines else "it does not say why"
        return ""

    def _dag(self, wanted: Wanted) -> Mapping[str, Json] | None:
        api = self._required("read a DAG")
        found = api.find(f"read the DAG {wanted.name}", f"dags/{api.name(wanted.name)}/details")
        return None if found is None or found.get("is_stale") or found.get("is_active") is False else found

    def _pause(self, wanted: Wanted, *, paused: bool) -> None:
        api = self._required("pause a DAG")
        word = "pause" if paused else "unpause"
        api.change(f"{word} the DAG {wanted.name}", f"dags/{api.name(wanted.name)}", {"is_paused": paused})

    def _required(self, doing: str) -> Api:
        if self._api is None:
            raise StepProblem.because(
                "airflow-no-address",
                f"cannot {doing}: orchestrator.url is not set",
                hint="write the address of Airflow's API; without it the DAG is only written",
            )
        return self._api

    def _run(self, dag: str, found: Mapping[str, Json]) -> EngineRun:
        id = str(found.get("dag_run_id", ""))
        conf = found.get("conf")
        ours = str(conf.get("mlopsctl_run", "")) if isinstance(conf, Mapping) else ""
        return EngineRun(
            id=f"{dag}/{id}",
            run=ours,
            state=_STATES.get(str(found.get("state")), RunState.PENDING),
            started=_milliseconds(str(found.get("start_date") or found.get("run_after") or "")),
            url=f"{self._url}/dags/{dag}/runs/{id}" if self._api and self._api.version != 1 else self._url,
        )


def _tagged(dag: Mapping[str, Json]) -> str:
    """The version that the DAG's tag tells; empty for none."""
    names = (str(tag.get("name", "")) for tag in _mappings(dag.get("tags")))
    return next((name.removeprefix(VERSION_TAG) for name in names if name.startswith(VERSION_TAG)), "")


def _schedule(wanted: Wanted, dag: Mapping[str, Json], version: str) -> Schedule | None:
    """The DAG's schedule; Airflow has it from the file, so only the pause and the version can differ by hand."""
    if not wanted.schedules:
        return None
    asked = wanted.schedules[0]
    if version != asked.version:
        return replace(asked, version=version, paused=bool(dag.get("is_paused")))
    return replace(asked, paused=bool(dag.get("is_paused")))


def _tasks(found: Mapping[str, Json]) -> Iterator[tuple[str, RunState]]:
    for task in _mappings(found.get("task_instances")):
        if task.get("state") is not None:
            yield str(task.get("task_id")), _STATES.get(str(task["state"]), RunState.PENDING)


def _mappings(value: Json) -> list[Mapping[str, Json]]:
    listed = value if isinstance(value, list | tuple) else ()
    return [one for one in listed if isinstance(one, Mapping)]


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0
