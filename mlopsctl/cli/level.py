"""``level``: the maturity that a project can prove, and what is missing for more."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import Output, OutputOption, shared
from mlopsctl.ground.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl level -e dev · mlopsctl level --upgrade 1")(level)


def level(
    context: typer.Context,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="Whose runs are the evidence; the first by default.")
    ] = None,
    upgrade: Annotated[
        int | None, typer.Option("--upgrade", min=1, max=2, help="Write what is missing for this level.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compute the level from evidence: runs, verdicts, releases, workflows, tests, environments.

    Ends with 3 when the level that mlops.yaml declares is not reached.
    """
    from mlopsctl.delivery.level.read import standing
    from mlopsctl.ground.redact import redact
    from mlopsctl.render.level import level_json, level_text

    place = shared(context).directory
    if upgrade is not None:
        from mlopsctl.delivery.level.upgrade import upgraded

        done = upgraded(place, environment, upgrade)
        for line in done:
            typer.echo(redact(line), err=output is Output.JSON)
        environment = None if done else environment
    found = standing(place, environment)
    typer.echo(redact(level_json(found) if output is Output.JSON else level_text(found)))
    short = found.reached < found.declared and upgrade is None
    end(ExitCode.REFUSED if short else ExitCode.DONE)
