"""The local server: it starts, answers, swaps without losing a request, survives its starter, and leaves nothing."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.frameworks.packed import load
from mlopsctl.ground.errors import Problem
from mlopsctl.ground.process import ProcessId
from mlopsctl.registry.package import package, sample
from mlopsctl.servers.door import knock, open_door
from mlopsctl.servers.example import example_request
from mlopsctl.servers.local import LocalServer
from mlopsctl.servers.scoring import _answering
from mlopsctl.servers.state import read_state
from tests.integration.packed_models import FEATURES, Made, make_examples, make_model, repacked

CHECKOUT = Path(__file__).parents[2]
ROW = {"age": 3, "weight": 3.5, "wild": True, "island": "Biscoe"}
START = (
    "import sys\nfrom pathlib import Path\nfrom mlopsctl.servers.local import LocalServer\n"
    "LocalServer(Path(sys.argv[1])).start_or_swap(Path(sys.argv[2]), sys.argv[3], 0, 120)\n"
)
HANGS_WHEN_SERVED = "import sys, time\nif sys.argv[0].endswith('scoring.py'):\n    time.sleep(120)\n"


@dataclass(frozen=True)
class Packaged:
    """An MLflow model folder and the digest of the model in it."""

    folder: Path
    digest: str


def packaged(made: Made, folder: Path) -> Packaged:
    model = load(made.model)
    given = sample(made.examples, model.features, 3)
    return Packaged(package(made.model, folder, made.digest, given, model.predict(given.rows)), made.digest)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Packaged]:
    """Two good models, and three that are broken after they were packaged."""
    folder = tmp_path_factory.mktemp("models")
    first = make_model(folder / "first", make_examples(folder / "examples"))
    second = make_model(folder / "second", first.examples, strength=0.001)
    found = {name: packaged(made, folder / f"{name}-mlflow") for name, made in (("a", first), ("b", second))}
    broken = {
        "corrupt": {"estimator.pkl": b"\x80\x05corrupt"},
        "hanging": {"estimator.pkl": b"cslow\nThing\n.", "code/slow.py": HANGS_WHEN_SERVED.encode()},
        "refusing": {"model.json": (first.model / "model.json").read_bytes().replace(b'"island"', b'"isle"')},
    }
    for name, files in broken.items():
        made = repacked(first, folder / name, files)
        copy = packaged(first, folder / f"{name}-mlflow")
        (data,) = (copy.folder / "data").iterdir()
        for file in made.model.rglob("*"):
            if file.is_file():
                target = data / file.relative_to(made.model)
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(file.read_bytes())
        found[name] = Packaged(copy.folder, made.digest)
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server in a folder so deep that no Unix socket could be named there."""
    folder = tmp_path / ("a" * 100) / "serve"
    local = LocalServer(folder)
    yield local
    local.stop()
    assert not local.status().running
    assert list(folder.glob("door-*")) == []


def folder_of(server: LocalServer) -> Path:
    return server._folder


