"""``drift``: git against what was applied against what is live."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared
from mlopsctl.delivery.drift.finding import Plane


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl drift -e prod --plane serving")(drift)


def drift(
    context: typer.Context,
    environment: EnvironmentOption = None,
    plane: Annotated[list[Plane] | None, typer.Option("--plane", help="Look at this plane only; repeatable.")] = None,
    issue: Annotated[bool, typer.Option("--issue", help="Open an issue when something drifted.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compare git with what was applied, and both with what is live. Changes nothing.

    Ends with 5 when anything drifted, with 1 when something could not be looked at.
    """
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.drift.look import look_for_drift
    from mlopsctl.delivery.drift.tell import open_issue
    from mlopsctl.render.drift import drift_json, drift_markdown, drift_text

    found = look_for_drift(load_project(shared(context).directory, environment), plane or ())
    typer.echo(drift_json(found) if output is Output.JSON else drift_text(found), nl=False)
    if issue and found.drifted:
        typer.echo(f"Issue: {open_issue(found, drift_markdown(found))}", err=True)
    end(found.exit_code)
