"""Doing a task in the process that is there for it: execute, write the result, leave."""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn, TextIO

from mlopsctl.step.execute import execute
from mlopsctl.step.task import StepTask
from mlopsctl.step.user_code import flush_output, log_traceback
from mlopsctl.step.wire import write_result


def perform(task: StepTask, report: int) -> NoReturn:
    """Execute the task here, write its result to the descriptor, and leave without the interpreter's slow end."""
    code, step = 1, os.getpid()
    try:
        # New ones: those of the worker remember that their descriptor was a file, in which one can seek.
        sys.stdout, sys.stderr = _stream(1), _stream(2)
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


def _stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
