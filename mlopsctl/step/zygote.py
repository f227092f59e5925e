"""The worker: one warm, single-threaded process that forks a supervisor for each attempt.

Starting Python and importing libraries takes a second; forking a process that has them takes milliseconds. It imports
our own runtime at once and, before the first attempt that needs them, the libraries that a component names in
``SPEC.preload``. It only ever imports: no library is *used* before a fork, and no user code is imported here at all.
It ends when the orchestrator closes its socket, after every attempt has ended; without it, all die.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from importlib import import_module
from typing import NoReturn

from mlopsctl.components import spec as components
from mlopsctl.ground.process import become_subreaper, children, end_descendants, kill_tree, reap
from mlopsctl.step.cold import is_cold
from mlopsctl.step.supervisor import supervise
from mlopsctl.step.task import StepResult, StepState
from mlopsctl.step.wire import LENGTH_BYTES, Request, build_readers, read_request, write_result

_SECONDS_TO_END = 20.0

# What every step needs: imported once here instead of in each child.
_RUNTIME = ("ctypes", "pydantic.type_adapter")


def main() -> NoReturn:
    """Serve the socket whose descriptor is the last argument, and leave without the interpreter's slow end."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    code = 1
    try:
        _Zygote(control).serve()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class _Zygote:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._supervisors: set[int] = set()
        self._preloaded: set[str] = set()
        self._bell, self._button = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        become_subreaper()
        self._listen()
        build_readers()
        self._preload("the runtime", _RUNTIME)
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._bell in ready:
                self._bell.recv(4096)
                self._tidy()
            if self._control in ready and not self._take():
                break
        self._end()

    def _listen(self) -> None:
        for end in (self._bell, self._button):
            end.setblocking(False)
        signal.set_wakeup_fd(self._button.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)

    def _take(self) -> bool:
        """Start the next attempt; false when the orchestrator has closed its end."""
        _, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if not descriptors:
            return False
        with socket.socket(fileno=descriptors[0]) as attempt:
            line = _receive(attempt)
            if line is not None:
                self._start(read_request(line), attempt)
        return True

    def _start(self, request: Request, attempt: socket.socket) -> None:
        if not is_cold(request.task):
            self._preload_for(request.task.component)
        worker = os.getpid()
        try:
            supervisor = os.fork()
        except OSError as error:
            _apologise(attempt, error)
            return
        if supervisor == 0:
            self._become_supervisor(request, attempt, worker)
        self._supervisors.add(supervisor)

    def _become_supervisor(self, request: Request, attempt: socket.socket, worker: int) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            for end in (self._control, self._bell, self._button):
                end.close()
            supervise(request, attempt, parent=worker)
            code = 0
        except OSError as error:
            traceback.print_exc()
            _apologise(attempt, error)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _preload_for(self, component: str) -> None:
        try:
            names = components.load(component).SPEC.preload
        except (KeyError, ImportError):
            # The attempt's own process meets the same, and reports it.
            return
        self._preload(component, names)

    def _preload(self, why: str, names: tuple[str, ...]) -> None:
        new = [name for name in names if name not in self._preloaded]
        for name in new:
            self._preloaded.add(name)
            try:
                import_module(name)
            except ImportError as error:
                print(f"cannot preload {name} for {why}: {error}", file=sys.stderr)
        if new:
            # What lives now is never garbage; the collector must not touch, and so copy, pages shared with children.
            gc.collect()
            gc.freeze()

    def _tidy(self) -> None:
        """Reap supervisors; whatever one that was killed left behind comes to us, and is killed."""
        ended: dict[int, int] = {}
        reap(ended)
        self._supervisors -= ended.keys()
        if any(ended.values()):
            for pid in set(children(os.getpid())) - self._supervisors:
                kill_tree(pid, grace=0.0)

    def _end(self) -> None:
        """Wait until the supervisors, which lost the orchestrator as well, have ended their trees."""
        deadline = time.monotonic() + _SECONDS_TO_END
        while reap({}) and time.monotonic() < deadline:
            time.sleep(0.002)
        end_descendants(grace=0.0)


def _receive(attempt: socket.socket) -> bytes | None:
    """The request's JSON, or ``None`` when the orchestrator went away while it wrote."""
    length = _receive_exactly(attempt, LENGTH_BYTES)
    return None if length is None else _receive_exactly(attempt, int.from_bytes(length, "big"))


def _receive_exactly(attempt: socket.socket, count: int) -> bytes | None:
    got = bytearray()
    while len(got) < count:
        try:
            chunk = attempt.recv(min(count - len(got), 1 << 20))
        except ConnectionResetError:
            return None
        if not chunk:
            return None
        got += chunk
    return bytes(got)


def _apologise(attempt: socket.socket, error: OSError) -> None:
    problem = f"the step's process could not be started: {error}"
    result = StepResult(StepState.FAILED, problem=problem, hint="see what the machine lacks: processes, disk, rights")
    try:
        attempt.sendall(write_result(result))
    except OSError:
        # Nobody is left to tell; the log has the error.
        traceback.print_exc()
