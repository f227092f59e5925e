"""Call the command line as a user does: another process, in a project's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MLOPSCTL = [sys.executable, "-m", "mlopsctl"]


@dataclass(frozen=True)
class Done:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def environment() -> dict[str, str]:
    """The variables of a user's shell: no colours, and this checkout's package."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root, "NO_COLOR": "1", "COLUMNS": "160"}


def call(folder: Path, *arguments: str, timeout: float = 180) -> Done:
    """Run ``mlopsctl -C folder …`` to its end."""
    done = subprocess.run(
        [*MLOPSCTL, "-C", str(folder), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(),
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start ``mlopsctl -C folder …`` in a session of its own."""
    return subprocess.Popen(
        [*MLOPSCTL, "-C", str(folder), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )


def processes_of(folder: Path) -> list[str]:
    """The command lines of living processes that name the folder or work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            where = os.readlink(entry / "cwd")
        except OSError:
            continue
        if state != "Z" and (str(folder) in line or where.startswith(str(folder))):
            found.append(line)
    return found
