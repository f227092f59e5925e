"""Calls in forked processes side by side: each alone with the memory it was forked with, none outliving this one."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any, TypeVar

from mlopsctl.ground.process import die_with_parent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Died:
    """A process that ended without an answer; ``how`` says by what, as a phrase."""

    how: str


def side_by_side(calls: Sequence[Callable[[], T]], parallel: int) -> list[T | Died]:
    """The answers of all calls in their order, whichever is ready first; at most ``parallel`` run at once.

    What a call answers must be picklable; one that raises has died, and its traceback stands in stderr. When this
    function is left early, by an interrupt, every process that runs is killed.
    """
    answers: dict[int, T | Died] = {}
    waiting = list(enumerate(calls))[::-1]
    running: dict[Connection, tuple[int, ForkProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                place, call = waiting.pop()
                answer, process = _started(call)
                running[answer] = place, process
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                place, process = running.pop(ready)
                answers[place] = _collected(ready, process)
    finally:
        for _, process in running.values():
            process.kill()
            process.join()
    return [answers[place] for place in range(len(calls))]


def _started(call: Callable[[], T]) -> tuple[Connection, ForkProcess]:
    receiver, sender = Pipe(duplex=False)
    process = ForkProcess(target=_answer, args=(call, sender, os.getpid()))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with warnings.catch_warnings():
        # Newer Pythons warn of any thread; those of the libraries in use sleep, and survive a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    # Only the process itself holds the sending end: its death is the end of the stream.
    sender.close()
    return receiver, process


def _answer(call: Callable[[], object], sender: Connection, parent: int) -> None:
    """What the forked process does."""
    die_with_parent(signal.SIGKILL, parent)
    try:
        sender.send(call())
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _collected(answer: Connection, process: ForkProcess) -> Any:
    found: list[object] = []
    with answer, suppress(EOFError):
        found.append(answer.recv())
    process.join()
    code = process.exitcode or 0
    process.close()
    if found:
        return found[0]
    return Died(f"its process was ended by {signal.Signals(-code).name}" if code < 0 else "its process failed")
