"""``cancel``: stop a run that goes on elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsctl.cli.options import EnvironmentOption, shared


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl cancel -e prod")(cancel)


def cancel(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="The run, by our id or the orchestrator's; the only one by default.")] = "",
    environment: EnvironmentOption = None,
) -> None:
    """Stop a run on Kubeflow Pipelines or Vertex AI. What its steps have finished stays, and is used again."""
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.elsewhere.watch import cancel as stop

    for stopped in stop(load_project(shared(context).directory, environment), run):
        typer.echo(f"Canceled {stopped}.")
