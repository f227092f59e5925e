"""``doctor``: is this machine ready, and what is missing."""

from __future__ import annotations

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared
from mlopsctl.ground.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl doctor -e prod")(doctor)


def doctor(context: typer.Context, environment: EnvironmentOption = None, output: OutputOption = Output.TEXT) -> None:
    """Look at this machine and the project's stores; say for each what to do. Ends with 1 when something fails."""
    from mlopsctl.delivery.doctor import Health, examine
    from mlopsctl.render.console import console
    from mlopsctl.render.stores import finding_text, findings_json

    found = []
    for finding in examine(shared(context).directory, environment):
        found.append(finding)
        if output is Output.TEXT:
            console().print(finding_text(finding))
    if output is Output.JSON:
        typer.echo(findings_json(found))
    end(ExitCode.FAILED if any(finding.health is Health.FAIL for finding in found) else ExitCode.DONE)
