"""`mlopsctl init`: a new project from a template that ships with mlopsctl, or from a look at a CSV file."""

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
    return _write(folder, _contents(template, _project_name(folder, name)))


def init_from_csv(folder: Path, file: Path, label: str, name: str | None = None) -> list[Path]:
    """Write a project for a CSV file into ``folder``, which is made when missing.

    Returns:
        The files written, in the order of their names. A ``.gitignore`` that is there stays.

    Raises:
        UsageProblem: a name outside the grammar, or a file that would be overwritten.
        StepProblem: when the file is no CSV with a header, has no such column, or nothing could be learned from it.
    """
    from mlopsctl.cli.draft import draft
    from mlopsctl.sources.look import look_at

    project = _project_name(folder, name)
    real, root = file.resolve(), folder.resolve()
    inside = real.is_relative_to(root)
    uri = real.relative_to(root).as_posix() if inside else str(real)
    _refuse_taken(folder, ["mlops.yaml", "mlops.schema.json"])
    contents = {
        "mlops.schema.json": resources.schema().read_bytes(),
        "mlops.yaml": draft(look_at(file, label), project, uri, inside=inside).encode(),
    }
    if not (folder / ".gitignore").exists():
        contents[".gitignore"] = (resources.template("blank") / "gitignore").read_bytes()
    return _write(folder, dict(sorted(contents.items())))


def _write(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    _refuse_taken(folder, list(contents))
    for relative, content in contents.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
    return [folder / relative for relative in contents]


def _refuse_taken(folder: Path, names: list[str]) -> None:
    taken = [name for name in names if (folder / name).exists()]
    if taken:
        raise UsageProblem.because(
            "would-overwrite",
            f"{folder} already has {', '.join(taken)}",
            hint="choose an empty folder, or remove the file; init overwrites nothing",
        )


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
    app.command(epilog="Example: mlopsctl init churn --from-csv customers.csv --label churned")(init)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where the project goes; made when missing.")] = Path(),
    template: Annotated[
        str | None,
        typer.Option("--template", "-t", help="What to start from: tabular (the default, runs at once) or blank."),
    ] = None,
    from_csv: Annotated[
        Path | None, typer.Option("--from-csv", help="Look at this CSV file and write a project that fits it.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="With --from-csv: the column to predict.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The project's name; by default the folder's.")] = None,
) -> None:
    """Start a new project from a template, or from your own CSV file."""
    target = shared(context).directory / folder
    if from_csv is not None and label is not None and template is None:
        written = init_from_csv(target, from_csv, label, name)
    elif from_csv is None and label is None:
        written = init_project(target, template or "tabular", name)
    else:
        hint = "write --from-csv FILE --label COLUMN, or --template NAME"
        what = "--template does not go with --from-csv" if template else "--from-csv and --label go together"
        raise UsageProblem.because("bad-options", what, hint=hint)
    for path in written:
        typer.echo(f"wrote {path}")
    step_into = "" if target.resolve() == Path.cwd() else f"  cd {target}\n"
    typer.echo(f"\nNext:\n{step_into}  mlopsctl plan\n  mlopsctl apply")