def ask(port: int, *rows: dict[str, Any]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        body = json.dumps({"dataframe_records": list(rows)})
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@dataclass
class Hammered:
    """What clients saw: how often each answer, and every failure."""

    answers: Counter[bytes] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@contextmanager
def hammering(port: int) -> Iterator[Hammered]:
    """Four clients that ask on and on, two of which keep their connections."""
    seen, stop, lock = Hammered(), threading.Event(), threading.Lock()
    body = json.dumps({"dataframe_records": [ROW]})

    def client(keeps: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not stop.is_set():
            try:
                connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                content = response.read()
                with lock:
                    seen.answers[content] += 1
                    if response.status != 200:
                        seen.failures.append(f"{response.status}: {content!r}")
            except (OSError, http.client.HTTPException) as problem:
                with lock:
                    seen.failures.append(repr(problem))
                connection.close()
            if not keeps:
                connection.close()
            time.sleep(0.005)
        connection.close()

    threads = [threading.Thread(target=client, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.3)
        yield seen
        time.sleep(0.3)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def gone(process: ProcessId, *, within: float = 10.0) -> bool:
    until = time.monotonic() + within
    while process.alive() and time.monotonic() < until:
        time.sleep(0.02)
    return not process.alive()


def test_the_server_outlives_its_starter_answers_only_what_fits_and_is_replaced_when_it_hangs(
    server: LocalServer, models: dict[str, Packaged]
) -> None:
    command = [sys.executable, "-c", START, str(folder_of(server)), str(models["a"].folder), models["a"].digest]
    secret = {**os.environ, "MLFLOW_TRACKING_TOKEN": "s3cret"}
    subprocess.run(command, check=True, cwd=CHECKOUT, env=secret)
    status = server.status()
    assert (status.running, status.healthy, status.digest) == (True, True, models["a"].digest)
    assert status.url == f"http://127.0.0.1:{status.port}"
    assert b"s3cret" not in Path(f"/proc/{status.pid}/environ").read_bytes()

    code, answer = ask(status.port, ROW, {**ROW, "age": 3.5, "weight": None, "island": None, "extra": 1})
    assert code == 200
    assert set(answer["predictions"][0]) == {"prediction", "probability_Adelie", "probability_Gentoo"}
    for wrong in ({"age": 3}, {**ROW, "age": "old"}, {**ROW, "wild": "yes"}):
        assert ask(status.port, wrong)[0] == 400, wrong
    shown = subprocess.run(example_request(models["a"].folder, status.url), shell=True, capture_output=True, check=True)
    assert "predictions" in json.loads(shown.stdout)

    os.kill(status.pid, signal.SIGSTOP)
    stopped = server.status()
    assert (stopped.running, stopped.healthy) == (True, False)
    second = server.start_or_swap(models["a"].folder, models["a"].digest, 0, 120)
    assert (second.healthy, second.port) == (True, status.port)
    assert second.pid != status.pid

    process = ProcessId.of(second.pid)
    os.kill(second.pid, signal.SIGKILL)
    assert gone(process)
    assert not server.status().running


def test_a_swap_loses_no_request_and_a_bad_model_changes_nothing(
    server: LocalServer, models: dict[str, Packaged]
) -> None:
    first = server.start_or_swap(models["a"].folder, models["a"].digest, 0, 120)
    old = ProcessId.of(first.pid)
    assert server.start_or_swap(models["a"].folder, models["a"].digest, 0, 120).pid == first.pid

    with hammering(first.port) as seen:
        for broken, said in (("corrupt", "UnpicklingError"), ("refusing", "refuses the model's own example: 400")):
            with pytest.raises(Problem, match=said):
                server.start_or_swap(models[broken].folder, models[broken].digest, 0, 120)
            assert server.status() == first
    assert seen.failures == []
    assert len(seen.answers) == 1
    assert len(read_state(folder_of(server)).processes) == 1

    with hammering(first.port) as seen:
        second = server.start_or_swap(models["b"].folder, models["b"].digest, 0, 120)
        assert gone(old, within=0.1)
    assert seen.failures == []
    assert len(seen.answers) == 2
    assert (second.port, second.digest, second.healthy) == (first.port, models["b"].digest, True)
    assert second.pid != first.pid


def test_a_starter_that_is_killed_leaves_no_server(server: LocalServer, models: dict[str, Packaged]) -> None:
    hanging = models["hanging"]
    command = [sys.executable, "-c", START, str(folder_of(server)), str(hanging.folder), hanging.digest]
    with subprocess.Popen(command, cwd=CHECKOUT) as starter:
        server_process = _detached(starter.pid, folder_of(server), until=time.monotonic() + 60)
        starter.kill()
    assert gone(server_process)
    assert read_state(folder_of(server)).processes == ()


def _detached(starter: int, folder: Path, *, until: float) -> ProcessId:
    """The server's process in the folder, once it is no child of the one that was started as a launcher."""
    while time.monotonic() < until:
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                    process = ProcessId.of(int(entry.name))
                    time.sleep(0.1)
                    if process.alive() and process.pid != starter:
                        return process
            except (OSError, ProcessLookupError):
                continue
        time.sleep(0.02)
    raise AssertionError("no server was started")


def test_a_swap_that_was_cut_off_is_finished_by_the_next_command(
    server: LocalServer, models: dict[str, Packaged], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = server.start_or_swap(models["a"].folder, models["a"].digest, 0, 120)

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LocalServer, "_leave", cut_off)
        with pytest.raises(KeyboardInterrupt):
            server.start_or_swap(models["b"].folder, models["b"].digest, 0, 120)
    both = [served.identity for served in read_state(folder_of(server)).processes]
    assert [process.alive() for process in both] == [True, True]
    assert server.status().digest == models["b"].digest
    second = server.start_or_swap(models["b"].folder, models["b"].digest, 0, 120)
    assert [process.alive() for process in both] == [False, True]
    assert (second.pid, second.port) == (both[1].pid, first.port)


def test_a_taken_port_is_said(server: LocalServer, models: dict[str, Packaged]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"port {port} of 127.0.0.1 cannot be used: Address already in use") as raised:
            server.start_or_swap(models["a"].folder, models["a"].digest, port, 120)
    assert "deployment.server.port" in raised.value.diagnostics[0].hint
    assert not server.status().running


@pytest.mark.parametrize("depth", [0, 8])
def test_the_door_hands_a_listening_socket_over_however_deep_it_stands(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["a-folder-with-a-name"] * depth)
    folder.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as listener, open_door(folder / "door") as door:

        def open_once() -> None:
            door.setblocking(True)
            knocking, _ = door.accept()
            with knocking:
                socket.send_fds(knocking, [b"x"], [listener.fileno()])

        keeper = threading.Thread(target=open_once)
        keeper.start()
        handed = knock(folder / "door")
        keeper.join()
        assert handed is not None
        with handed:
            assert handed.getsockname() == listener.getsockname()


def test_every_column_is_in_the_example(models: dict[str, Packaged]) -> None:
    assert all(name in example_request(models["a"].folder, "http://x") for name in FEATURES)


def test_a_connection_that_was_taken_in_the_moment_of_leaving_is_answered() -> None:
    """However many turns of the loop lie between taking the connection and leaving."""

    async def hello(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

    async def leave_after(turns: int) -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
            async with _answering(hello, listener, asyncio.Event()):
                client.connect(listener.getsockname())
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                for _ in range(turns):
                    await asyncio.sleep(0)
            client.settimeout(5)
            taken = turns > 1
            return client.recv(4096) if taken else b"hello"

    for turns in range(6):
        assert asyncio.run(leave_after(turns)).endswith(b"hello"), turns
