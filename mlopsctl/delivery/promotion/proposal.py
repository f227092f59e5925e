"""Propose files as a pull request: one commit on a branch of its own, made without touching the working tree."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.forges.contract import Forge, PullRequest
from mlopsctl.ground.checkout import ask_git
from mlopsctl.ground.digest import digest
from mlopsctl.ground.errors import Refused, StepProblem, UsageProblem

# A checkout can carry configuration that makes git run programs; none of it is honoured.
_SAFE = ("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")
_SECONDS = 120
_MOST_COMMITS = 500


class NothingToPropose(Refused):
    """The base says already what would be proposed (exit 3)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed.

    Attributes:
        branch: its own; the same proposal made again takes the same one.
        files: contents by absolute path, inside the repository.
        body: Markdown.
        once: somebody who closes the pull request has answered: the same files are not proposed again.
    """

    branch: str
    title: str
    body: str
    files: Mapping[Path, bytes]
    once: bool = False


def open_request(folder: Path, proposal: Proposal) -> PullRequest:
    """:func:`propose` on the forge that the environment variables name.

    Raises:
        UsageProblem: when they name none.
        NothingToPropose: see :func:`propose`.
    """
    from mlopsctl.forges.opening import require_forge

    forge = require_forge()
    try:
        return propose(folder, proposal, forge)
    finally:
        forge.close()


def base_of(folder: Path) -> tuple[str, Path]:
    """The branch that is checked out, on which a proposal stands, and the folder of the repository.

    Raises:
        UsageProblem: when the folder is no git repository on a branch, or has no remote ``origin``.
    """
    base = _text(folder, "symbolic-ref", "--short", "HEAD")
    root = _text(folder, "rev-parse", "--show-toplevel")
    if not base or not root or not _text(folder, "remote", "get-url", "origin"):
        raise UsageProblem.because(
            "no-repository",
            f"{folder} is not on a branch of a git repository with a remote `origin`",
            hint="leave out --pr, and commit the files yourself",
        )
    return base, Path(root)


def propose(folder: Path, proposal: Proposal, forge: Forge) -> PullRequest:
    """Commit the files on the branch, push it, and open the pull request; everything may be done again.

    The base is the branch that is checked out, as the remote ``origin`` has it where it does.

    Raises:
        UsageProblem: when the folder is no git repository on a branch, or has no remote ``origin``.
        NothingToPropose: when the base holds these very files already, or they are proposed once and were refused.
        StepProblem: when git refuses.
        ForgeProblem: when the forge does.
    """
    base, root = base_of(folder)
    commit = _committed(folder, root, base, proposal)
    key = _key(root, proposal) if proposal.once else ""
    if key and (refused := forge.refused_pull_request(proposal.branch, base, key)) is not None:
        raise NothingToPropose.because(
            "was-refused",
            f"#{refused.number} asked for the same and was closed ({refused.url})",
            hint="open it again there, if it is wanted after all",
        )
    _git(folder, "push", "--quiet", "--force", "origin", f"{commit}:refs/heads/{proposal.branch}")
    return forge.open_pull_request(proposal.title, proposal.body, proposal.branch, base, key)


def base_commit(folder: Path, base: str) -> str:
    """The commit that a proposal stands on: the base as ``origin`` has it, or as it is here where origin has none.

    Raises:
        UsageProblem: when there is no commit yet.
    """
    found = _text(folder, "rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{base}")
    found = found or _text(folder, "rev-parse", "--verify", "HEAD")
    if not found:
        raise UsageProblem.because("no-commit", "the repository has no commit yet", hint="commit the project first")
    return found


def earlier_texts(folder: Path, first: Path, second: Path) -> Iterator[tuple[bytes, bytes]]:
    """The contents of two files in every commit that changed the first of them, newest first."""
    listed = _text(folder, "log", f"--max-count={_MOST_COMMITS}", "--format=%H", "--", str(first))
    for commit in listed.split():
        found = [_at(folder, commit, file) for file in (first, second)]
        if found[0] is not None and found[1] is not None:
            yield found[0], found[1]


@contextmanager
def files_at(folder: Path, commit: str) -> Iterator[Path]:
    """The files of a commit in a repository of their own that is gone afterwards; this checkout is left alone.

    Raises:
        StepProblem: when git refuses.
    """
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as temporary:
        there = Path(temporary).resolve() / "files"
        there.mkdir()
        index = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        _git(folder, "read-tree", commit, extra=index)
        _git(_root(folder), "checkout-index", "--all", "--quiet", f"--prefix={there}/", extra=index)
        _git(there, "init", "--quiet")
        _git(there, "add", "--all", "--force")
        yield there


def changed_in(there: Path) -> dict[str, bytes]:
    """What was written in :func:`files_at` and git would take: contents by the path from its root."""
    answer = ask_git(there, "ls-files", "-z", "--modified", "--others", "--exclude-standard") or b""
    names = sorted({name.decode("utf-8", "surrogateescape") for name in answer.split(b"\0") if name})
    return {name: (there / name).read_bytes() for name in names if (there / name).is_file()}


def _root(folder: Path) -> Path:
    return Path(_text(folder, "rev-parse", "--show-toplevel"))


def _at(folder: Path, commit: str, file: Path) -> bytes | None:
    return ask_git(file.parent if file.parent.is_dir() else folder, "show", f"{commit}:./{file.name}")


def _committed(folder: Path, root: Path, base: str, proposal: Proposal) -> str:
    """The commit with the files on top of the base; the one that the branch has, where that holds the same."""
    parent = base_commit(folder, base)
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as temporary:
        index = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        _git(root, "read-tree", parent, extra=index)
        for name, content in _by_name(root, proposal).items():
            blob = _git(root, "hash-object", "-w", "--stdin", given=content)
            _git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", extra=index)
        tree = _git(root, "write-tree", extra=index)
    if tree == _text(root, "rev-parse", f"{parent}^{{tree}}"):
        raise NothingToPropose.because(
            "nothing-to-propose",
            f"{base} has these files as they would be proposed, so there is nothing to open a pull request for",
            hint=f"what differs stands in this checkout alone: `git diff origin/{base}`",
        )
    standing = _text(root, "ls-remote", "origin", f"refs/heads/{proposal.branch}").partition("\t")[0]
    if standing and _text(root, "rev-parse", f"{standing}^{{tree}}", f"{standing}^").split() == [tree, parent]:
        return standing
    return _git(root, *_author(root), "commit-tree", tree, "-p", parent, "-m", proposal.title)


def _by_name(root: Path, proposal: Proposal) -> Mapping[str, bytes]:
    """The contents by their name in the repository, sorted."""
    files = {path.resolve().relative_to(root.resolve()).as_posix(): content for path, content in proposal.files.items()}
    return dict(sorted(files.items()))


def _key(root: Path, proposal: Proposal) -> str:
    """The same for the same files on the same branch, whatever commit they stand on."""
    files = _by_name(root, proposal).items()
    parts = [part for name, content in files for part in (name.encode("utf-8", "surrogateescape"), content)]
    return f"proposal {digest('mlopsctl/proposal/v1', proposal.branch.encode(), *parts)}"


def _author(root: Path) -> tuple[str, ...]:
    """Who commits where git was told nobody."""
    if _text(root, "config", "user.email"):
        return ()
    return "-c", "user.name=mlopsctl", "-c", "user.email=mlopsctl@localhost"


def _text(folder: Path, *arguments: str) -> str:
    return (ask_git(folder, *arguments) or b"").decode("utf-8", "replace").strip()


def _git(folder: Path, *arguments: str, given: bytes = b"", extra: Mapping[str, str] | None = None) -> str:
    """What git answers.

    Raises:
        StepProblem: when it refuses, with its last words.
    """
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **(extra or {})}
    command = ["git", *_SAFE, "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=_SECONDS, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepProblem.because("git-failed", f"git {arguments[0]} did not end well: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StepProblem.because(
            "git-failed", f"git {arguments[0]} refused: {said[-1] if said else f'exit code {done.returncode}'}"
        )
    return done.stdout.decode("utf-8", "replace").strip()
