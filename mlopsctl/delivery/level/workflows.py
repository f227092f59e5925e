"""The files of a CI in a repository, as what they run; a file that is in no commit runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlopsctl.ground.checkout import ask_git
from mlopsctl.levels import Workflow
from mlopsctl.levels.cloud_build import read_build, read_triggers
from mlopsctl.levels.github import FOLDER, read_workflow
from mlopsctl.levels.workflow import UNCOMMITTED

_MOST_BYTES = 1 << 20
_YAML = (".yml", ".yaml")


def read_workflows(root: Path, project: Path, made: Mapping[str, str]) -> tuple[Workflow, ...]:
    """The workflows of GitHub and the build files of Cloud Build.

    Args:
        root: the repository's folder, and ``project`` that of ``mlops.yaml``.
        made: the text of each file that `ci init` would write, by path.
    """
    project = project.resolve()
    folder = project.relative_to(root).as_posix()
    actions = _texts(root, [root / FOLDER])
    builds = _texts(root, dict.fromkeys((root, root / "cloudbuild", project, project / "cloudbuild")))
    starts = read_triggers({path: text for path, text in builds.items() if "trigger" in _name(path)})
    found = [read_workflow(path, actions, folder) for path in actions]
    found += [read_build(path, builds[path], starts, folder) for path in _built(builds)]
    committed = _committed(root, [one.path for one in found])
    texts = {**builds, **actions}
    return tuple(_known(one, texts[one.path] == made.get(one.path), one.path in committed) for one in found)


def _known(workflow: Workflow, made: bool, committed: bool) -> Workflow:
    if not committed:
        return Workflow(workflow.path, made, idle=UNCOMMITTED)
    return replace(workflow, made=made)


def _built(texts: Mapping[str, str]) -> Iterator[str]:
    """The build files: by their name, or in a folder that has it."""
    for path in texts:
        parts = path.split("/")
        named = parts[-1].startswith("cloudbuild") or "cloudbuild" in parts[:-1]
        if named and "trigger" not in parts[-1] and path.endswith(_YAML):
            yield path


def _texts(root: Path, folders: Mapping[Path, None] | list[Path]) -> dict[str, str]:
    """The texts of the YAML and JSON files that stand in these folders themselves, by path."""
    found: dict[str, str] = {}
    for folder in folders:
        for file in sorted(folder.glob("*")) if folder.is_dir() else ():
            if file.suffix in (*_YAML, ".json") and file.is_file() and file.stat().st_size < _MOST_BYTES:
                found[file.relative_to(root).as_posix()] = file.read_text(encoding="utf-8", errors="replace")
    return found


def _committed(root: Path, paths: Sequence[str]) -> frozenset[str]:
    if not paths:
        return frozenset()
    answer = ask_git(root, "--literal-pathspecs", "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths) or b""
    return frozenset(answer.decode("utf-8", "surrogateescape").split("\0"))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
