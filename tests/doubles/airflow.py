"""A stand-in for Airflow's REST API, version 1 or 2, that is held to Airflow's own OpenAPI files.

It reads the DAG's files as a DAG processor would, keeps runs, and lets go wrong what a test asks for:

    double = AirflowDouble(2, lambda: read_files())
    with serving(double) as url:
        double.faults.broken("trigger", 503, times=1)

A request that Airflow would not understand is answered with 422, an answer of the double's own that Airflow could not
give with 418; both are kept in ``lies``.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from werkzeug.wrappers import Request, Response

from tests.doubles.airflow_contract import NotTheContract, contract
from tests.doubles.google import serving
from tests.doubles.google_faults import CutOff, Faults, GoogleError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["AirflowDouble", "serving"]

MOMENT = "2026-01-01T00:00:00+00:00"
_OPERATIONS = (
    ("version", "GET", r"/version"),
    ("import_errors", "GET", r"/importErrors"),
    ("details", "GET", r"/dags/([^/]+)/details"),
    ("patch_dag", "PATCH", r"/dags/([^/]+)"),
    ("trigger", "POST", r"/dags/([^/]+)/dagRuns"),
    ("runs", "GET", r"/dags/([^/]+)/dagRuns"),
    ("run", "GET", r"/dags/([^/]+)/dagRuns/([^/]+)"),
    ("patch_run", "PATCH", r"/dags/([^/]+)/dagRuns/([^/]+)"),
    ("note", "PATCH", r"/dags/([^/]+)/dagRuns/([^/]+)/setNote"),
    ("tasks", "GET", r"/dags/([^/]+)/dagRuns/([^/]+)/taskInstances"),
)


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass
class RunThere:
    """A run, and how often somebody looked at it: it goes on by one state a look."""

    id: str
    conf: Mapping[str, Any]
    state: str = "queued"
    note: str | None = None
    looks: int = 0


@dataclass
class AirflowDouble:
    """A WSGI application.

    Attributes:
        version: of the API.
        files: the files of the DAG folder, by name.
        refuses: the words with which every DAG file is refused; empty: none is.
        user: name and password that are asked for; ``None``: everybody may come.
        ends: the state that runs come to, after so many looks.
    """

    version: int
    files: Callable[[], Mapping[str, bytes]]
    refuses: str = ""
    user: tuple[str, str] | None = None
    tokens: set[str] = field(default_factory=set)
    ends: str = "success"
    looks_to_end: int = 2
    paused: dict[str, bool] = field(default_factory=dict)
    runs: dict[str, RunThere] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        with self.lock:
            try:
                status, body = self._answer(request)
            except CutOff:
                _cut(environ)
            except Refused as refused:
                status, body = refused.status, self._error(refused.status, str(refused))
            except GoogleError as fault:
                status, body = fault.code, self._error(fault.code, fault.message)
        return Response(json.dumps(body), status, content_type="application/json")(environ, start)

    def _answer(self, request: Request) -> tuple[int, Any]:
        if request.path == "/auth/token" and self.version == 2:
            return self._with_faults("token", lambda: self._token(request))
        prefix = f"/api/v{self.version}"
        if not request.path.startswith(f"{prefix}/"):
            raise Refused(404, "Not Found")
        path = request.path.removeprefix(prefix)
        body = json.loads(request.data) if request.data else None
        for name, method, pattern in _OPERATIONS:
            if method == request.method and (found := re.fullmatch(pattern, path)):
                return self._with_faults(name, partial(self._checked, request, name, path, found.groups(), body))
        raise Refused(404, "Not Found")

    def _with_faults(self, name: str, act: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
        self.calls.append(name)
        lost = self.faults.before(name)
        try:
            return act()
        finally:
            if lost:
                raise CutOff

    def _checked(self, request: Request, name: str, path: str, parts: tuple[str, ...], body: Any) -> tuple[int, Any]:
        rules = contract(self.version)
        if name != "version":
            self._let_in(request)
        operation = rules.find(request.method, path)
        try:
            rules.check_request(operation, request.args.to_dict(), body)
        except NotTheContract as wrong:
            self.lies.append(str(wrong))
            raise Refused(422, str(wrong)) from wrong
        act = getattr(self, f"_do_{name}")
        status, found = act(*parts, query=request.args.to_dict(), body=body)
        try:
            rules.check_answer(operation, status, found)
        except NotTheContract as wrong:
            self.lies.append(str(wrong))
            raise Refused(418, str(wrong)) from wrong
        return status, found

    def _let_in(self, request: Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.version == 2 and token not in self.tokens:
            raise Refused(401, "Not authenticated")
        if self.version == 1 and self.user is not None:
            given = request.authorization
            known = given is not None and (given.username, given.password) == self.user
            if not known and token not in self.tokens:
                raise Refused(401, "Unauthorized")

    def _token(self, request: Request) -> tuple[int, Any]:
        if self.user is not None:
            given = json.loads(request.data) if request.data else {}
            if (given.get("username"), given.get("password")) != self.user:
                raise Refused(401, "Invalid credentials")
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return 201, {"access_token": token}

    def _do_version(self, **_: Any) -> tuple[int, Any]:
        return 200, {"version": "3.3.2" if self.version == 2 else "2.11.2", "git_version": None}

    def _do_import_errors(self, query: Mapping[str, str], **_: Any) -> tuple[int, Any]:
        found = [
            {
                "import_error_id": next(self._ids),
                "timestamp": datetime.now(UTC).isoformat(),
                "filename": f"/opt/airflow/dags/{name}" if self.version == 1 else name,
                "stack_trace": f"Traceback (most recent call last):\n  File 'x', line 3\n{self.refuses}\n",
                **({"bundle_name": "dags-folder"} if self.version == 2 else {}),
            }
            for name in self.files()
            if self.refuses and name.endswith(".py")
        ]
        return 200, {"import_errors": found, "total_entries": len(found)}

    def _do_details(self, dag: str, **_: Any) -> tuple[int, Any]:
        plan = self._plan(dag)
        if plan is None:
            raise Refused(404, f"The DAG with dag_id: {dag} was not found")
        return 200, self._described(dag, plan)

    def _do_patch_dag(self, dag: str, body: Any, **_: Any) -> tuple[int, Any]:
        plan = self._plan(dag)
        if plan is None:
            raise Refused(404, "not found")
        self.paused[dag] = body["is_paused"]
        described = self._described(dag, plan)
        return 200, {**described, "timetable_partitioned": False, "timetable_periodic": True}

    def _do_trigger(self, dag: str, body: Any, **_: Any) -> tuple[int, Any]:
        if self._plan(dag) is None:
            raise Refused(404, "not found")
        if body["dag_run_id"] in self.runs:
            raise Refused(409, "a run of this id is there already")
        run = self.runs[body["dag_run_id"]] = RunThere(body["dag_run_id"], body.get("conf") or {})
        return 200, self._run(dag, run)

    def _do_runs(self, dag: str, query: Mapping[str, str], **_: Any) -> tuple[int, Any]:
        if self._plan(dag) is None:
            raise Refused(404, "not found")
        listed = [self._run(dag, run) for run in reversed(self.runs.values())][: int(query["limit"])]
        return 200, {"dag_runs": listed, "total_entries": len(self.runs)}

    def _do_run(self, dag: str, id: str, **_: Any) -> tuple[int, Any]:
        run = self._known(id)
        run.looks += 1
        if run.state in ("queued", "running"):
            run.state = self.ends if run.looks > self.looks_to_end else "running"
        return 200, self._run(dag, run)

    def _do_patch_run(self, dag: str, id: str, body: Any, **_: Any) -> tuple[int, Any]:
        run = self._known(id)
        run.state = body.get("state", run.state)
        run.note = body.get("note", run.note)
        return 200, self._run(dag, run)

    def _do_note(self, dag: str, id: str, body: Any, **_: Any) -> tuple[int, Any]:
        self._known(id).note = body["note"]
        return 200, self._run(dag, self._known(id))

    def _do_tasks(self, dag: str, id: str, query: Mapping[str, str], **_: Any) -> tuple[int, Any]:
        run, plan = self._known(id), self._plan(dag) or {"tasks": []}
        state = run.state if run.state in ("success", "failed", "running") else None
        tasks = [{**self._task(dag, id, task["id"]), "state": state} for task in plan["tasks"]]
        # As Airflow does: whatever is asked for, never more than a page.
        start, size = int(query.get("offset", "0")), min(int(query.get("limit", "100")), 100)
        return 200, {"task_instances": tasks[start : start + size], "total_entries": len(tasks)}

    def _known(self, id: str) -> RunThere:
        if id not in self.runs:
            raise Refused(404, "DAGRun not found")
        return self.runs[id]

    def _plan(self, dag: str) -> Any:
        files = self.files()
        if self.refuses or not {f"{dag}.py", f"{dag}.json"} <= set(files):
            return None
        return json.loads(files[f"{dag}.json"])

    def _described(self, dag: str, plan: Any) -> dict[str, Any]:
        names = plan["tags"]
        paused = self.paused.setdefault(dag, True)
        if self.version == 1:
            return {
                "dag_id": dag, "is_paused": paused, "is_active": True, "owners": ["me"],
                "tags": [{"name": name} for name in names], "fileloc": f"/opt/airflow/dags/{dag}.py",
                "file_token": "t", "max_active_runs": plan["max_active_runs"], "catchup": False,
            }  # fmt: skip
        nothing = (
            "last_parsed_time", "last_parse_duration", "last_expired", "bundle_name", "bundle_version",
            "relative_fileloc", "description", "timetable_summary", "timetable_description",
            "max_consecutive_failed_dag_runs", "next_dagrun_logical_date", "next_dagrun_data_interval_start",
            "next_dagrun_data_interval_end", "next_dagrun_run_after", "dag_run_timeout", "asset_expression", "doc_md",
            "start_date", "end_date", "is_paused_upon_creation", "params", "template_search_path", "timezone",
            "last_parsed", "default_args",
        )  # fmt: skip
        return {
            **dict.fromkeys(nothing), "dag_id": dag, "dag_display_name": dag, "is_paused": paused, "is_stale": False,
            "fileloc": f"/opt/airflow/dags/{dag}.py", "timetable_partitioned": False, "timetable_periodic": True,
            "tags": [{"name": name, "dag_id": dag, "dag_display_name": dag} for name in names],
            "max_active_tasks": 16, "max_active_runs": plan["max_active_runs"],
            "max_consecutive_failed_dag_runs": 0, "has_task_concurrency_limits": False, "has_import_errors": False,
            "allowed_run_types": None, "owners": ["me"], "catchup": False, "render_template_as_native_obj": False,
            "rerun_with_latest_version": None, "owner_links": None, "is_favorite": False, "active_runs_count": 0,
            "is_backfillable": True, "file_token": "t", "concurrency": 16, "latest_dag_version": None,
            "timezone": "UTC",
        }  # fmt: skip

    def _run(self, dag: str, run: RunThere) -> dict[str, Any]:
        dated: dict[str, Any] = dict.fromkeys(
            ("end_date", "data_interval_start", "data_interval_end", "last_scheduling_decision"), None
        )
        shared = {
            **dated, "dag_run_id": run.id, "dag_id": dag, "start_date": MOMENT, "run_type": "manual",
            "state": run.state, "conf": run.conf, "note": run.note, "logical_date": None,
        }  # fmt: skip
        if self.version == 1:
            return {**shared, "logical_date": MOMENT, "execution_date": MOMENT, "external_trigger": True}
        nothing = ("queued_at", "duration", "bundle_version", "partition_key", "partition_date", "triggering_user_name")
        return {
            **shared, **dict.fromkeys(nothing), "run_after": MOMENT, "triggered_by": "rest_api", "dag_versions": [],
            "dag_display_name": dag,
        }  # fmt: skip

    def _task(self, dag: str, run: str, task: str) -> dict[str, Any]:
        if self.version == 1:
            return {"task_id": task, "dag_id": dag, "dag_run_id": run}
        nothing = (
            "logical_date", "start_date", "end_date", "duration", "state", "hostname", "unixname", "queue",
            "priority_weight", "operator", "operator_name", "queued_when", "scheduled_when", "pid", "executor",
            "note", "rendered_map_index", "trigger", "triggerer_job", "dag_version", "team_name",
        )  # fmt: skip
        return {
            **dict.fromkeys(nothing), "id": "01939d38-9bf1-7c2a-8e5c-3b5f6a1d2e4f", "task_id": task, "dag_id": dag,
            "dag_run_id": run, "map_index": -1, "run_after": MOMENT, "try_number": 1, "max_tries": 0,
            "task_display_name": task, "dag_display_name": dag, "pool": "default_pool", "pool_slots": 1,
            "executor_config": "{}", "rendered_fields": {},
        }  # fmt: skip

    def _error(self, status: int, detail: str) -> dict[str, Any]:
        if self.version == 1:
            return {"detail": detail, "status": status, "title": detail, "type": "about:blank"}
        return {"detail": detail}


def _cut(environ: WSGIEnvironment) -> NoReturn:
    """Closed without lingering, a TCP connection is reset.

    Raises:
        ConnectionResetError: always.
    """
    environ["werkzeug.socket"].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError
