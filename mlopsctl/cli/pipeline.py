"""``graph``: what the project runs, as a picture."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mlopsctl.cli.options import EnvironmentOption, ParameterOption, shared


class GraphFormat(StrEnum):
    """How the graph is printed."""

    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl graph --format mermaid")(graph)


def graph(
    context: typer.Context,
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    format: Annotated[GraphFormat, typer.Option("--format", "-f", help="How the graph is printed.")] = GraphFormat.TEXT,
) -> None:
    """Print the steps and how they are wired. Reads the project and nothing else."""
    from mlopsctl.config.load import load_project, parse_overrides
    from mlopsctl.lowering.lower import lower
    from mlopsctl.render import graph as pictures

    loaded = load_project(shared(context).directory, environment, parse_overrides(parameter or []))
    pipeline = lower(loaded).pipeline
    draw = {
        GraphFormat.TEXT: pictures.graph_text,
        GraphFormat.MERMAID: pictures.graph_mermaid,
        GraphFormat.DOT: pictures.graph_dot,
        GraphFormat.JSON: pictures.graph_json,
    }[format]
    typer.echo(draw(pipeline))
