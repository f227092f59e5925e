"""Environments of steps that pin their packages: one per set of pins, kept beside the project's other local things.

An environment is a virtual environment at ``<folder>/<digest>``. It counts once its record is there, which is written
last; a build that was killed leaves none and is made again. Behind the pinned packages come those of the interpreter
that runs mlopsctl, so that the step runtime is found and every pin wins.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.ground.digest import digest_json
from mlopsctl.ground.files import write_atomic
from mlopsctl.ground.process import kill_tree
from mlopsctl.ground.redact import redact
from mlopsctl.step.task import StepResult, StepState
from mlopsctl.step.worker import step_environment

RECORD = "mlopsctl.json"

_BEHIND = "mlopsctl-behind.pth"
_ROOT = Path(__file__).resolve().parents[2]
_START = (
    "import sys; root = sys.argv[1]; root in sys.path or sys.path.insert(0, root); "
    "from mlopsctl.step.install import main; main()"
)
# What tells an installer where packages are. It may hold passwords, so no step gets it.
_INSTALLERS = ("PIP_", "UV_")
_NETWORK = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC", "XDG_CONFIG_HOME"})
_MAX_ANSWER = 64 << 10


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of a set of pins, there or not yet."""

    folder: Path
    pins: tuple[str, ...]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def requirements(self) -> Path:
        """The file that its installer reads."""
        return self.folder.with_name(f"{self.folder.name}.txt")

    @property
    def packages(self) -> Path:
        """Its own packages."""
        return self.folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    def is_ready(self) -> bool:
        """Whether it is whole; the way to mlopsctl's own packages is brought up to date, should those have moved."""
        if not (self.folder / RECORD).is_file() or not self.python.exists():
            return False
        self.link()
        return True

    def link(self) -> None:
        """Let the packages of this interpreter stand behind its own."""
        text = "".join(f"{path}\n" for path in _behind())
        file = self.packages / _BEHIND
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            write_atomic(file, text.encode())

    def install(self, log: Path) -> Installation:
        """Begin to build it in a process of its own, whose output goes to the log."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.requirements, "".join(f"{pin}\n" for pin in self.pins).encode())
        return Installation(self, log)


def environment_of(folder: Path, pins: tuple[str, ...]) -> Environment:
    """The environment of these pins below a folder, for this machine's kind and this Python."""
    digest = digest_json(
        "mlopsctl/environment/v1",
        {
            "pins": pins,
            "python": f"{sys.implementation.name}-{platform.python_version()}",
            "platform": sysconfig.get_platform(),
        },
    )
    return Environment(folder / digest.partition(":")[2][:16], pins)


class Installation:
    """A build that goes on: readable when there is news, a result once it has ended; like a call to the worker."""

    def __init__(self, environment: Environment, log: Path) -> None:
        self._log = log
        self._stopped = False
        self._received = b""
        log.parent.mkdir(parents=True, exist_ok=True)
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)
        words = [sys.executable, "-P", "-c", _START, str(_ROOT), str(theirs.fileno()), str(environment.folder)]
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                words,
                env=_installer_environment(os.environ),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def fileno(self) -> int:
        """For selectors."""
        return self._line.fileno()

    def collect(self) -> StepResult | None:
        """What there is to say, or ``None`` while it goes on. Success says only that the environment is ready."""
        try:
            chunk = self._line.recv(_MAX_ANSWER)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            chunk = b""
        self._received += chunk
        if chunk and len(self._received) < _MAX_ANSWER:
            return None
        code = self._process.wait()
        if self._stopped:
            return StepResult(StepState.CANCELED, problem="the step was stopped before its end")
        return StepResult(StepState.SUCCESS) if code == 0 else self._failure(code)

    def stop(self) -> None:
        """End it with everything it started."""
        self._stopped = True
        kill_tree(self._process.pid, grace=1.0)

    def close(self) -> None:
        """Hang up; a build that still goes on is ended."""
        if self._process.poll() is None:
            kill_tree(self._process.pid, grace=0.0)
            self._process.wait()
        self._line.close()

    def _failure(self, code: int) -> StepResult:
        try:
            said = json.loads(self._received)
            problem, hint = redact(str(said["problem"])), redact(str(said["hint"]))
        except (ValueError, KeyError, TypeError):
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            problem, hint = f"the installer of the step's packages {how}", "run again; see its log"
        return StepResult(StepState.FAILED, problem=problem, hint=f"{hint}; the installer's log is {self._log}")


def _behind() -> tuple[str, ...]:
    """Where the packages of this interpreter are, mlopsctl among them."""
    found = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    return tuple(dict.fromkeys([*found, str(_ROOT)]))


def _installer_environment(ambient: Mapping[str, str]) -> dict[str, str]:
    """What a step gets, and what an installer needs beside it."""
    own = {
        name: value for name, value in step_environment(ambient).items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    extra = {name: value for name, value in ambient.items() if name.startswith(_INSTALLERS) or name.upper() in _NETWORK}
    return {**own, **extra}
