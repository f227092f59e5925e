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

from mlopsctl.ground.containers import remove_noted
from mlopsctl.ground.process import ProcessId, become_subreaper, die_with_parent, end_descendants, reap
from mlopsctl.ground.secrets import grant
from mlopsctl.step.child import run_as_child
from mlopsctl.step.folders import remove_tree
from mlopsctl.step.memory import memory_below
from mlopsctl.step.output import Output
from mlopsctl.step.task import StepResult, StepState
from mlopsctl.step.wire import MAX_RESULT, Request, read_result, write_result

_SECONDS_BETWEEN_LOOKS = 0.25


class _End(Enum):
    """Why the waiting ended."""

    EXITED = "the process ended"
    TIMEOUT = "the time was up"
    MEMORY = "it took more memory than it asked for"
    STOPPED = "the orchestrator asked to stop"
    ABANDONED = "the orchestrator is gone"
    ORPHANED = "the worker is gone"


@dataclass(frozen=True, slots=True)
class _Ending:
    """How an attempt ended: why, with which wait status, what it reported, who outlived it, the memory it took."""

    end: _End
    status: int
    report: bytes
    survivors: tuple[ProcessId, ...]
    memory: int = 0


def supervise(request: Request, control: socket.socket, *, parent: int) -> None:
    """See one attempt through and send its result over ``control``; the caller's process does nothing else.

    Raises:
        OSError: when this machine gives no process, log or temporary folder.
    """
    os.setsid()
    become_subreaper()
    begun = time.perf_counter()
    grant(request.secrets)
    output = Output(request.log, request.max_log)
    last_words = ""
    try:
        with _signals(parent) as bell, _temporary_folder() as temporary:
            with tempfile.TemporaryFile(dir=request.task.staging) as report:
                ending = _attempt(request, control, bell, output, report, str(temporary))
            remove_noted(temporary)
        if ending.end is _End.ABANDONED:
            return
        result = replace(_judge(ending, request), seconds=time.perf_counter() - begun)
        last_words = "" if ending.report else f"mlopsctl: {result.problem}"
    finally:
        # Before anybody hears of the end, so that whoever then reads the log reads all of it.
        output.close(last_words)
    control.setblocking(True)
    with suppress(BrokenPipeError, ConnectionResetError):
        control.sendall(write_result(result))


def _attempt(
    request: Request, control: socket.socket, bell: _Bell, output: Output, report: BinaryIO, temporary: str
) -> _Ending:
    supervisor = os.getpid()
    child = os.fork()
    if child == 0:
        for ours in (control, bell.heard, bell.rung):
            ours.close()
        writer = output.inherit()
        run_as_child(request, supervisor=supervisor, output=writer, report=report.fileno(), temporary=temporary)
    output.start()
    statuses: dict[int, int] = {}
    watch = _Watch(request)
    end = _wait(child, watch, control, bell.heard, statuses)
    in_order = end in (_End.EXITED, _End.TIMEOUT, _End.MEMORY, _End.STOPPED)
    survivors = end_descendants(grace=request.grace if in_order else 0.0, hurry=_Impatience(control))
    report.seek(0)
    return _Ending(end, statuses.get(child, 0), report.read(MAX_RESULT), survivors, watch.memory)


class _Watch:
    """The two limits of an attempt: its time, and its memory, which is looked at a few times a second."""

    def __init__(self, request: Request) -> None:
        self._deadline = None if request.timeout is None else time.monotonic() + request.timeout
        self._limit = request.task.resources.memory
        self.memory = 0

    def passed(self) -> _End | None:
        """Which of the limits is passed."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return _End.TIMEOUT
        if self._limit is not None:
            self.memory = memory_below(os.getpid())
            return _End.MEMORY if self.memory > self._limit else None
        return None

    def pause(self) -> float | None:
        """Seconds until it has to be asked again; ``None``: never."""
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        if self._limit is None:
            return left
        return _SECONDS_BETWEEN_LOOKS if left is None else min(left, _SECONDS_BETWEEN_LOOKS)


def _wait(child: int, watch: _Watch, control: socket.socket, bell: socket.socket, statuses: dict[int, int]) -> _End:
    """Wait for the first of: the child's end, a limit, a word or the silence of the orchestrator."""
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(bell, selectors.EVENT_READ)
        while (passed := watch.passed()) is None:
            ready = {key.fileobj for key, _ in selector.select(watch.pause())}
            rung = bell.recv(4096) if bell in ready else b""
            # First the child: a step that just ended was not stopped.
            reap(statuses)
            if child in statuses:
                return _End.EXITED
            if control in ready:
                return _End.STOPPED if _word(control) else _End.ABANDONED
            if signal.SIGTERM in rung:
                return _End.ORPHANED
    return passed


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
        case _End.MEMORY:
            return _failed(
                f"the step took {_mebibytes(ending.memory)} of memory, and asked for "
                f"{_mebibytes(request.task.resources.memory or 0)}",
                "raise `resources.memory`, or let the step read its data in parts",
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


def _mebibytes(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB"


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
