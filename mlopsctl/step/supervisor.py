"""The supervisor of one attempt: it forks the step's process, waits, ends whatever is left, and reports.

It adopts every orphan below it (Linux), so a daemonised grandchild dies with the step. It obeys a socket: a byte on it
means *stop in order* (TERM, grace, KILL), a second one that the grace is over, and its end that the orchestrator is
gone: then the tree is killed at once.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from mlopsctl.ground.process import ProcessId, become_subreaper, die_with_parent, end_descendants, reap
from mlopsctl.step.child import run_as_child
from mlopsctl.step.folders import remove_tree
from mlopsctl.step.task import StepResult, StepState
from mlopsctl.step.wire import MAX_RESULT, Request, read_result, write_result

_LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class _End(Enum):
    """Why the waiting ended."""

    EXITED = "the process ended"
    TIMEOUT = "the time was up"
    STOPPED = "the orchestrator asked to stop"
    ABANDONED = "the orchestrator is gone"
    ORPHANED = "the worker is gone"


@dataclass(frozen=True, slots=True)
class _Ending:
    """How an attempt ended: why, with which wait status, what it reported, who outlived it."""

    end: _End
    status: int
    report: bytes
    survivors: tuple[ProcessId, ...]


def supervise(request: Request, control: socket.socket, *, parent: int) -> None:
    """See one attempt through and send its result over ``control``; the caller's process does nothing else.

    Raises:
        OSError: when this machine gives no process, log or temporary folder.
    """
    os.setsid()
    become_subreaper()
    begun = time.perf_counter()
    with _signals(parent) as bell, _temporary_folder() as temporary, _log(request.log) as log:
        with tempfile.TemporaryFile(dir=request.task.staging) as report:
            ending = _attempt(request, control, bell, log, report, str(temporary))
        if ending.end is _End.ABANDONED:
            return
        result = replace(_judge(ending, request), seconds=time.perf_counter() - begun)
        if not ending.report:
            os.write(log, f"mlopsctl: {result.problem}\n".encode(errors="backslashreplace"))
    control.setblocking(True)
    with suppress(BrokenPipeError, ConnectionResetError):
        control.sendall(write_result(result))


def _attempt(
    request: Request, control: socket.socket, bell: _Bell, log: int, report: BinaryIO, temporary: str
) -> _Ending:
    supervisor = os.getpid()
    child = os.fork()
    if child == 0:
        for ours in (control, bell.heard, bell.rung):
            ours.close()
        run_as_child(request.task, supervisor=supervisor, log=log, report=report.fileno(), temporary=temporary)
    statuses: dict[int, int] = {}
    end = _wait(child, request.timeout, control, bell.heard, statuses)
    in_order = end in (_End.EXITED, _End.TIMEOUT, _End.STOPPED)
    survivors = end_descendants(grace=request.grace if in_order else 0.0, hurry=_Impatience(control))
    report.seek(0)
    return _Ending(end, statuses.get(child, 0), report.read(MAX_RESULT), survivors)


def _wait(
    child: int, timeout: float | None, control: socket.socket, bell: socket.socket, statuses: dict[int, int]
) -> _End:
    """Wait for the first of: the child's end, the timeout, a word or the silence of the orchestrator."""
    deadline = None if timeout is None else time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(bell, selectors.EVENT_READ)
        while deadline is None or time.monotonic() < deadline:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = {key.fileobj for key, _ in selector.select(left)}
            rung = bell.recv(4096) if bell in ready else b""
            # First the child: a step that just ended was not stopped.
            reap(statuses)
            if child in statuses:
                return _End.EXITED
            if control in ready:
                return _End.STOPPED if _word(control) else _End.ABANDONED
            if signal.SIGTERM in rung:
                return _End.ORPHANED
    return _End.TIMEOUT


def _word(control: socket.socket) -> bytes:
    try:
        return control.recv(64)
    except ConnectionResetError:
        return b""


class _Impatience:
    """True from the moment the orchestrator hangs up or asks (again) to stop."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._shown = False
        control.setblocking(False)

    def __call__(self) -> bool:
        if not self._shown:
            with suppress(BlockingIOError):
                _word(self._control)
                self._shown = True
        return self._shown


def _judge(ending: _Ending, request: Request) -> StepResult:
    if ending.survivors:
        left = ", ".join(str(process.pid) for process in ending.survivors)
        return _failed(f"the step left processes that cannot be ended: {left}", "look at them with `ps`")
    match ending.end:
        case _End.TIMEOUT:
            return _failed(
                f"the step took longer than its timeout of {request.timeout:g} s",
                "raise `timeout`, or see in the log where it hung",
            )
        case _End.STOPPED:
            return StepResult(StepState.CANCELED, problem="the step was stopped before its end")
        case _End.ORPHANED:
            return _failed("the worker that started the step died", "out of memory? Run again with fewer `--jobs`")
    result = read_result(ending.report)
    if result is not None and ending.status == 0 and _credible(result, request):
        return result
    return _crashed(ending.status)


def _credible(result: StepResult, request: Request) -> bool:
    """Whether a step may say this of itself: success only with all of its outputs and no other."""
    if result.state is StepState.SUCCESS:
        return result.outputs.keys() == request.task.outputs.keys()
    return result.state in (StepState.FAILED, StepState.SKIPPED) and not result.outputs


def _crashed(status: int) -> StepResult:
    """What a process says that ended without a word."""
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return _failed("the step exited 0 without a result", "let the function return; do not call os._exit()")
    if code < 0:
        return _failed(f"the step was killed by {_signal_name(-code)}", _advice(-code))
    if code - 128 in set(signal.Signals):
        return _failed(f"the step exited with code {code}, as after {_signal_name(code - 128)}", _advice(code - 128))
    return _failed(f"the step exited with code {code}", "see its log")


def _signal_name(number: int) -> str:
    if number == signal.SIGKILL:
        return "signal 9 (out of memory?)"
    known = number in set(signal.Signals)
    return f"signal {number} ({signal.Signals(number).name})" if known else f"signal {number}"


def _advice(number: int) -> str:
    if number == signal.SIGKILL:
        return "give the step more memory, or run with fewer `--jobs`; `dmesg` says whether the kernel killed it"
    if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT, signal.SIGFPE):
        return "a native library crashed; see the log, and try other versions of the step's packages"
    return "somebody outside ended it; run again"


def _failed(problem: str, hint: str) -> StepResult:
    return StepResult(StepState.FAILED, problem=problem, hint=hint)


@dataclass(frozen=True, slots=True)
class _Bell:
    """Two ends of a socket: the number of each signal goes into one and is heard at the other."""

    heard: socket.socket
    rung: socket.socket


@contextmanager
def _signals(parent: int) -> Iterator[_Bell]:
    """Hear of children that end, and of the worker's death."""
    bell = _Bell(*socket.socketpair())
    with bell.heard, bell.rung:
        for end in (bell.heard, bell.rung):
            end.setblocking(False)
        signal.set_wakeup_fd(bell.rung.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        die_with_parent(signal.SIGTERM, parent)
        yield bell
        signal.set_wakeup_fd(-1)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A private folder for temporary files, with a short path (sockets in it have 108 bytes), gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mlopsctl-"))
    try:
        yield folder
    finally:
        remove_tree(folder)


@contextmanager
def _log(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, _LOG_FLAGS, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
