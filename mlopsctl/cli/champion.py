"""``adopt`` and ``retire``: a champion that comes from elsewhere, and one that leaves."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, ParameterOption
from mlopsctl.cli.release import YesOption, carry_out, load, options
from mlopsctl.ground.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: mlopsctl adopt models:/churn/7 -e prod")(adopt)
    app.command(epilog="Example: mlopsctl retire -e prod")(retire)


def adopt(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model of the registry: models:/NAME/VERSION or models:/NAME@ALIAS.")],
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    yes: YesOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Release a model that is already in MLflow: judged by the same gates, registered and served like any other.

    It becomes the champion that the next trained model must beat. It must take raw rows of the project's data.
    """
    loaded = load(context, environment, parameter)
    chosen = replace(options(None, False, False, None, False), adopted=model)
    carry_out(loaded, chosen, ask=not yes, output=output)


def retire(context: typer.Context, environment: EnvironmentOption = None, yes: YesOption = False) -> None:
    """Take the champion out of service for good, for example because it learned from wrong data.

    Nothing is served then, and the next model is compared with the release before it, or with none. The model and its
    history stay.
    """
    from mlopsctl.delivery.environment import retire as take_out

    loaded = load(context, environment, None)
    question = f"Stop serving {loaded.project.name} in {loaded.environment} and never compare with it again?"
    if not yes and sys.stdin.isatty() and not typer.confirm(question):
        end(ExitCode.APPROVAL)
    release = take_out(loaded)
    typer.echo(f"{release.registry_name} v{release.registry_version} is retired from {loaded.environment}.")
