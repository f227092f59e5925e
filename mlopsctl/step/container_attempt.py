"""One attempt of a step in its container: by the same worker as on a laptop, its output also on the container's."""

from __future__ import annotations

import os
import selectors
import tempfile
from dataclasses import replace
from pathlib import Path

from mlopsctl.ground.interrupts import Interrupts
from mlopsctl.ground.secrets import look_up
from mlopsctl.step.environments import Environment, Installation, environment_of
from mlopsctl.step.task import StepResult, StepState, StepTask
from mlopsctl.step.wire import Request
from mlopsctl.step.worker import Call, Worker

GRACE = 5.0
"""Seconds from TERM to KILL."""

_SECONDS_BETWEEN_LOOKS = 0.2
_CHUNK = 1 << 16


def attempt(
    task: StepTask, requirements: tuple[str, ...], timeout: float | None, log: Path, interrupts: Interrupts
) -> StepResult:
    """Run the task below a worker to its end; a signal to this process stops it in order.

    Args:
        log: the file that its output goes to, and from there to stdout as it is written.

    Raises:
        StepProblem: when a secret that it names is not set.
    """
    secrets = look_up(task.parameters)
    echo = _Echo(log)
    if requirements:
        environment = _environment(Path(task.project), requirements)
        if not environment.is_ready():
            built = _followed(environment.install(log), echo, interrupts)
            if built.state is not StepState.SUCCESS:
                return built
        # The step's own output begins the file anew.
        log = log.with_name(f"own-{log.name}")
        echo = _Echo(log)
        task = replace(task, python=str(environment.python))
    with Worker(log.with_name("worker.log")) as worker:
        request = Request(task, log, timeout, GRACE, secrets=secrets)
        return _followed(worker.submit(request), echo, interrupts)


class _Echo:
    """Copies what a file grows by to this process's stdout."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._done = 0

    def __call__(self) -> None:
        if not self._file.is_file():
            return
        with self._file.open("rb") as stream:
            stream.seek(self._done)
            while chunk := stream.read(_CHUNK):
                self._done += len(chunk)
                _say(chunk)


def _say(chunk: bytes) -> None:
    while chunk:
        try:
            chunk = chunk[os.write(1, chunk) :]
        except OSError:
            # Nobody reads it any more; the log has it.
            return


def _followed(call: Call | Installation, echo: _Echo, interrupts: Interrupts) -> StepResult:
    """Wait for the end, echo on the way, and pass on every request to stop."""
    obeyed = 0
    with selectors.DefaultSelector() as selector:
        selector.register(call, selectors.EVENT_READ)
        selector.register(interrupts, selectors.EVENT_READ)
        result = None
        while result is None:
            ready = {key.fileobj for key, _ in selector.select(_SECONDS_BETWEEN_LOOKS)}
            if interrupts in ready:
                interrupts.drain()
            while obeyed < interrupts.count:
                obeyed += 1
                call.stop()
            echo()
            if call in ready:
                result = call.collect()
        selector.unregister(call)
    call.close()
    echo()
    return result


def _environment(project: Path, requirements: tuple[str, ...]) -> Environment:
    """The environment of the pins: the one in the image, where it has it, else one that this container builds."""
    shipped = environment_of(project / ".mlops" / "environments", requirements)
    if shipped.is_ready():
        return shipped
    return environment_of(Path(tempfile.gettempdir()) / "mlopsctl-environments", requirements)
