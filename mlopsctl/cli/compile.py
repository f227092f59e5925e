"""``compile``: the files that an orchestrator elsewhere is given, and what it takes to run there."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared


class To(StrEnum):
    """For which orchestrators."""

    KFP = "kfp"
    VERTEX = "vertex"
    AIRFLOW = "airflow"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(name="compile", epilog="Example: mlopsctl compile -e prod")(compile_)


def compile_(
    context: typer.Context,
    environment: EnvironmentOption = None,
    to: Annotated[To | None, typer.Option("--to", help="Another orchestrator than the environment's, or all.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder to write to; build/ENVIRONMENT/ORCHESTRATOR by default.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Write the pipeline for its orchestrator, and say how each property is honoured there. Reaches no server."""
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.compile import check_all, compile_for, engines_of, refused, write_bundles
    from mlopsctl.render.console import console
    from mlopsctl.render.portability import compiled_json, compiled_text

    loaded = load_project(shared(context).directory, environment)
    found = [compile_for(loaded, engine) for engine in engines_of(loaded, to.value if to is not None else None)]
    written = [_shown(path) for path in (() if refused(found) else write_bundles(found, loaded, out))]
    if output is Output.JSON:
        typer.echo(compiled_json(found, written))
    else:
        console().print(compiled_text(found, written))
    check_all(found)


def _shown(path: Path) -> Path:
    """A path as people name it from where they are."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
