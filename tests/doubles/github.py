"""A GitHub of one repository on 127.0.0.1: it keeps state, and takes and gives only what GitHub's description allows.

In a test::

    with serving_github() as github:
        number = github.repository.open_pull("feature", sha)
        github.faults.add("checks/create", kind="lost")
        ... GITHUB_API_URL=github.url

As a process of its own, for workflows (``--repository``, ``--key`` of an App are optional)::

    python -m tests.doubles.github --port 0 --state DIR

It prints ``{"url": …, "pid": …}`` on one line, and writes everything it holds into ``DIR/state.json`` after each call.
From outside it is told things under ``/_double``: ``GET /_double/state``; ``POST /_double/faults`` with the fields of
a :class:`~tests.doubles.github_faults.Fault`; ``POST /_double/pulls`` (``head``, ``sha``, ``base``, ``title``,
``fork``); ``POST /_double/push`` (``number``, ``sha``); ``POST /_double/spoof`` (``name``, ``sha``, …);
``POST /_double/rights`` (a list: what tokens may write).

Tokens: ``read…`` may write nothing (a fork's), ``user…`` is the person alice, ``app…`` an App's installation, anything
else is a workflow's own token.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.doubles import github_models as models
from tests.doubles.github_faults import Fault, Faults, Refusal
from tests.doubles.github_state import Caller, Repository, Thing

_REPO = r"/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)"
_ROUTES = [
    ("GET", "/user", "users/get-authenticated"),
    ("GET", _REPO, "repos/get"),
    ("GET", _REPO + "/installation", "apps/get-repo-installation"),
    ("POST", r"/app/installations/(?P<id>\d+)/access_tokens", "apps/create-installation-access-token"),
    ("POST", _REPO + "/check-runs", "checks/create"),
    ("GET", _REPO + r"/check-runs/(?P<id>\d+)", "checks/get"),
    ("PATCH", _REPO + r"/check-runs/(?P<id>\d+)", "checks/update"),
    ("GET", _REPO + r"/check-runs/(?P<id>\d+)/annotations", "checks/list-annotations"),
    ("GET", _REPO + "/commits/(?P<sha>[^/]+)/check-runs", "checks/list-for-ref"),
    ("GET", _REPO + "/commits/(?P<sha>[^/]+)/statuses", "repos/list-commit-statuses-for-ref"),
    ("POST", _REPO + "/statuses/(?P<sha>[^/]+)", "repos/create-commit-status"),
    ("GET", _REPO + "/issues", "issues/list-for-repo"),
    ("POST", _REPO + "/issues", "issues/create"),
    ("GET", _REPO + r"/issues/(?P<id>\d+)", "issues/get"),
    ("PATCH", _REPO + r"/issues/(?P<id>\d+)", "issues/update"),
    ("GET", _REPO + r"/issues/(?P<id>\d+)/comments", "issues/list-comments"),
    ("POST", _REPO + r"/issues/(?P<id>\d+)/comments", "issues/create-comment"),
    ("GET", _REPO + r"/issues/comments/(?P<id>\d+)", "issues/get-comment"),
    ("PATCH", _REPO + r"/issues/comments/(?P<id>\d+)", "issues/update-comment"),
    ("POST", _REPO + r"/issues/comments/(?P<id>\d+)/reactions", "reactions/create-for-issue-comment"),
    ("GET", _REPO + "/collaborators/(?P<login>[^/]+)/permission", "repos/get-collaborator-permission-level"),
    ("GET", _REPO + r"/actions/runs/(?P<id>\d+)/artifacts", "actions/list-workflow-run-artifacts"),
    ("GET", _REPO + r"/actions/runs/(?P<id>\d+)/approvals", "actions/get-reviews-for-run"),
    ("GET", _REPO + r"/actions/artifacts/(?P<id>\d+)/zip", "actions/download-artifact"),
    ("GET", _REPO + "/pulls", "pulls/list"),
    ("POST", _REPO + "/pulls", "pulls/create"),
    ("GET", _REPO + r"/pulls/(?P<id>\d+)", "pulls/get"),
    ("PATCH", _REPO + r"/pulls/(?P<id>\d+)", "pulls/update"),
    ("GET", _REPO + "/deployments", "repos/list-deployments"),
    ("POST", _REPO + "/deployments", "repos/create-deployment"),
    ("GET", _REPO + r"/deployments/(?P<id>\d+)/statuses", "repos/list-deployment-statuses"),
    ("POST", _REPO + r"/deployments/(?P<id>\d+)/statuses", "repos/create-deployment-status"),
]
ROUTES = [(verb, re.compile(path + r"\Z"), operation) for verb, path, operation in _ROUTES]
APP = {"id": 4711, "slug": "mlopsctl-app"}


class _CutOff(Exception):
    """The line goes dead; ``sent`` is what of the answer still went out."""

    def __init__(self, sent: bytes = b"") -> None:
        super().__init__()
        self.sent = sent


class GitHubDouble:
    """The server's mind: routes, rights, faults, state, and the journal of what was called."""

    def __init__(self, url: str = "", repository: str = "acme/models", key: str = "") -> None:
        self.repository = Repository(url, repository)
        self.faults = Faults()
        self.journal: list[tuple[str, int]] = []
        self.key = key
        self.may = Caller().may
        self.before: Callable[[str], None] = lambda operation: None
        self.state: Path | None = None
        self._lock = threading.RLock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.repository.base

    def answer(self, verb: str, target: str, authorization: str, content: bytes) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of one call.

        Raises:
            _CutOff: when the line is to go dead.
        """
        with self._lock:
            parts = urlsplit(target)
            path, query = parts.path, dict(parse_qsl(parts.query))
            body = _decoded(content)
            if path.startswith("/_double/"):
                return 200, self._told(path.removeprefix("/_double/"), body), {}
            if path.startswith("/_blobs/"):
                return self._blob(path.removeprefix("/_blobs/"), authorization)
            operation, at = _route(verb, path)
            status, said, headers = self._done(operation, at, query, body, authorization)
            self.journal.append((operation, status))
            if self.state is not None:
                _save(self.state, self.snapshot())
            return status, said, headers

    def _blob(self, id: str, authorization: str) -> tuple[int, Any, dict[str, str]]:
        """What an artifact holds, from a place that is signed and, as the real one, takes no token."""
        if authorization:
            return 400, {"message": "InvalidAuthenticationInfo"}, {}
        return 200, self.repository.blobs[int(id)], {"Content-Type": "application/zip"}

    def snapshot(self) -> Thing:
        """Everything it holds, as JSON."""
        return {**self.repository.snapshot(), "journal": self.journal}

    def _done(
        self, operation: str, at: Thing, query: Thing, body: Any, authorization: str
    ) -> tuple[int, Any, dict[str, str]]:
        try:
            self.before(operation)
            fault = self.faults.due(operation)
            if fault is not None and fault.kind == "status":
                raise Refusal(fault.status, fault.message, fault.headers)
            if fault is not None and fault.kind == "reset":
                raise _CutOff
            said = self._carried_out(operation, at, query, body, authorization)
            if fault is not None:
                raise _CutOff(json.dumps(said).encode()[:40] if fault.kind == "truncated" else b"")
        except Refusal as refusal:
            return refusal.status, refusal.body, refusal.headers
        return 201 if "/create" in operation else 200, said, {}

    def _carried_out(self, operation: str, at: Thing, query: Thing, body: Any, authorization: str) -> Any:
        if operation.startswith("apps/"):
            return self._app(operation, authorization)
        who = self._caller(authorization)
        if at and f"{at['owner']}/{at['repo']}" != self.repository.name:
            raise Refusal(404, "Not Found")
        if operation in models.REQUESTS:
            # Lengths are GitHub's own business; the rest is the description's.
            if isinstance(body, dict) and operation.startswith("checks/"):
                self.repository._fits(body) if not _misshapen(body) else None
            if wrong := models.wrong(operation, body):
                raise Refusal(422, f"Invalid request. {wrong}")
        handler = getattr(self.repository, re.sub(r"[/-]", "_", operation))
        found = handler(at, query, body or {}, who)
        return _page(found, query)

    def _caller(self, authorization: str) -> Caller:
        token = authorization.partition(" ")[2]
        if not token or token.startswith("bad"):
            raise Refusal(401, "Bad credentials")
        if token.startswith("read"):
            return Caller(may=frozenset())
        if token.startswith("user"):
            return Caller("alice", "User", may=self.may)
        if token.startswith("app"):
            return Caller(f"{APP['slug']}[bot]", "Bot", dict(APP), self.may)
        return Caller(may=self.may)

    def _app(self, operation: str, authorization: str) -> Thing:
        """What an App may ask that signs with its private key."""
        import jwt

        try:
            claims = jwt.decode(authorization.partition(" ")[2], self.key, algorithms=["RS256"])
        except jwt.PyJWTError as error:
            raise Refusal(401, "A JSON web token could not be decoded") from error
        if str(claims["iss"]) != str(APP["id"]):
            raise Refusal(401, "Integration not found")
        if operation == "apps/get-repo-installation":
            return models.answer(models.INSTALLATION, {"id": 99, "app_id": APP["id"], "app_slug": APP["slug"]})
        return models.answer(models.INSTALLATION_TOKEN, {"token": "app-installation", "expires_at": models.NOW})

    def _told(self, what: str, given: Any) -> Any:
        match what:
            case "state":
                return self.snapshot()
            case "faults":
                self.faults.waiting.append(Fault(**given))
            case "pulls":
                return {"number": self.repository.open_pull(**given)}
            case "push":
                self.repository.push(**given)
            case "spoof":
                self.repository.spoof(**given)
            case "rights":
                self.may = frozenset(given)
        return {}


def _route(verb: str, path: str) -> tuple[str, Thing]:
    for known, pattern, operation in ROUTES:
        found = pattern.match(path)
        if known == verb and found:
            return operation, {key: unquote(value) for key, value in found.groupdict().items()}
    return "unknown", {}


def _misshapen(body: Thing) -> bool:
    """Whether the description has something to say before lengths matter."""
    notes = (body.get("output") or {}).get("annotations", [])
    keys = {"start_line", "end_line", "message"}
    return not all(isinstance(one, dict) and keys <= set(one) for one in notes)


def _page(found: Any, query: Thing) -> Any:
    """One page of a list, or of the list inside."""
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    here = slice((page - 1) * size, page * size)
    if isinstance(found, list):
        return found[here]
    for inner in ("check_runs", "artifacts"):
        if isinstance(found, dict) and inner in found:
            return {**found, inner: found[inner][here]}
    return found


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def _save(folder: Path, snapshot: Thing) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "state.json.new"
    fresh.write_text(json.dumps(snapshot, indent=1), encoding="utf-8")
    os.replace(fresh, folder / "state.json")


def _handler(double: GitHubDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        wbufsize = 1 << 16  # headers and body in one go

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                status, body, headers = double.answer(
                    self.command, self.path, self.headers.get("Authorization", ""), content
                )
            except _CutOff as cut:
                self._cut(cut.sent)
                return
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json; charset=utf-8", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def _cut(self, sent: bytes) -> None:
            self.close_connection = True
            if sent:
                self.send_response(200)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)
                self.wfile.flush()
                return
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our business; a double that lies is."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def start(double: GitHubDouble, port: int = 0) -> ThreadingHTTPServer:
    """The server, listening; whoever starts it calls ``serve_forever`` and closes it."""
    server = _Server(("127.0.0.1", port), _handler(double))
    double.repository.base = f"http://127.0.0.1:{server.server_address[1]}"
    return server


@contextlib.contextmanager
def serving_github(repository: str = "acme/models", key: str = "") -> Iterator[GitHubDouble]:
    """A GitHub in a thread of this process."""
    double = GitHubDouble(repository=repository, key=key)
    server = start(double)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="A GitHub of one repository on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--repository", default="acme/models")
    parser.add_argument("--key", type=Path, help="the public key (PEM) of the App 4711")
    given = parser.parse_args()
    double = GitHubDouble(repository=given.repository, key=given.key.read_text() if given.key else "")
    double.state = given.state
    server = start(double, given.port)
    if given.state is not None:
        _save(given.state, double.snapshot())
    print(json.dumps({"url": double.url, "pid": os.getpid()}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
