"""`mlopsctl init`: a new project from a template that ships with mlopsctl."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl.cli.options import shared
from mlopsctl.ground import resources
from mlopsctl.ground.errors import UsageProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.ground.text import name_problem

# Each template is itself a valid project of this name.
_PLACEHOLDER = "my-project"
_RENAMED = {"gitignore": ".gitignore"}


def init_project(folder: Path, template: str, name: str | None = None) -> list[Path]:
    """Write a new project into ``folder``, which is made when missing.

    Args:
        folder: where the project goes; files that are there stay.
        template: one of :func:`~mlopsctl.ground.resources.templates`.
        name: the project's name; by default made from the folder's name.

    Returns:
        The files written, in the order of their names.

    Raises:
        UsageProblem: unknown template, a name outside the grammar, or a file that would be overwritten.
    """
    shipped = resources.templates()
    if template not in shipped:
        raise UsageProblem.because(
            "unknown-template", f"there is no template “{template}”", hint=f"one of: {', '.join(shipped)}"
        )
    contents = _contents(template, _project_name(folder, name))
    taken = [relative for relative in contents if (folder / relative).exists()]
    if taken:
        raise UsageProblem.because(
            "would-overwrite",
            f"{folder} already has {', '.join(taken)}",
            hint="choose an empty folder, or remove the file; init overwrites nothing",
        )
    for relative, content in contents.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
    return [folder / relative for relative in contents]


def _contents(template: str, name: str) -> dict[str, bytes]:
    """What to write, by path from the project's folder."""
    root = resources.template(template)
    found = {"mlops.schema.json": resources.schema().read_bytes()}
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            relative = path.relative_to(root)
            target = relative.with_name(_RENAMED.get(relative.name, relative.name)).as_posix()
            found[target] = path.read_bytes().replace(_PLACEHOLDER.encode(), name.encode())
    return dict(sorted(found.items()))


def _project_name(folder: Path, name: str | None) -> str:
    if name is None:
        made = re.sub(r"[^a-z0-9_-]+", "-", folder.resolve().name.lower()).strip("-_")[:63]
        return _PLACEHOLDER if name_problem(made) else made
    if problem := name_problem(name):
        raise UsageProblem.because("bad-name", problem, hint="--name takes something like churn-model")
    return name


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: mlopsctl init churn --template tabular")(init)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where the project goes; made when missing.")] = Path(),
    template: Annotated[
        str, typer.Option("--template", "-t", help="What to start from: tabular (runs at once) or blank.")
    ] = "tabular",
    name: Annotated[str | None, typer.Option("--name", help="The project's name; by default the folder's.")] = None,
) -> None:
    """Start a new project from a template."""
    target = shared(context).directory / folder
    for path in init_project(target, template, name):
        typer.echo(f"wrote {path}")
    step_into = "" if target.resolve() == Path.cwd() else f"  cd {target}\n"
    typer.echo(f"\nNext:\n{step_into}  mlopsctl plan\n  mlopsctl apply")
