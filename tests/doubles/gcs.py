"""A stand-in for Google Cloud Storage's JSON API that keeps its word: preconditions on every call, resumable sessions
that say how much arrived, generations, checksums, and nothing visible before it is whole.

The public emulators do not: one ignores preconditions when it deletes or begins a session and finishes a session that
is only asked after, another ignores them everywhere. Faults are asked for by a part of the request:

    with CloudStorage(buckets=["data"]) as cloud:
        cloud.fault("PUT /upload", Reset(after=True))       # carried out, and the reply is lost
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PIECE = 256 * 1024
EMULATOR = "STORAGE_EMULATOR_HOST"
_OBJECT = re.compile(r"(?:/upload|/download)?/storage/v1/b/([^/]+)/o(?:/([^/]+))?")
_REWRITE = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/rewriteTo/b/([^/]+)/o/([^/]+)")
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")


@dataclass(frozen=True)
class Refuse:
    """An answer that is no success; ``wait``: its Retry-After, in seconds."""

    status: int
    wait: str = ""
    message: str = "as asked"


@dataclass(frozen=True)
class Reset:
    """The line breaks: before anything is done, ``after`` it is done, or when ``half`` of an answer was sent."""

    after: bool = False
    half: bool = False


@dataclass(frozen=True)
class Pass:
    """No fault: a request that is let through before one that is not."""


@dataclass
class Fault:
    match: str
    what: Refuse | Reset | Pass
    times: int


@dataclass
class Kept:
    """An object with its description."""

    content: bytes
    generation: int
    metageneration: int = 1
    updated: float = field(default_factory=time.time)
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class Session:
    """A resumable upload that goes on."""

    bucket: str
    name: str
    size: int
    conditions: Mapping[str, str]
    described: Mapping[str, Any]
    content: bytearray = field(default_factory=bytearray)
    done: Kept | None = None


class Refused(Exception):
    """An answer of the service that is no success."""

    def __init__(self, status: int, message: str, wait: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.wait = status, message, wait


class CloudStorage:
    """The service on loopback; ``requests`` is what was asked of it, as ``METHOD path?query``."""

    def __init__(self, buckets: list[str]) -> None:
        self.buckets: dict[str, dict[str, Kept]] = {name: {} for name in buckets}
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.sessions: dict[str, Session] = {}
        self.lock = threading.RLock()
        self._numbers = itertools.count(int(time.time() * 1e6))
        cloud = self

        class Handler(_Handler):
            double = cloud

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> CloudStorage:
        self._before = os.environ.get(EMULATOR)
        os.environ[EMULATOR] = self.url
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self._before is None:
            os.environ.pop(EMULATOR, None)
        else:
            os.environ[EMULATOR] = self._before

    def fault(self, match: str, what: Refuse | Reset | Pass, times: int = 1) -> None:
        """Let the next requests that hold this text fail."""
        self.faults.append(Fault(match, what, times))

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """An object from elsewhere."""
        self.buckets[bucket][name] = Kept(content, next(self._numbers))

    def age(self, seconds: float) -> None:
        """Let every object be older."""
        for kept in itertools.chain.from_iterable(bucket.values() for bucket in self.buckets.values()):
            kept.updated -= seconds

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The requests that are made meanwhile."""
        before = len(self.requests)
        made: list[str] = []
        yield made
        made += self.requests[before:]

    def taken(self, request: str) -> Refuse | Reset | Pass | None:
        """The fault that was asked for this request."""
        with self.lock:
            for fault in self.faults:
                if fault.match in request and fault.times > 0:
                    fault.times -= 1
                    return fault.what
        return None

    # What the service does. Each raises Refused.

    def bucket(self, name: str) -> dict[str, Kept]:
        if name not in self.buckets:
            raise Refused(404, "The specified bucket does not exist.")
        return self.buckets[name]

    def kept(self, bucket: str, name: str, query: Mapping[str, str]) -> Kept:
        found = self.bucket(bucket).get(name)
        if found is None or query.get("generation", str(found.generation)) != str(found.generation):
            raise Refused(404, f"No such object: {bucket}/{name}")
        check(found, query)
        return found

    def write(
        self, bucket: str, name: str, content: bytes, described: Mapping[str, Any], query: Mapping[str, str]
    ) -> Kept:
        check(self.bucket(bucket).get(name), query)
        told = described.get("md5Hash")
        if told and told != md5(content):
            raise Refused(400, f"Provided MD5 hash {told!r} doesn't match calculated MD5 hash {md5(content)!r}.")
        made = Kept(content, next(self._numbers), metadata=dict(described.get("metadata") or {}))
        self.bucket(bucket)[name] = made
        return made


