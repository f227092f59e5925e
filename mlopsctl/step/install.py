"""The installer: a process that builds one environment, and answers with a problem where it cannot.

It holds the environment's lock, so that two commands do not build the same one; who waited finds it ready.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from mlopsctl.ground.files import write_atomic
from mlopsctl.ground.pins import name_of
from mlopsctl.ground.text import printable
from mlopsctl.step.environments import RECORD, Environment
from mlopsctl.step.folders import remove_tree

_TAIL_LINES = 6
_TAIL_CHARACTERS = 1_500
_USER_IN_URL = re.compile(r"(\w+://)[^/@\s]+@")
_TOOLS = frozenset({"pip", "setuptools", "wheel"})
_LIST = (
    "import importlib.metadata as m\n"
    "print(*sorted({d.metadata['Name'] + '==' + d.version for d in m.distributions()}), sep='\\n')"
)


class CannotInstall(Exception):
    """Why there is no environment, and what to do."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


def main() -> NoReturn:
    """Build the environment of the folder that the last argument names; the one before is the descriptor to answer."""
    answer, folder = int(sys.argv[-2]), Path(sys.argv[-1])
    pins = tuple(folder.with_name(f"{folder.name}.txt").read_text(encoding="utf-8").splitlines())
    try:
        build(Environment(folder, pins))
    except CannotInstall as error:
        print(f"mlopsctl: {error.problem}", flush=True)
        os.write(answer, json.dumps({"problem": error.problem, "hint": error.hint}).encode())
        sys.exit(1)
    sys.exit(0)


def build(environment: Environment) -> None:
    """Build it, unless it is there.

    Raises:
        CannotInstall: with the last lines of the tool that failed.
    """
    lock = os.open(environment.folder.with_name(f"{environment.folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if environment.is_ready():
            return
        remove_tree(environment.folder)
        uv = shutil.which("uv")
        _install(environment, uv)
        installed = _listed(environment)
        _require_pinned(environment, installed)
        environment.link()
        record = {
            "pins": environment.pins,
            "installed": installed,
            "python": sys.version.split()[0],
            "installer": "uv" if uv else "pip",
        }
        write_atomic(environment.folder / RECORD, json.dumps(record, indent=1).encode() + b"\n")
    finally:
        os.close(lock)


def _install(environment: Environment, uv: str | None) -> None:
    hashes = ["--require-hashes"] if any("--hash=" in pin for pin in environment.pins) else []
    folder, python, file = str(environment.folder), str(environment.python), str(environment.requirements)
    if uv:
        _do([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, folder])
        _do([uv, "pip", "install", "--python", python, *hashes, "--requirement", file])
        return
    # This interpreter's pip can install there; only where it has none, the environment gets one.
    has_pip = importlib.util.find_spec("pip") is not None
    _do([sys.executable, "-m", "venv", *(["--without-pip"] if has_pip else []), folder])
    pip = [sys.executable, "-m", "pip", "--python", python] if has_pip else [python, "-m", "pip"]
    _do([*pip, "install", "--no-input", "--disable-pip-version-check", *hashes, "--requirement", file])


def _listed(environment: Environment) -> list[str]:
    """Every package that is installed there now, ``name==version``."""
    return _do([str(environment.python), "-I", "-c", _LIST]).split()


def _require_pinned(environment: Environment, installed: list[str]) -> None:
    """What came along unpinned could be another version on the next machine."""
    pinned = {name_of(pin) for pin in environment.pins}
    more = [one for one in installed if name_of(one) not in pinned and name_of(one) not in _TOOLS]
    if more:
        raise CannotInstall(
            f"the packages need others that are not pinned: {', '.join(more)}",
            "add these to `requirements`, so that every machine installs the same",
        )


def _do(words: list[str]) -> str:
    """Run a tool; what it says goes to the log, its stdout comes back.

    Raises:
        CannotInstall: when it fails.
    """
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        check=False,
    )  # fmt: skip
    said = _USER_IN_URL.sub(r"\1***@", done.stdout)
    print(said, end="", flush=True)
    if done.returncode != 0:
        lines = [line.strip() for line in said.splitlines() if line.strip()][-_TAIL_LINES:]
        told = printable(" | ".join(lines))[-_TAIL_CHARACTERS:]
        raise CannotInstall(
            f"the step's packages cannot be installed: {told or f'code {done.returncode}'}",
            "correct `requirements`, or the index in the configuration of pip or uv",
        )
    return said
