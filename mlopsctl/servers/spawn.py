"""Start MLflow's scoring server as a process of its own, and follow it until it answers."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.process import ProcessId, kill_tree
from mlopsctl.servers import scoring
from mlopsctl.servers.http import HOST, Loopback, NoAnswer
from mlopsctl.servers.quiet import QUIET

# A server loads code out of a model, so it gets what a program needs to run and none of its starter's secrets.
_PASSED_ON = (
    "DYLD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "LOGNAME", "PATH",
    "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "SSL_CERT_DIR",
    "SSL_CERT_FILE", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "XDG_CACHE_HOME",
)  # fmt: skip

GRACE = float(scoring.KEEP_ALIVE + scoring.ANSWERING + 2)
"""Seconds until a server that was asked to leave is killed: its own patience, and a little."""

_TAIL = 20
_TAIL_CHARACTERS = 2_000


class ServerFailed(StepProblem):
    """The server did not come up, or came up wrong."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """The public side of a server: the listening socket, and the door where a successor gets it."""

    public: socket.socket
    door: socket.socket


class ServerProcess:
    """A server that was started and answers to its starter only, until it is admitted.

    Unless it was admitted it ends with :meth:`end`, and when this process dies.
    """

    def __init__(self, model: Path, log: Path, *, public: Sockets | None = None) -> None:
        self._log = log
        self._listener = listen(0)
        self.port = port_of(self._listener)
        self._leash, other_end = socket.socketpair()
        passed = [self._listener, other_end, *([public.public, public.door] if public is not None else [])]
        command = [sys.executable, "-P", scoring.__file__, "--model", str(model)]
        command += ["--private", str(self._listener.fileno()), "--leash", str(other_end.fileno())]
        if public is not None:
            command += ["--public", str(public.public.fileno()), "--door", str(public.door.fileno()), "--detach"]
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env=_environment(),
                pass_fds=[one.fileno() for one in passed],
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
            other_end.close()
            self._listener.close()
        if public is not None:
            self._child.wait()
        self._heard = b""
        try:
            said = self._word("pid", time.monotonic() + 30)
            self.process = ProcessId.of(int(said.removeprefix("pid ")))
        except (ServerFailed, ProcessLookupError):
            self._leash.close()
            self._child.wait()
            raise self._failed("the model server ended at once") from None

    def wait_ready(self, timeout: float) -> None:
        """Wait until the model is loaded and the server answers ``/ping`` on its private port.

        Raises:
            ServerFailed: with the end of its log, when it ended or took longer than ``timeout`` seconds.
        """
        until = time.monotonic() + timeout
        self._word("ready", until)
        try:
            with Loopback(self.port, timeout=max(until - time.monotonic(), 1.0)) as private:
                answer = private.get("/ping")
        except NoAnswer as problem:
            raise self._failed(f"the model server does not answer: {problem}") from None
        if answer.status != 200:
            raise self._failed(f"the model server is not healthy: /ping answers {answer.status}")

    def admit(self) -> None:
        """Let it answer on the public socket; from here on it lives on its own.

        Raises:
            ServerFailed: when it does not confirm.
        """
        try:
            self._leash.sendall(b"admit\n")
        except OSError:
            raise self._failed("the model server ended before it was admitted") from None
        self._word("admitted", time.monotonic() + 30)

    def end(self, *, grace: float = 5.0) -> None:
        """End it and everything below it, and wait until it is gone."""
        if self.process.alive():
            kill_tree(self.process.pid, grace=grace)
        self._leash.close()
        self._child.wait()

    def release(self) -> None:
        """Let an admitted server live on without its starter."""
        self._leash.close()

    def _word(self, expected: str, until: float) -> str:
        """The next line on the leash, which begins with ``expected``."""
        while b"\n" not in self._heard:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._leash], [], [], left)[0]:
                raise self._failed(f"the model server took too long to start (no {expected!r} in time)")
            try:
                more = self._leash.recv(256)
            except OSError:
                more = b""
            if not more:
                raise self._failed("the model server ended while it started")
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode("ascii")

    def _failed(self, what: str) -> ServerFailed:
        said = tail(self._log)
        message = f"{what}; its log ends with:\n{said}" if said else what
        return ServerFailed.because("server-not-started", message, hint=f"the whole log: {self._log}")


def tail(log: Path) -> str:
    """The last lines of a log, at most 20 and 2,000 characters; empty when there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - 16_384))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-_TAIL:])[-_TAIL_CHARACTERS:]


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback address; port 0 takes a free one.

    Raises:
        OSError: when the port is taken or not allowed.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def port_of(listener: socket.socket) -> int:
    """The port a socket is bound to."""
    port: int = listener.getsockname()[1]
    return port


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # One thread a prediction: small answers are faster, and several requests do not fight for the cores.
    return {**passed, **QUIET, "OMP_NUM_THREADS": "1"}
