"""The files for the project's CI: generated, written, and compared with those that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from mlopsctl.ci import Ci, CloudBuild, GitHubActions
from mlopsctl.delivery.ci.cloud_build import build_files
from mlopsctl.delivery.ci.github_actions import workflows
from mlopsctl.delivery.ci.scene import Scene, read_scene
from mlopsctl.delivery.write import write_files
from mlopsctl.ground.checkout import default_branch
from mlopsctl.ground.errors import StepProblem, UsageProblem


@dataclass(frozen=True, slots=True)
class Made:
    """What the project would generate.

    Attributes:
        root: the folder that the paths count from.
        files: the text of each file, by path with ``/``.
        notes: what a person should know of them.
    """

    root: Path
    files: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not what the project would generate, with the lines that differ."""

    path: str
    what: str
    lines: tuple[str, ...] = ()


def make_files(place: Path, provider: str | None = None) -> Made:
    """The files of every CI that ``ci`` names, or of the provider alone, which need not be named there.

    Raises:
        Problem: when the project cannot be used, or names no CI and no provider is given.
    """
    scene = read_scene(place)
    files: dict[str, str] = {}
    settings = _settings(scene, provider)
    for one in settings:
        files |= workflows(scene, one) if isinstance(one, GitHubActions) else build_files(scene, one)
    return Made(scene.root, dict(sorted(files.items())), tuple(_notes(scene, settings)))


def settings_of(scene: Scene, kind: str) -> Ci:
    """What the project says of this provider; its defaults where it says nothing.

    Raises:
        UsageProblem: when there is no such provider.
    """
    for one in scene.loaded.project.ci:
        if one.kind == kind:
            return one
    known: dict[str, type[GitHubActions] | type[CloudBuild]] = {
        "github_actions": GitHubActions,
        "cloud_build": CloudBuild,
    }
    if kind not in known:
        raise UsageProblem.because("unknown-provider", f"there is no CI {kind!r}", hint=f"one of: {', '.join(known)}")
    return known[kind].model_validate({"kind": kind})


def write_made(made: Made, *, force: bool = False) -> list[Path]:
    """Write what differs, and give those paths. A file that mlopsctl did not make is left alone unless forced.

    Raises:
        StepProblem: when somebody else's file stands in the way, or a file cannot be written.
    """
    changed = [path for path, text in made.files.items() if _found(made.root, path) != text]
    foreign = [path for path in changed if _is_foreign(made, path)]
    if foreign and not force:
        raise StepProblem.because(
            "would-overwrite",
            f"not made by mlopsctl: {', '.join(foreign)}",
            hint="move it away, or let it be overwritten with --force",
        )
    return list(write_files({made.root / path: made.files[path].encode() for path in changed}))


def compare_files(made: Made) -> tuple[Difference, ...]:
    """Every file that is missing, differs, or is left over from settings that no longer ask for it."""
    return (*_differing(made), *_left_over(made))


def _differing(made: Made) -> Iterator[Difference]:
    for path, text in made.files.items():
        there = _found(made.root, path)
        if there is None:
            yield Difference(path, "is missing")
        elif there != text:
            lines = unified_diff(
                there.splitlines(), text.splitlines(), path, f"{path} (as the project asks)", lineterm=""
            )
            yield Difference(path, "differs", tuple(lines))


def _left_over(made: Made) -> Iterator[Difference]:
    """Files of ours beside those that are generated."""
    marks = {text.splitlines()[0].partition(";")[0] for text in made.files.values() if text.startswith("# Made by")}
    for folder in sorted({(made.root / path).parent for path in made.files}):
        for file in sorted(folder.glob("*.y*ml")) if folder.is_dir() else ():
            path = file.relative_to(made.root).as_posix()
            first = (_found(made.root, path) or "").partition("\n")[0].partition(";")[0]
            if path not in made.files and first in marks:
                yield Difference(path, "is left over")


def _found(root: Path, path: str) -> str | None:
    file = root / path
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StepProblem.because("cannot-read", f"{file} cannot be read: {error.strerror}") from error


def _is_foreign(made: Made, path: str) -> bool:
    there = _found(made.root, path)
    return there is not None and "Made by `mlopsctl ci init`" not in there and "Made by mlopsctl" not in there


def _settings(scene: Scene, provider: str | None) -> Sequence[Ci]:
    if provider is not None:
        return [settings_of(scene, provider)]
    if not scene.loaded.project.ci:
        raise UsageProblem.because(
            "no-provider",
            "the project names no CI",
            hint="write `ci: [{kind: github_actions}]` into mlops.yaml, or add --provider github_actions",
        )
    return scene.loaded.project.ci


def _notes(scene: Scene, settings: Sequence[Ci]) -> Iterator[str]:
    applied = {stage.name: stage for one in settings for stage in scene.applied(one.environment)}
    for stage in applied.values():
        if stage.on_one_machine:
            yield (
                f"{stage.name}: {stage.on_one_machine}, so only that machine can apply it: name others, or a runner of "
                "your own"
            )
    for one in settings:
        if one.environment is None and scene.stage(None) is None:
            yield (
                f"{one.kind}: pull requests are not run, since every environment runs or keeps its stores elsewhere: "
                "add one with the local orchestrator and local stores"
            )
    default = default_branch(scene.root)
    for one in settings:
        if isinstance(one, GitHubActions) and default not in ("", one.branch):
            yield (
                f"{one.kind}: GitHub starts schedules, publishers and commands from the default branch, which is "
                f"{default} at `origin`, and `branch` is {one.branch}"
            )
