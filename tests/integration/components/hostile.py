"""A component that misbehaves in the way it is told to."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType


class HostileParameters(Parameters):
    """``way`` names a function of this module."""

    way: str


SPEC = ComponentSpec(
    name="hostile",
    version=1,
    inputs={},
    outputs={"model": ArtifactType.MODEL},
    parameters=HostileParameters,
)


def run(work: Work, parameters: HostileParameters) -> Notes:
    folder = work.outputs["model"]
    _pid(work, "step")
    if parameters.way not in ("missing_output", "delete_folders"):
        (folder / "file.txt").write_text("done")
    WAYS[parameters.way](work)
    return Notes(line=parameters.way)


def _pid(work: Work, name: str) -> None:
    """Leave a process's number in the project's folder, for the test to look for survivors."""
    (work.project / f"{name}.pid").write_text(str(os.getpid()))


def _sleep_for_ever() -> NoReturn:
    while True:
        time.sleep(60)


def missing_output(work: Work) -> None:
    pass


def hang(work: Work) -> None:
    _sleep_for_ever()


def ignore_term(work: Work) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _pid(work, "ready")
    _sleep_for_ever()


def daemonise(work: Work) -> None:
    """A double fork in a session of its own, which ignores TERM and keeps the log open."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            _pid(work, "daemon")
            _sleep_for_ever()
        os._exit(0)
    os.wait()
    while not (work.project / "daemon.pid").exists():
        time.sleep(0.01)


def daemonise_and_hang(work: Work) -> None:
    daemonise(work)
    _pid(work, "ready")
    _sleep_for_ever()


def many_children(work: Work) -> None:
    for number in range(150):
        if os.fork() == 0:
            _pid(work, f"child-{number}")
            _sleep_for_ever()
    while len(list(work.project.glob("child-*.pid"))) < 150:
        time.sleep(0.01)
    _pid(work, "ready")
    _sleep_for_ever()


def fork_and_return(work: Work) -> None:
    """The copy of the process comes back from the function as well."""
    if os.fork() != 0:
        os.wait()


def subprocess_left(work: Work) -> None:
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (work.project / "left.pid").write_text(str(left.pid))


def long_log(work: Work) -> None:
    block = b"x" * (1 << 20)
    for _ in range(100):
        sys.stdout.buffer.write(block)


def eat_memory(work: Work) -> None:
    eaten = []
    while True:
        eaten.append(b"x" * (10 << 20))
        time.sleep(0.02)


def invalid_utf8(work: Work) -> None:
    sys.stdout.buffer.write(b"\xff\xfe\x80 not text\n")
    sys.stdout.flush()
    print("and a lone surrogate: \udc80")
    raise ValueError("bad \udc80 text \x1b[31m")


def read_stdin(work: Work) -> None:
    (work.outputs["model"] / "read.txt").write_text(repr(sys.stdin.read()))


def symlink(work: Work) -> None:
    (work.outputs["model"] / "link").symlink_to("/etc/hostname")


def output_is_link(work: Work) -> None:
    folder = work.outputs["model"]
    (folder / "file.txt").unlink()
    folder.rmdir()
    folder.symlink_to("/etc")


def fifo(work: Work) -> None:
    os.mkfifo(work.outputs["model"] / "fifo")


def unix_socket(work: Work) -> None:
    os.chdir(work.outputs["model"])
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")


def exit_137(work: Work) -> None:
    os._exit(137)


def exit_139(work: Work) -> None:
    os._exit(139)


def exit_0(work: Work) -> None:
    os._exit(0)


def exit_3(work: Work) -> None:
    os._exit(3)


def sys_exit_0(work: Work) -> None:
    sys.exit(0)


def kill_self(work: Work) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_group(work: Work) -> None:
    os.kill(0, signal.SIGKILL)


def kill_supervisor(work: Work) -> None:
    daemonise(work)
    os.kill(os.getppid(), signal.SIGKILL)
    _sleep_for_ever()


def segfault(work: Work) -> None:
    ctypes.string_at(0)


def problem(work: Work) -> None:
    raise StepProblem.because("no-rows", "the file has no rows", hint="write some")


def error(work: Work) -> None:
    raise KeyError("specis")


def users_error(work: Work) -> None:
    import trainer

    trainer.fit()


def delete_folders(work: Work) -> None:
    import shutil

    shutil.rmtree(work.outputs["model"].parents[1])


def unreadable_folders(work: Work) -> None:
    inner = work.outputs["model"].parent / "inner"
    inner.mkdir()
    (inner / "file").write_text("x")
    inner.chmod(0)


def thread_left(work: Work) -> None:
    threading.Thread(target=_sleep_for_ever).start()


def close_streams(work: Work) -> None:
    sys.stdout.close()
    sys.stderr.close()


def temporary_files(work: Work) -> None:
    import tempfile

    left = Path(tempfile.mkdtemp())
    (left / "big").write_text("x")
    (work.project / "temporary.txt").write_text(str(left))


WAYS: dict[str, Callable[[Work], None]] = {
    way.__name__: way
    for way in (
        eat_memory, missing_output, hang, ignore_term, daemonise, daemonise_and_hang, many_children, fork_and_return,
        subprocess_left, long_log, invalid_utf8, read_stdin, symlink, output_is_link, fifo, unix_socket, exit_137,
        exit_139, exit_0, exit_3, sys_exit_0, kill_self, kill_group, kill_supervisor, segfault, problem, error,
        users_error, delete_folders, unreadable_folders, thread_left, close_streams, temporary_files,
    )
}  # fmt: skip
