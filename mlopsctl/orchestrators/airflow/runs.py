"""Runs and tasks as Airflow's API tells them, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from urllib.parse import quote

from mlopsctl.ground.digest import Json
from mlopsctl.orchestrators.contract import EngineRun, RunState

CANCELED_NOTE = "canceled by mlopsctl"
"""Airflow has no state for a run that somebody stopped; it fails, and its note says why."""

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


def run_of(dag: str, found: Mapping[str, Json], url: str, version: int) -> EngineRun:
    """A run of a DAG; ``url`` is Airflow's own address, ``version`` its API's."""
    id = str(found.get("dag_run_id", ""))
    conf = found.get("conf")
    ours = str(conf.get("mlopsctl_run", "")) if isinstance(conf, Mapping) else ""
    # As the DAG names the ledger of a run that it was given no id for.
    ours = ours or re.sub(r"[^A-Za-z0-9._-]", "-", id)
    state = _STATES.get(str(found.get("state")), RunState.PENDING)
    if state is RunState.FAILED and str(found.get("note") or "").startswith(CANCELED_NOTE):
        state = RunState.CANCELED
    named = quote(id, safe="")
    return EngineRun(
        id=f"{dag}/{id}",
        run=ours,
        state=state,
        started=_milliseconds(str(found.get("start_date") or found.get("run_after") or "")),
        url=f"{url}/dags/{dag}/runs/{named}" if version != 1 else f"{url}/dags/{dag}/grid?dag_run_id={named}",
        schedule=dag if found.get("run_type") == "scheduled" else "",
    )


def tasks_of(listed: Iterable[Mapping[str, Json]]) -> Iterator[tuple[str, RunState]]:
    """How tasks stand, by their ids; those that Airflow has not begun are left out."""
    for task in listed:
        if task.get("state") is not None:
            yield str(task.get("task_id")), _STATES.get(str(task["state"]), RunState.PENDING)


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0
