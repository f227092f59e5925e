"""Questions to git about a folder, asked without letting the checkout run anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

# A checkout can carry configuration that makes git run programs; none of it is honoured.
_SAFE = ("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")
_SECONDS = 10


def ask_git(folder: Path, *arguments: str) -> bytes | None:
    """What git answers there; nothing where it is no checkout, or there is no git."""
    if shutil.which("git") is None:
        return None
    try:
        done = subprocess.run(
            ["git", *_SAFE, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def default_branch(folder: Path) -> str:
    """The branch that the remote ``origin`` begins with, as a clone knows it; empty where nothing says so."""
    answer = ask_git(folder, "symbolic-ref", "--short", "refs/remotes/origin/HEAD") or b""
    return answer.decode("utf-8", "replace").strip().removeprefix("origin/")


def files_in_git(folder: Path) -> tuple[str, ...] | None:
    """The files of a folder that git has or would take (what it does not ignore), relative to the folder, sorted.

    Nothing where git does not keep the folder. A clean checkout of the commit has the same files.
    """
    answer = ask_git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
    names = sorted({name.decode("utf-8", "surrogateescape") for name in (answer or b"").split(b"\0") if name})
    return tuple(names) or None
