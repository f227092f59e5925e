"""Where the code of a run comes from, asked of git without letting the checkout run anything."""

from __future__ import annotations

from pathlib import Path

from mlopsctl.ground.checkout import ask_git
from mlopsctl.metadata.records import GitInfo


def read_git(folder: Path) -> GitInfo:
    """Commit, branch and whether anything is uncommitted; all empty outside a repository or without git."""
    commit = _ask(folder, "rev-parse", "--verify", "HEAD")
    if not commit:
        return GitInfo()
    changed = _ask(folder, "status", "--porcelain", "--ignore-submodules=all")
    return GitInfo(commit=commit, branch=_ask(folder, "rev-parse", "--abbrev-ref", "HEAD"), dirty=bool(changed))


def _ask(folder: Path, *arguments: str) -> str:
    return (ask_git(folder, *arguments) or b"").decode("utf-8", "replace").strip()
