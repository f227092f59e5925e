"""``validate`` and ``render``: look at a project without running any of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, ParameterOption, shared
from mlopsctl.ground.errors import Diagnostic, ExitCode, InvalidProject, Severity

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded
    from mlopsctl.ground.source import SourceFile

FILE = "mlops.yaml"
_NOT_SEARCHED = {"node_modules", "__pycache__", "build", "dist", "venv"}


class ValidateOutput(StrEnum):
    """For whom problems are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Examined:
    """One project's file: its problems, the texts they stand in, and a line about it when it is valid."""

    file: Path
    found: tuple[Diagnostic, ...]
    sources: dict[str, SourceFile]
    line: str

    @property
    def valid(self) -> bool:
        """Whether nothing worse than a warning was found."""
        return not any(one.severity is Severity.ERROR for one in self.found)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: mlopsctl validate --output github")(validate)
    app.command(epilog="Example: mlopsctl render -e prod --explain")(render)


def validate(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Project files, or folders that hold some.")
    ] = None,
    output: Annotated[
        ValidateOutput, typer.Option("--output", "-o", help="text for people; json, sarif or github for programs.")
    ] = ValidateOutput.TEXT,
) -> None:
    """Check mlops.yaml in every environment: all problems at once, each at its place. Runs nothing."""
    examined = [examine(file) for file in project_files(paths or [shared(context).directory])]
    sys.stdout.write(report(examined, output.value, color=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    if not all(one.valid for one in examined):
        end(ExitCode.INVALID)


def render(
    context: typer.Context,
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say beside each value where it comes from: its line and its layer.")
    ] = False,
) -> None:
    """Print the project as one environment sees it: overlay merged, references filled in, defaults written out."""
    from mlopsctl.config.explain import Origins, resolved
    from mlopsctl.config.load import load_project, parse_overrides
    from mlopsctl.ground.redact import redact
    from mlopsctl.render.resolved import resolved_yaml

    overrides = parse_overrides(parameter or [])
    loaded = load_project(shared(context).directory, environment, overrides)
    origins = Origins(loaded, tuple(overrides)) if explain else None
    remark = None if origins is None else lambda path: str(origins.of(_in_overlay(path, loaded.environment)))
    sys.stdout.write(redact(resolved_yaml(resolved(loaded), remark)))


def _in_overlay(path: tuple[str | int, ...], environment: str) -> tuple[str | int, ...]:
    """The path of what `render` prints under ``environments``."""
    root = ("environments", environment)
    return path[2:] if path[:2] == root else path


def project_files(paths: Iterable[Path]) -> list[Path]:
    """The project files that are named, or that stand in the folders that are named; each once.

    A folder without one is searched, hidden folders and environments left out.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        here = path / FILE if path.is_dir() else path
        files = [here] if not path.is_dir() or here.exists() else (list(_search(path)) or [here])
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _search(folder: Path) -> Iterable[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_SEARCHED and not name.startswith("."))
        if FILE in files:
            yield Path(root) / FILE


def examine(file: Path) -> Examined:
    """One project file, checked in every environment, and wired where it has components of its own."""
    from mlopsctl.config.load import inspect_project, texts_of

    found, sources, loaded = inspect_project(file)
    loose = _wiring(loaded)
    return Examined(file, (*found, *loose), sources | texts_of(loose), _line(loaded))


def _wiring(loaded: Sequence[Loaded]) -> list[Diagnostic]:
    """Wires of the user's own steps are checked where the pipeline is made."""
    found: list[Diagnostic] = []
    for each in loaded:
        if not each.project.components:
            continue
        from mlopsctl.lowering.lower import lower

        try:
            lower(each)
        except InvalidProject as problem:
            found += problem.diagnostics
    return found


def _line(loaded: Sequence[Loaded]) -> str:
    """What was found in a valid project, such as ``covertype: 3 environments, 2 targets, 4 gates``."""
    if not loaded:
        return ""
    project = loaded[0].project
    targets = len(project.training.targets) if project.training is not None else 0
    counts = [
        (len(loaded), "environment"),
        (len(project.components), "own component"),
        (targets, "target"),
        (len(project.evaluation.gates), "gate"),
    ]
    told = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count)
    return f"{project.name}: {told}"


def report(examined: Sequence[Examined], output: str, *, color: bool = False) -> str:
    """Everything that was found, in one of the output forms."""
    from mlopsctl.ground.redact import redact
    from mlopsctl.render.diagnostics import render_diagnostics

    found = [one for each in examined for one in each.found]
    sources = {name: source for each in examined for name, source in each.sources.items()}
    if output == "text":
        text = render_diagnostics(found, sources, "text", color=color)
        several = len(examined) > 1
        text += "".join(f"ok: {each.line}{f' ({each.file})' * several}\n" for each in examined if each.valid)
    elif output == "json":
        text = render_diagnostics(found, sources, "json")
    else:
        text = render_diagnostics(found, sources, "sarif" if output == "sarif" else "github")
    return redact(text)