def check(found: Kept | None, query: Mapping[str, str]) -> None:
    """Hold the preconditions against what is there; generation 0 is nothing."""
    generation = query.get("ifGenerationMatch")
    if generation is not None and int(generation) != (found.generation if found else 0):
        raise Refused(412, "At least one of the pre-conditions you specified did not hold.")
    touched = query.get("ifMetagenerationMatch")
    if touched is not None and (found is None or int(touched) != found.metageneration):
        raise Refused(412, "At least one of the pre-conditions you specified did not hold.")


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def described(bucket: str, name: str, kept: Kept) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "name": name,
        "bucket": bucket,
        "generation": str(kept.generation),
        "metageneration": str(kept.metageneration),
        "size": str(len(kept.content)),
        "md5Hash": md5(kept.content),
        "updated": datetime.fromtimestamp(kept.updated, UTC).isoformat().replace("+00:00", "Z"),
        "metadata": kept.metadata,
    }


class _Handler(BaseHTTPRequestHandler):
    double: CloudStorage
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Tests print nothing."""

    def do_any(self) -> None:
        parts = urlsplit(self.path)
        self.query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        request = f"{self.command} {unquote(self.path)}"
        self.body = self._body()
        with self.double.lock:
            self.double.requests.append(request)
        fault = self.double.taken(request)
        if isinstance(fault, Reset) and not (fault.after or fault.half):
            self._cut()
            return
        try:
            if isinstance(fault, Refuse):
                raise Refused(fault.status, fault.message, fault.wait)
            with self.double.lock:
                status, headers, content = self._answer(parts.path)
        except Refused as refused:
            status, headers = refused.status, {"Retry-After": refused.wait} if refused.wait else {}
            content = json.dumps({"error": {"code": status, "message": refused.message}}).encode()
        if isinstance(fault, Reset) and fault.after:
            self._cut()
            return
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if isinstance(fault, Reset) and fault.half:
            self.wfile.write(content[: len(content) // 2])
            self._cut()
            return
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any  # noqa: N815

    def _cut(self) -> None:
        """Break the line as a crash does."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        self.wfile = open(os.devnull, "wb")  # noqa: SIM115

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if rewrite := _REWRITE.fullmatch(path):
            return self._rewritten(*(unquote(part) for part in rewrite.groups()))
        found = _OBJECT.fullmatch(path)
        if found is None:
            raise Refused(404, f"no such method: {path}")
        bucket, name = unquote(found[1]), unquote(found[2] or "")
        if path.startswith("/upload"):
            return self._uploaded(bucket)
        if not name:
            return self._listed(bucket)
        kept = self.double.kept(bucket, name, self.query)
        if self.command == "GET" and self.query.get("alt") == "media":
            return self._media(kept)
        if self.command == "PATCH":
            kept.metadata |= json.loads(self.body).get("metadata") or {}
            kept.metageneration += 1
            kept.updated = time.time()
        elif self.command == "DELETE":
            del self.double.bucket(bucket)[name]
            return 204, {}, b""
        return _json(described(bucket, name, kept))

    def _listed(self, bucket: str) -> tuple[int, dict[str, str], bytes]:
        prefix, start = self.query.get("prefix", ""), self.query.get("pageToken", "")
        names = sorted(name for name in self.double.bucket(bucket) if name.startswith(prefix) and name > start)
        size = int(self.query.get("maxResults", 1000))
        page = {"items": [described(bucket, name, self.double.bucket(bucket)[name]) for name in names[:size]]}
        return _json({**page, **({"nextPageToken": names[size - 1]} if len(names) > size else {})})

    def _media(self, kept: Kept) -> tuple[int, dict[str, str], bytes]:
        headers = {"X-Goog-Generation": str(kept.generation), "X-Goog-Hash": f"md5={md5(kept.content)}"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None:
            return 200, headers, kept.content
        start, end = int(wanted[1]), int(wanted[2] or len(kept.content) - 1)
        if start >= len(kept.content):
            raise Refused(416, "The requested range cannot be satisfied.")
        part = kept.content[start : end + 1]
        span = f"bytes {start}-{start + len(part) - 1}/{len(kept.content)}"
        return 206, {**headers, "Content-Range": span}, part

    def _rewritten(self, bucket: str, name: str, to: str, new: str) -> tuple[int, dict[str, str], bytes]:
        check(self.double.bucket(to).get(new), self.query)
        source = {"generation": self.query["sourceGeneration"]} if "sourceGeneration" in self.query else {}
        kept = self.double.kept(bucket, name, source)
        made = self.double.write(to, new, kept.content, {"metadata": kept.metadata}, {})
        size = str(len(kept.content))
        answer = {"done": True, "totalBytesRewritten": size, "objectSize": size, "resource": described(to, new, made)}
        return _json(answer)

    def _uploaded(self, bucket: str) -> tuple[int, dict[str, str], bytes]:
        if "upload_id" in self.query:
            return self._piece(self.query["upload_id"])
        if self.query.get("uploadType") == "multipart":
            boundary = self.headers["Content-Type"].partition("boundary=")[2].strip("'\"").encode()
            _, about, content, _ = self.body.split(b"--" + boundary, 3)
            told = json.loads(about.partition(b"\r\n\r\n")[2])
            data = content.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            return _json(
                described(bucket, told["name"], self.double.write(bucket, told["name"], data, told, self.query))
            )
        told = json.loads(self.body)
        check(self.double.bucket(bucket).get(told["name"]), self.query)
        id = f"session-{len(self.double.sessions)}"
        size = int(self.headers["X-Upload-Content-Length"])
        self.double.sessions[id] = Session(bucket, told["name"], size, dict(self.query), told)
        return (
            200,
            {"Location": f"{self.double.url}{urlsplit(self.path).path}?uploadType=resumable&upload_id={id}"},
            b"",
        )

    def _piece(self, id: str) -> tuple[int, dict[str, str], bytes]:
        session = self.double.sessions.get(id)
        if session is None:
            raise Refused(404, "")
        if self.command == "DELETE":
            del self.double.sessions[id]
            return 499, {}, b""
        span = _CONTENT_RANGE.fullmatch(self.headers["Content-Range"])
        if span is None or int(span[3]) != session.size:
            raise Refused(400, "Invalid Content-Range")
        if span[1] is not None and session.done is None:
            start, end = int(span[1]), int(span[2])
            if start > len(session.content):
                raise Refused(503, "a gap before these bytes")
            if len(self.body) != end - start + 1:
                raise Refused(400, "Content-Range says another length")
            if end + 1 < session.size and len(self.body) % PIECE:
                raise Refused(400, "pieces are multiples of 256 KiB")
            session.content[start:] = self.body
            if len(session.content) == session.size:
                told = (session.bucket, session.name, bytes(session.content), session.described, session.conditions)
                session.done = self.double.write(*told)
        if session.done is not None:
            return _json(described(session.bucket, session.name, session.done))
        arrived = len(session.content)
        return 308, {"Range": f"bytes=0-{arrived - 1}"} if arrived else {}, b""


def _json(answer: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, json.dumps(answer).encode()
