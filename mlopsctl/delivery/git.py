"""Where the code of a run comes from, asked of git without letting the checkout run anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mlopsctl.metadata.records import GitInfo

# A checkout can carry configuration that makes git run programs; none of it is honoured.
_SAFE = ("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")
_SECONDS = 10


def read_git(folder: Path) -> GitInfo:
    """Commit, branch and whether anything is uncommitted; all empty outside a repository or without git."""
    if shutil.which("git") is None:
        return GitInfo()
    commit = _ask(folder, "rev-parse", "--verify", "HEAD")
    if not commit:
        return GitInfo()
    changed = _ask(folder, "status", "--porcelain", "--ignore-submodules=all")
    return GitInfo(commit=commit, branch=_ask(folder, "rev-parse", "--abbrev-ref", "HEAD"), dirty=bool(changed))


def _ask(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *_SAFE, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""
