"""Airflow as an engine: the DAG's files where it reads them, and its API for what it makes of them.

Which version Airflow has read is told by a tag of the DAG, so ``deploy`` waits for this one and no other. Without an
address of the API only the files are looked after, and whoever has the place sees to the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mlopsctl.ground.cron import five_fields
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.orchestrators.airflow.api import Api, mappings
from mlopsctl.orchestrators.airflow.files import DagFiles, dag_files
from mlopsctl.orchestrators.airflow.plan_file import PlanThere, plan_there, version_among, version_of
from mlopsctl.orchestrators.airflow.refusal import ImportFailure, Place, blamed, failures_of
from mlopsctl.orchestrators.airflow.runs import CANCELED_NOTE, run_of, tasks_of
from mlopsctl.orchestrators.contract import Deployed, EngineRun, Schedule, Wanted
from mlopsctl.orchestrators.specs import Airflow

_BETWEEN_LOOKS = 1.0


class AirflowEngine:
    """See :class:`~mlopsctl.orchestrators.contract.Engine`."""

    def __init__(
        self,
        settings: Airflow,
        project: Path,
        *,
        place: Place = lambda _: None,
        api: Api | None = None,
        files: DagFiles | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._files = files or dag_files(settings, project)
        self._api = api or (Api(settings) if settings.url is not None else None)
        self._url = (settings.url or "").rstrip("/")
        self._place, self._sleep, self._wait = place, sleep, settings.wait

    def look(self, wanted: Wanted) -> Deployed:
        files = self._files.read(wanted.bundle.files)
        there = plan_there(files, wanted.bundle)
        if self._api is None:
            notes = ("orchestrator.url is not set: Airflow itself was not asked",)
            return Deployed(bool(files), there.digest, tuple(_schedules(wanted, there, there.digest)), notes)
        found = self._dag(wanted)
        if found is None:
            return Deployed(bool(files))
        read = _version(found)
        version = there.digest if there.digest and read and read == there.version else read
        if found.get("has_import_errors"):
            version = ""
        paused = bool(found.get("is_paused"))
        return Deployed(True, version, tuple(_schedules(wanted, there, version, paused=paused)), paused=paused)

    def deploy(self, wanted: Wanted) -> tuple[str, ...]:
        return tuple(self._deployed(wanted))

    def remove(self, wanted: Wanted) -> tuple[str, ...]:
        done = []
        if self._api is not None and self._files.read(wanted.bundle.files) and self._dag(wanted) is not None:
            # First: while files go, and Airflow forgets them in its own time, nothing starts.
            self._pause(wanted, paused=True)
            done.append(f"paused the DAG {wanted.name}")
        removed = self._files.remove(wanted.bundle.files, f"Remove the DAG {wanted.name}")
        return (*done, *(f"removed {name}" for name in removed))

    def start(self, wanted: Wanted, run: str, parameters: Mapping[str, Json]) -> str:
        api = self._required("start a run")
        path = f"dags/{api.name(wanted.name)}/dagRuns"
        content: dict[str, Json] = {"dag_run_id": run, "conf": dict(parameters)}
        doing = f"start a run of the DAG {wanted.name}"
        if api.answering(doing) != 1:
            content["logical_date"] = None
        api.make(doing, path, content)
        return f"{wanted.name}/{run}"

    def follow(self, id: str) -> EngineRun:
        api = self._required("follow a run")
        dag, _, run = id.partition("/")
        path = f"dags/{api.name(dag)}/dagRuns/{api.name(run)}"
        found = api.read(f"read the run {run} of the DAG {dag}", path)
        tasks = api.listed(f"read the tasks of the run {run}", f"{path}/taskInstances", "task_instances")
        return replace(run_of(dag, found, self._url, api.version), tasks=dict(tasks_of(tasks)))

    def recent(self, wanted: Wanted, limit: int) -> tuple[EngineRun, ...]:
        if self._api is None:
            return ()
        path = f"dags/{self._api.name(wanted.name)}/dagRuns"
        asked = {"limit": str(limit), "order_by": "-start_date"}
        found = self._api.find(f"read the runs of the DAG {wanted.name}", path, **asked)
        listed = mappings((found or {}).get("dag_runs"))
        return tuple(run_of(wanted.name, one, self._url, self._api.version) for one in listed)

    def cancel(self, id: str) -> None:
        api = self._required("cancel a run")
        if self.follow(id).state.ended:
            return
        dag, _, run = id.partition("/")
        doing, path = f"cancel the run {run} of the DAG {dag}", f"dags/{api.name(dag)}/dagRuns/{api.name(run)}"
        if api.version == 1:
            api.change(doing, f"{path}/setNote", {"note": CANCELED_NOTE})
            api.change(doing, path, {"state": "failed"})
        else:
            api.change(doing, path, {"state": "failed", "note": CANCELED_NOTE})

    def _deployed(self, wanted: Wanted) -> Iterator[str]:
        # Airflow is asked before anything is written: who cannot ask it, delivers nothing.
        known = frozenset(failure.seen for failure in self._failures(wanted)) if self._api is not None else frozenset()
        before = self._files.read(wanted.bundle.files)
        if before != wanted.bundle.files:
            self._files.write(wanted.bundle.files, f"Deploy the DAG {wanted.name}\n\n{wanted.bundle.digest}\n")
            yield f"wrote the DAG {wanted.name}"
        if self._api is None:
            return
        dag = self._parsed(wanted, known, before)
        if dag.get("is_paused") is not False:
            self._pause(wanted, paused=False)
            yield f"unpaused the DAG {wanted.name}"

    def _parsed(self, wanted: Wanted, known: frozenset[str], before: Mapping[str, bytes]) -> Mapping[str, Json]:
        """The DAG, once Airflow has read this version of it.

        Args:
            known: import errors that were there before it was written; they count when Airflow meets them again.
            before: the files that this version took the place of; they are put back where Airflow refuses it.

        Raises:
            StepProblem: with Airflow's own words when it refuses the DAG, or when it takes too long.
        """
        until = time.monotonic() + self._wait
        tag = version_of(wanted.bundle)
        while True:
            found = self._dag(wanted)
            if found is not None and _version(found) == tag and not found.get("has_import_errors"):
                return found
            is_over = time.monotonic() >= until
            for failure in self._failures(wanted):
                if is_over or failure.seen not in known:
                    raise self._refused(wanted, failure, before)
            if is_over:
                raise StepProblem.because(
                    "airflow-not-parsed",
                    f"Airflow has not read this version of the DAG {wanted.name} within {self._wait:.0f} s",
                    hint=f"check that its DAG processor runs and reads {self._files.where}, or raise "
                    "orchestrator.wait; then apply again",
                )
            self._sleep(_BETWEEN_LOOKS)

    def _refused(self, wanted: Wanted, failure: ImportFailure, before: Mapping[str, bytes]) -> StepProblem:
        """Airflow's words; the files are as they were before, since Airflow's workers read them too."""
        hint = f"the DAG lies in {self._files.where}"
        if before != wanted.bundle.files:
            why = f"Put the DAG {wanted.name} back\n\nAirflow could not read {wanted.bundle.digest}.\n"
            try:
                self._files.remove(set(wanted.bundle.files) - set(before), why)
                self._files.write(before, why)
                hint = f"{self._files.where} is as it was before"
            except Problem as problem:
                hint = f"{hint}; it could not be put back: {problem}"
        return StepProblem.because(
            "airflow-import-error",
            f"Airflow cannot read the DAG {wanted.name}: {failure.said}",
            hint=hint,
            span=blamed(failure.said, self._place),
        )

    def _failures(self, wanted: Wanted) -> tuple[ImportFailure, ...]:
        """Airflow's import errors about the DAG's file."""
        api = self._required("read import errors")
        return failures_of(wanted.name, api.listed("read Airflow's import errors", "importErrors", "import_errors"))

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


def _version(dag: Mapping[str, Json]) -> str:
    """The version that the DAG's tags tell; empty for none."""
    return version_among([str(tag.get("name", "")) for tag in mappings(dag.get("tags"))])


def _schedules(wanted: Wanted, there: PlanThere, version: str, *, paused: bool = False) -> Iterator[Schedule]:
    """The DAG's schedule, as the deployed plan has it; none where it has none."""
    if not there.cron:
        return
    # The plan has five fields where the project may have a word such as @weekly.
    asked = next((one.cron for one in wanted.schedules if five_fields(one.cron) == there.cron), there.cron)
    yield Schedule(wanted.name, asked, there.timezone, paused, there.max_active_runs, version)
