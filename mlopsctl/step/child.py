"""The step's own process, right after the fork: cut off from everything, then the task, then its end."""

from __future__ import annotations

import os
import resource
import signal
import tempfile
from typing import NoReturn

from mlopsctl.ground.process import die_with_parent
from mlopsctl.step.cold import become, is_cold
from mlopsctl.step.perform import perform
from mlopsctl.step.user_code import flush_output, log_traceback
from mlopsctl.step.wire import Request

_LET_GO = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP)


def run_as_child(request: Request, *, supervisor: int, output: int, report: int, temporary: str) -> NoReturn:
    """Execute the task in this process or in the interpreter it asks for, write its result, and leave.

    Args:
        supervisor: the process that forked this one; its death ends this one.
        output: open descriptor that becomes stdout and stderr.
        report: open descriptor of an empty file without a name, for the result.
        temporary: a private folder, the place of temporary files.
    """
    try:
        _cut_off(supervisor, output, temporary)
        if is_cold(request.task):
            become(request, report)
    except BaseException:
        log_traceback()
        flush_output()
        os._exit(1)
    perform(request.task, report)


def _cut_off(supervisor: int, output: int, temporary: str) -> None:
    """Default signals, a session of its own, no input, output to the log, no core dump."""
    signal.set_wakeup_fd(-1)
    for number in _LET_GO:
        signal.signal(number, signal.SIG_DFL)
    die_with_parent(signal.SIGKILL, supervisor)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["TMPDIR"] = temporary
    tempfile.tempdir = None
