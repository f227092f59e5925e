"""A step in a fresh interpreter: of its own environment, or one whose libraries may use more than one core.

The forked process becomes it (``exec``), so that it has the same number, session and parent, and dies with them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from mlopsctl.ground.secrets import grant, look_up
from mlopsctl.step.perform import perform
from mlopsctl.step.task import StepTask
from mlopsctl.step.wire import Request, read_request, write_request

# The step runs the very code that started it. In an environment of its own the packages beside that code come last,
# so that the environment's win.
_START = (
    "import sys; root = sys.argv[1]; behind = root.endswith('-packages'); "
    "root in sys.path or sys.path.insert(len(sys.path) if behind else 0, root); "
    "from mlopsctl.step.cold import main; main()"
)
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS")


def is_cold(task: StepTask) -> bool:
    """Whether a step needs an interpreter of its own: libraries read the number of their threads when they load."""
    return bool(task.python) or task.resources.cpu is not None


def become(request: Request, report: int) -> NoReturn:
    """Start the step's interpreter in place of this process.

    Raises:
        OSError: when it cannot be started.
    """
    root = str(Path(__file__).resolve().parents[2])
    with tempfile.TemporaryFile() as asked:
        # The secrets are in the environment already, and must not lie in a file.
        asked.write(write_request(replace(request, secrets={})))
        asked.seek(0)
        for descriptor in (report, asked.fileno()):
            os.set_inheritable(descriptor, True)
        python = request.task.python or sys.executable
        os.execve(
            python, [python, "-P", "-c", _START, root, str(asked.fileno()), str(report)], _environment(request.task)
        )


def main() -> NoReturn:
    """The fresh interpreter: read the task, do it, leave."""
    asked, report = map(int, sys.argv[-2:])
    with os.fdopen(asked, "rb") as stream:
        request = read_request(stream.read())
    os.set_inheritable(report, False)
    grant(look_up(request.task.parameters))
    perform(request.task, report)


def _environment(task: StepTask) -> dict[str, str]:
    environment = dict(os.environ)
    if task.python:
        programs = Path(task.python).parent
        environment["VIRTUAL_ENV"] = str(programs.parent)
        environment["PATH"] = os.pathsep.join([str(programs), environment.get("PATH", os.defpath)])
    if task.resources.cpu is not None:
        environment |= dict.fromkeys(_THREADS, str(max(1, int(task.resources.cpu))))
    return environment
