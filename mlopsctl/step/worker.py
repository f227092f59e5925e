"""The orchestrator's handle on its worker process, and on each attempt that runs below it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from mlopsctl.ground.ambient import google
from mlopsctl.ground.process import kill_tree
from mlopsctl.step.task import StepResult, StepState
from mlopsctl.step.wire import MAX_RESULT, Request, framed, read_result, write_request

_SECONDS_TO_END = 30.0
_TAIL_BYTES = 2_000

# Nothing else of the caller's environment reaches a step: no token, no proxy with a password in it.
PASSED_ON = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
        "CUDA_VISIBLE_DEVICES", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "XDG_CACHE_HOME", "MPLCONFIGDIR", "HF_HOME",
        # How docker and podman find their engine.
        "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY",
        "CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF",
    }
)  # fmt: skip

# The same results on every machine: one thread, one hash seed, one encoding, one time zone, no telemetry.
FIXED = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TZ": "UTC",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}

# The worker runs the very code that started it, installed or not; `-P` keeps the current folder out.
_START = (
    "import sys; root = sys.argv[1]; root in sys.path or sys.path.insert(0, root); "
    "from mlopsctl.step.zygote import main; main()"
)


def step_environment(ambient: Mapping[str, str]) -> dict[str, str]:
    """The environment of every step: what is fixed, and what is passed on from the caller's."""
    passed = {name: value for name, value in ambient.items() if name in PASSED_ON} | google(ambient)
    if path := passed.get("PYTHONPATH"):
        # The worker runs elsewhere than its caller.
        passed["PYTHONPATH"] = os.pathsep.join(os.path.abspath(part) for part in path.split(os.pathsep) if part)
    return {**passed, **FIXED}


class Call:
    """One attempt below the worker: readable when there is news, a result once it has ended."""

    def __init__(self, line: socket.socket, worker: Worker) -> None:
        self._line = line
        self._worker = worker
        self._received = bytearray()

    def fileno(self) -> int:
        """For selectors."""
        return self._line.fileno()

    def collect(self) -> StepResult | None:
        """Read what has come; the result when the attempt has ended, else ``None``."""
        try:
            chunk = self._line.recv(1 << 16)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            chunk = b""
        self._received += chunk
        # A result is one line; the end without one means that nobody is left to write it.
        if chunk and not chunk.endswith(b"\n") and len(self._received) <= 2 * MAX_RESULT:
            return None
        return read_result(bytes(self._received)) or self._worker.lost()

    def stop(self) -> None:
        """Ask for an orderly end: TERM, grace, KILL. Asked again, the grace is over."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, BlockingIOError):
            self._line.send(b"!")

    def close(self) -> None:
        """Hang up; the processes of an attempt that still runs are killed at once."""
        self._worker.forget(self)
        self._line.close()


class Worker:
    """Starts the worker process when the first attempt needs it, again if it died, and ends it with all below it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._calls: set[Call] = set()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def submit(self, request: Request) -> Call:
        """Start an attempt; a worker that is gone shows in the call's result."""
        control = self._running()
        ours, theirs = socket.socketpair()
        message = framed(write_request(request))
        with theirs, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(control, [b"+"], [theirs.fileno()])
            theirs.close()
            ours.sendall(message)
        ours.setblocking(False)
        call = Call(ours, self)
        self._calls.add(call)
        return call

    def forget(self, call: Call) -> None:
        """The call is over."""
        self._calls.discard(call)

    def lost(self) -> StepResult:
        """The result of an attempt that ended without one: its supervisor died, or the worker itself."""
        code = self._exit_code()
        if code is None:
            problem = "the step's supervising process was killed"
        elif code < 0:
            why = " (out of memory?)" if -code == signal.SIGKILL else ""
            problem = f"the worker process was killed by signal {-code}{why}"
        else:
            problem = f"the worker process ended with code {code}: {self._last_words()}"
        hint = f"run again; the worker's own log is {self._log}"
        return StepResult(StepState.FAILED, problem=problem, hint=hint)

    def close(self) -> None:
        """Let the worker end; its attempts are killed with it. Returns when no process is left."""
        for call in tuple(self._calls):
            call.close()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                kill_tree(self._process.pid, grace=0.0)
                self._process.wait()
            self._process = None
        if self._log.is_file() and self._log.stat().st_size == 0:
            self._log.unlink()

    def _running(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        if self._control is not None:
            self._control.close()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._control, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as log:
            self._process = _start(theirs.fileno(), log)
        return self._control

    def _exit_code(self) -> int | None:
        if self._process is None:
            return None
        # Its sockets close a moment before it can be waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(0.5)
        return None

    def _last_words(self) -> str:
        with self._log.open("rb") as stream:
            stream.seek(max(0, self._log.stat().st_size - _TAIL_BYTES))
            lines = stream.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _start(control: int, log: BinaryIO) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, root, str(control)],
        env=step_environment(os.environ),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(control,),
        start_new_session=True,
    )
