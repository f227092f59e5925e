"""One stand-in for any REST API of Google, made from the discovery documents; handlers only add state.

    double = GoogleDouble("aiplatform.v1", messages={"aiplatform.v1": "google.cloud.aiplatform_v1.types"})

    @double.on("aiplatform.projects.locations.endpoints.get")
    def endpoint(call: Call) -> Answer:
        return endpoints[call.path["name"]]       # or: raise GoogleError(404, "…")

    with serving(double) as base:                 # http://127.0.0.1:PORT
        ...

Requests and answers are both checked; an answer that Google could not give is a 500 that says ``DOUBLE LIES``.
``tests.doubles.google_grpc`` puts gRPC with TLS in front of the same handlers.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import logging
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from tests.doubles.google_discovery import Discovery, Method, discovery
from tests.doubles.google_faults import CutOff, Faults, GoogleError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Answer", "Call", "CutOff", "GoogleDouble", "GoogleError", "serving"]

Answer = dict[str, Any]
_DO_NOT_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Call:
    """One call that was understood: its discovery id, what its path and query hold, and its body."""

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Answer
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether it could change something, by its name."""
        return not re.search(r"\.(get|list|listVersions|wait|predict|rawPredict|search|query)$", self.method)


Handler = Callable[[Call], Answer]
_H = TypeVar("_H", bound=Handler)


class GoogleDouble:
    """A WSGI application that is the APIs of the named discovery documents.

    Attributes:
        calls: every call that was understood, in order, also those a fault struck.
        handlers: by discovery id; a call without one is answered with 501.
        faults: what goes wrong next.
        ids: numbers for new resources.
    """

    def __init__(self, *names: str, messages: Mapping[str, str] | None = None) -> None:
        """``messages``: for each document the module of the vendor's message classes; it is needed for clients that
        send numbers for enums (every generated REST client)."""
        self._documents = [discovery(name) for name in names]
        self._messages = dict(messages or {})
        self.handlers: dict[str, Handler] = {}
        self.calls: list[Call] = []
        self.faults = Faults()
        self.ids = itertools.count(1)
        self.lock = threading.RLock()

    def on(self, *methods: str) -> Callable[[_H], _H]:
        """Make a function the handler of the calls with these discovery ids."""

        def register(handler: _H) -> _H:
            for method in methods:
                self.handlers[method] = handler
            return handler

        return register

    def made(self, *, writes: bool = False) -> list[str]:
        """The ids of the calls so far; only those that could change something when asked so."""
        return [call.method for call in self.calls if call.writes or not writes]

    def answer(
        self, verb: str, path: str, query: Mapping[str, str], body: Any, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Do one call.

        Raises:
            GoogleError: the answer is an error.
            CutOff: there is no answer.
        """
        # The SDK's poller of operations over REST asks where no document says so.
        path = re.sub(r"^/ui/projects/", "/v1/projects/", path)
        for document in self._documents:
            found = document.find(verb, path)
            if found is not None:
                return self._do(document, *found, query, body, headers or {})
        raise GoogleError(404, f"there is no method {verb} {path}")

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request."""
        request = Request(environ)
        try:
            try:
                body = json.loads(request.get_data()) if request.get_data() else None
            except ValueError:
                raise GoogleError(400, "Invalid JSON payload received.") from None
            query = dict(request.args)
            found = self.answer(request.method, request.path, query, body, dict(request.headers))
            response = _response(200, found, {})
        except GoogleError as problem:
            response = _response(problem.code, problem.body, problem.headers)
        except CutOff:
            # Closed without lingering, a TCP connection is reset.
            environ["werkzeug.socket"].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DO_NOT_LINGER)
            raise ConnectionResetError from None
        return response(environ, start)

    def _do(
        self,
        document: Discovery,
        method: Method,
        path: Mapping[str, str],
        query: Mapping[str, str],
        body: Any,
        headers: Mapping[str, str],
    ) -> Answer:
        if body and method.request and "enum-encoding=int" in query.get("$alt", ""):
            body = self._named(document, method, body)
        wrong = [*document.wrong_query(method, query), *document.wrong_request(method, path, body)]
        if wrong:
            raise _invalid(method, wrong)
        call = Call(method.id, path, query, body or {}, headers)
        with self.lock:
            self.calls.append(call)
        lost = self.faults.before(method.id)
        handler = self.handlers.get(method.id)
        if handler is None:
            raise GoogleError(501, f"the double has no handler for {method.id}")
        with self.lock:
            # What goes out is a copy: a handler may answer with the state it keeps.
            found: Answer = json.loads(json.dumps(handler(call)))
        lies = document.wrong_response(method, found)
        if lies:
            raise GoogleError(500, f"DOUBLE LIES in {method.id}: {lies}")
        if lost:
            raise CutOff
        return found

    def _named(self, document: Discovery, method: Method, body: Any) -> Any:
        """The body with names for enums, read and written by the vendor's own message class."""
        from google.protobuf import json_format

        name = re.sub(r"^GoogleCloud[A-Z][a-z]+V1(?:beta1)?|^GoogleDevtools[A-Z][a-z]+V\d", "", method.request)
        module = self._messages.get(document.name)
        message = getattr(importlib.import_module(module), name, None) if module else None
        if message is None:
            return body
        read = message.pb(message())
        try:
            json_format.ParseDict(body, read)
        except json_format.ParseError as problem:
            raise GoogleError(400, f"{method.id}: {problem}") from None
        return json_format.MessageToDict(read, use_integers_for_enums=False)


class _Handler(WSGIRequestHandler):
    """A connection that was cut is not read again."""

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:
        self.close_connection = True


class _Server(ThreadedWSGIServer):
    """A server that just closes what it has answered: a polite end first would not be a reset."""

    daemon_threads = True

    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left in the middle is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serving(application: Any, *, port: int = 0) -> Iterator[str]:
    """Serve a WSGI application on the loopback address; its base URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = _Server("127.0.0.1", port, application, _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _response(code: int, body: Answer, headers: Mapping[str, str]) -> Response:
    return Response(json.dumps(body), code, headers=dict(headers), content_type="application/json; charset=UTF-8")


def _invalid(method: Method, wrong: list[str]) -> GoogleError:
    violations = [{"field": one.partition(":")[0], "description": one} for one in wrong]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
    return GoogleError(400, f"{method.id}: Invalid value(s): " + " | ".join(wrong), details=(detail,))
