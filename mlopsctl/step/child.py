"""The step's own process, right after the fork: cut off from everything, then the task, then its end."""

from __future__ import annotations

import atexit
import os
import resource
import signal
import sys
import tempfile
from typing import NoReturn

from mlopsctl.ground.process import die_with_parent
from mlopsctl.step.execute import execute
from mlopsctl.step.task import StepTask
from mlopsctl.step.user_code import flush_output, log_traceback
from mlopsctl.step.wire import write_result

_LET_GO = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP)


def run_as_child(task: StepTask, *, supervisor: int, log: int, report: int, temporary: str) -> NoReturn:
    """Execute the task in this process, write its result to ``report``, and leave.

    Args:
        supervisor: the process that forked this one; its death ends this one.
        log: open descriptor of the attempt's log, which becomes stdout and stderr.
        report: open descriptor of an empty file without a name.
        temporary: a private folder, the place of temporary files.
    """
    code, step = 1, os.getpid()
    try:
        _cut_off(supervisor, log, temporary)
        result = execute(task)
        if os.getpid() != step:
            # User code forked, and the copy came back from the function too: only the original speaks.
            os._exit(0)
        os.write(report, write_result(result))
        # What libraries asked for at the interpreter's end: flush, delete temporary files.
        atexit._run_exitfuncs()
        code = 0
    except BaseException:
        log_traceback()
    finally:
        flush_output()
        os._exit(code)


def _cut_off(supervisor: int, log: int, temporary: str) -> None:
    """Default signals, a session of its own, no input, output to the log, no core dump."""
    signal.set_wakeup_fd(-1)
    for number in _LET_GO:
        signal.signal(number, signal.SIG_DFL)
    die_with_parent(signal.SIGKILL, supervisor)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["TMPDIR"] = temporary
    tempfile.tempdir = None
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
