"""The gates of another commit, read through git without checking it out and without running anything of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.document import parse_document
from mlopsctl.config.interpolate import interpolate
from mlopsctl.config.load import Loaded
from mlopsctl.config.look import project_of
from mlopsctl.config.overlay import base, environment_names, overlay
from mlopsctl.config.project import Project
from mlopsctl.gates import Gate
from mlopsctl.ground.checkout import ask_git
from mlopsctl.ground.errors import Problem, UsageProblem

_REF = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_./@+~^-]{0,254}\Z")


@dataclass(frozen=True, slots=True)
class Base:
    """What another commit asks for: its gates, or why they cannot be read (``problem``)."""

    commit: str = ""
    gates: tuple[Gate, ...] = ()
    problem: str = ""


def commit_of(folder: Path, ref: str) -> str:
    """The full id of the commit that a branch, a tag or an id names.

    Raises:
        UsageProblem: when it names none.
    """
    asked = _text(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}") if _REF.match(ref) else ""
    if not asked:
        hint = "is the commit here? `actions/checkout` fetches it with `fetch-depth: 0`"
        raise UsageProblem.because("unknown-commit", f"git knows no commit {ref!r} in {folder}", hint=hint)
    return asked


def path_in_repository(file: Path) -> str:
    """Where a file stands below the root of its repository; its name alone where git does not say."""
    prefix = ask_git(file.parent, "rev-parse", "--show-prefix")
    return ("" if prefix is None else prefix.decode("utf-8", "replace").rstrip("\n")) + file.name


def changed_since(loaded: Loaded, commit: str) -> bool:
    """Whether the project file is another than the commit's."""
    return ask_git(loaded.folder, "show", f"{commit}:./{loaded.file.name}") != loaded.file.read_bytes()


def read_base(loaded: Loaded, ref: str) -> Base:
    """The gates of the same project file and environment in another commit.

    A commit without the file has no gates; one whose file cannot be read has a problem, and proves nothing.
    """
    try:
        commit = commit_of(loaded.folder, ref)
    except UsageProblem as problem:
        return Base(problem=str(problem))
    listed = _text(loaded.folder, "ls-tree", "--name-only", commit, "--", f"./{loaded.file.name}")
    if not listed:
        return Base(commit)
    content = ask_git(loaded.folder, "show", f"{commit}:./{loaded.file.name}")
    if content is None:
        return Base(commit, problem=f"git does not give {loaded.file.name} of {commit[:12]}")
    try:
        document = parse_document(content, loaded.file.name)
        known = loaded.environment in environment_names(document) and "environments" in document.data
        merged = overlay(document, loaded.environment) if known else base(document)
        project = project_of(interpolate(merged).document)
    except Problem as problem:
        return Base(commit, problem=f"{loaded.file.name} of {commit[:12]} cannot be read: {problem}")
    if not isinstance(project, Project):
        first = project[0].message if project else "it is no project"
        return Base(commit, problem=f"{loaded.file.name} of {commit[:12]} is not valid: {first}")
    return Base(commit, project.evaluation.gates)


def _text(folder: Path, *arguments: str) -> str:
    return (ask_git(folder, *arguments) or b"").decode("utf-8", "replace").strip()
