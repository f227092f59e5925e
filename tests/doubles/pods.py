"""A double of the part of Kubernetes' API that runs pods: a pod's container is a process of this machine.

Knows pods (create, list by labels, read, log, delete) and no events. ``$(NAME)`` in a variable's value is replaced by
an earlier variable, as Kubernetes does.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_PATH = re.compile(r"/api/v1/namespaces/(?P<space>[^/]+)/(?P<kind>pods|events)(?:/(?P<name>[^/]+)(?P<log>/log)?)?")
_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


class Pods:
    """A server on loopback; ``created`` are the pods that were asked for, also those that are deleted since.

    Args:
        folder: where the containers work.
        secrets: the values of secrets, by ``name/key``.
    """

    def __init__(self, folder: Path, secrets: Mapping[str, str]) -> None:
        self.folder, self._secrets = folder, secrets
        self.created: list[dict[str, Any]] = []
        self._pods: dict[str, _Pod] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"pods": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def kubeconfig(self, file: Path) -> Path:
        """Write how a client finds the server."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "double", "cluster": {"server": url}}],
            "users": [{"name": "somebody", "user": {}}],
            "contexts": [{"name": "double", "context": {"cluster": "double", "user": "somebody"}}],
            "current-context": "double",
        }
        file.write_text(json.dumps(content))
        return file

    def stop(self) -> None:
        """End the server, and what still runs."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for pod in self._pods.values():
            pod.end()

    def create(self, space: str, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.created.append(asked)
            pod = _Pod(asked, self.folder, self._secrets)
            self._pods[f"{space}/{asked['metadata']['name']}"] = pod
        return pod.seen()

    def find(self, space: str, name: str) -> _Pod | None:
        return self._pods.get(f"{space}/{name}")

    def matching(self, space: str, selector: str) -> list[dict[str, Any]]:
        found = [pod.seen() for name, pod in list(self._pods.items()) if name.startswith(f"{space}/")]
        return [pod for pod in found if _matches(pod["metadata"].get("labels") or {}, selector)]

    def delete(self, space: str, name: str) -> None:
        pod = self._pods.pop(f"{space}/{name}", None)
        if pod is not None:
            pod.end()


class _Pod:
    """A pod, which is a process and what it says."""

    def __init__(self, asked: dict[str, Any], folder: Path, secrets: Mapping[str, str]) -> None:
        self._asked = asked
        (container,) = asked["spec"]["containers"]
        program, *words = [*container["command"], *(container.get("args") or [])]
        self._name = container["name"]
        self._image = container["image"]
        self._began, self._ended = _now(), ""
        self._process = subprocess.Popen(
            [sys.executable if program == "python3" else program, *words],
            cwd=folder,
            env=_variables(container.get("env") or [], secrets),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.log = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            self.log = stream.read()
        self._process.wait()
        self._ended = _now()

    def wait(self) -> None:
        self._reader.join()

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._reader.join()

    def seen(self) -> dict[str, Any]:
        """The pod with its status."""
        code = self._process.returncode if self._ended else None
        state: dict[str, Any] = {"running": {"startedAt": self._began}}
        phase = "Running"
        if code is not None:
            phase = "Failed" if code else "Succeeded"
            ended = {"exitCode": code, "startedAt": self._began, "finishedAt": self._ended, "reason": "Completed"}
            state = {"terminated": ended}
        status = {
            "name": self._name,
            "image": self._image,
            "imageID": "",
            "ready": True,
            "restartCount": 0,
            "state": state,
        }
        metadata = {**self._asked["metadata"], "uid": "0", "creationTimestamp": self._began}
        return {**self._asked, "metadata": metadata, "status": {"phase": phase, "containerStatuses": [status]}}


class _Handler(http.server.BaseHTTPRequestHandler):
    pods: Pods

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(201, self.pods.create(self._place()["space"], content))

    def do_GET(self) -> None:
        place = self._place()
        if place["kind"] == "events" or not place["name"]:
            selector = parse_qs(urlsplit(self.path).query).get("labelSelector", [""])[0]
            items = self.pods.matching(place["space"], selector) if place["kind"] == "pods" else []
            self._say(200, {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
            return
        pod = self.pods.find(place["space"], place["name"])
        if pod is None:
            self._say(404, {"kind": "Status", "status": "Failure", "code": 404})
        elif place["log"]:
            pod.wait()
            lines = [_now().encode() + b" " + line for line in pod.log.splitlines(keepends=True)]
            self._send(200, b"".join(lines), "text/plain")
        else:
            self._say(200, pod.seen())

    def do_PATCH(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_DELETE(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        place = self._place()
        self.pods.delete(place["space"], place["name"])
        self._say(200, {"kind": "Status", "status": "Success"})

    def log_message(self, *_: object) -> None:
        pass

    def _place(self) -> dict[str, str]:
        found = _PATH.fullmatch(urlsplit(self.path).path)
        if found is None:
            self._say(404, {"kind": "Status", "status": "Failure", "code": 404})
            raise LookupError(self.path)
        return {name: value or "" for name, value in found.groupdict().items()}

    def _say(self, status: int, content: object) -> None:
        self._send(status, json.dumps(content).encode(), "application/json")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _variables(asked: list[dict[str, Any]], secrets: Mapping[str, str]) -> dict[str, str]:
    """The environment of a container: what the image has, and what the pod says."""
    found: dict[str, str] = {}
    for one in asked:
        if "valueFrom" in one:
            key = one["valueFrom"]["secretKeyRef"]
            found[one["name"]] = secrets[f"{key['name']}/{key['key']}"]
        else:
            found[one["name"]] = _VARIABLE.sub(lambda name: found.get(name[1], name[0]), one.get("value") or "")
    checkout = str(Path(__file__).parents[2])
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": checkout, **found}


def _matches(labels: Mapping[str, str], selector: str) -> bool:
    for part in filter(None, selector.split(",")):
        key, unequal, value = part.partition("!=")
        if unequal:
            if labels.get(key.strip()) == value:
                return False
        elif (equal := part.partition("="))[1] and labels.get(equal[0].strip()) != equal[2].removeprefix("="):
            return False
    return True


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
