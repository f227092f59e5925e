"""``status``: what is so in an environment."""

from __future__ import annotations

import typer

from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl status -e prod -o json")(status)


def status(context: typer.Context, environment: EnvironmentOption = None, output: OutputOption = Output.TEXT) -> None:
    """Say what is released, registered and served, and how the last run ended."""
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.environment import status as read
    from mlopsctl.render.console import console
    from mlopsctl.render.status import status_json, status_text

    found = read(load_project(shared(context).directory, environment))
    if output is Output.JSON:
        typer.echo(status_json(found))
    else:
        console().print(status_text(found))
