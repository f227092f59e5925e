"""A stand-in for the server of Kubeflow Pipelines, strict by the vendor's own contract, with its state in memory.

    double = KfpDouble()
    with serving(double) as base:                      # http://127.0.0.1:PORT
        kfp.Client(host=base) ...
    double.made(writes=True)                           # ["pipeline_service_create_pipeline", ...]
    double.faults.lose_reply("run_service_create_run") # done, and the connection is reset
    double.runs.advance(run_id, train="RUNNING")       # tasks stand as the test says
    double.runs.end(run_id, "SUCCEEDED")
    double.runs.execute = my_runner                    # ... or a callback really runs the uploaded YAML

Requests and answers are both checked; an answer that the server could not give is a 500 that says ``DOUBLE LIES``. What
the contract does not say (lengths, cron, which states can be cancelled) is as in the server's source, version 2.17.
"""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from tests.doubles.google import serving
from tests.doubles.google_faults import CutOff, Faults, GoogleError
from tests.doubles.kfp_contract import Operation, contract

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Call", "GoogleError", "KfpDouble", "serving"]

_DO_NOT_LINGER = struct.pack("ii", 1, 0)
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 500: 13, 503: 14}


@dataclass(frozen=True)
class Call:
    """One call that was understood; ``file`` is what was uploaded with it."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    file: bytes = b""

    @property
    def name(self) -> str:
        """Its name in the client."""
        return self.operation.name


Handler = Callable[[Call], dict[str, Any]]


class KfpDouble:
    """A WSGI application that is the API server.

    Attributes:
        token: the bearer token it asks for; empty for none.
        namespaces: in multi-user mode, those the caller may use; ``None`` for a server with one user.
        calls: every call that was understood, in order, also those a fault struck.
        faults: what goes wrong next, by the name of the call in the client.
        page: what every request is answered with, such as the page of a sign-in; ``None`` for the API.
    """

    def __init__(self, *, token: str = "", namespaces: frozenset[str] | None = None) -> None:
        from tests.doubles.kfp_pipelines import Pipelines
        from tests.doubles.kfp_recurring import RecurringRuns
        from tests.doubles.kfp_runs import Runs

        self.token, self.namespaces = token, namespaces
        self.calls: list[Call] = []
        self.faults = Faults()
        self.page: Response | None = None
        self.lock = threading.RLock()
        self._clock = itertools.count()
        self.handlers: dict[str, Handler] = {"healthz_service_get_healthz": self._health}
        self.pipelines = Pipelines(self)
        self.runs = Runs(self)
        self.recurring = RecurringRuns(self)

    def made(self, *, writes: bool = False) -> list[str]:
        """The names of the calls so far; only those that could change something when asked so."""
        return [call.name for call in self.calls if call.operation.writes or not writes]

    def now(self) -> str:
        """The server's time: whole seconds, and several things are made in the same one."""
        seconds = next(self._clock) // 4
        return f"2026-03-01T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"

    def namespace(self, asked: str) -> str:
        """The namespace that a request is about.

        Raises:
            GoogleError: where none was named and there are several, or the caller may not use it.
        """
        if self.namespaces is None:
            return ""
        if not asked:
            raise GoogleError(400, "Invalid input error: a namespace is required in multi-user mode")
        if asked not in self.namespaces:
            raise GoogleError(403, f"Failed to authorize the request: user is not allowed in namespace {asked}")
        return asked

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request."""
        request = Request(environ)
        if self.page is not None:
            request.get_data()
            return self.page(environ, start)
        try:
            response = Response(json.dumps(self._answer(request)), content_type="application/json")
        except GoogleError as problem:
            body = {"error": problem.message, "code": _CODES.get(problem.code, 2), "message": problem.message}
            text = json.dumps({**body, "details": []})
            response = Response(text, problem.code, headers=problem.headers, content_type="application/json")
        except CutOff:
            # Closed without lingering, a TCP connection is reset.
            environ["werkzeug.socket"].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DO_NOT_LINGER)
            raise ConnectionResetError from None
        finally:
            request.close()
        return response(environ, start)

    def _answer(self, request: Request) -> dict[str, Any]:
        file = request.files["uploadfile"].read() if "uploadfile" in request.files else b""
        found = contract().find(request.method, request.path)
        if found is None:
            raise GoogleError(404, f"Not Found: {request.method} {request.path}")
        operation, path = found
        body = _json(request) if not request.files else {}
        wrong = [*contract().wrong_query(operation, request.args), *contract().wrong_body(operation, body)]
        if wrong:
            raise GoogleError(400, f"{operation.name}: " + " | ".join(wrong))
        call = Call(operation, path, dict(request.args), body, dict(request.headers), file)
        with self.lock:
            self.calls.append(call)
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            raise GoogleError(401, "Request header error: there is no user identity header.")
        lost = self.faults.before(operation.name)
        handler = self.handlers.get(operation.name)
        if handler is None:
            raise GoogleError(501, f"the double has no handler for {operation.name}")
        with self.lock:
            # What goes out is a copy: a handler may answer with the state it keeps.
            answer: dict[str, Any] = json.loads(json.dumps(handler(call)))
        if lies := contract().wrong_answer(operation, answer):
            raise GoogleError(500, f"DOUBLE LIES in {operation.name}: {lies}")
        if lost:
            raise CutOff
        return answer

    def _health(self, _: Call) -> dict[str, Any]:
        return {"multi_user": self.namespaces is not None}


def _json(request: Request) -> dict[str, Any]:
    raw = request.get_data()
    if not raw:
        return {}
    try:
        found = json.loads(raw)
    except ValueError:
        raise GoogleError(400, "invalid JSON") from None
    if not isinstance(found, dict):
        raise GoogleError(400, "the body is no object")
    return found
