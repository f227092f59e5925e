"""``level``: the maturity that a project can prove, and what is missing for more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import Output, OutputOption, shared
from mlopsctl.ground.errors import ExitCode, UsageProblem


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl level -e dev · mlopsctl level --upgrade 1 --pr")(level)


def level(
    context: typer.Context,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="Whose runs are the evidence; the first by default.")
    ] = None,
    upgrade: Annotated[
        int | None, typer.Option("--upgrade", min=1, max=2, help="Write what is missing for this level.")
    ] = None,
    pr: Annotated[
        bool, typer.Option("--pr", help="With --upgrade: open a pull request in place of writing here.")
    ] = False,
    by_commit: Annotated[
        bool, typer.Option("--by-commit", help="Only what the commit says, for where no run can be seen.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compute the level from evidence: runs, verdicts, releases, workflows, tests, environments.

    Ends with 3 when the level that mlops.yaml declares is not reached.
    """
    from mlopsctl.delivery.level.read import standing, written
    from mlopsctl.ground.redact import redact
    from mlopsctl.render.level import level_json, level_text

    place = shared(context).directory
    if pr:
        _propose(place, environment, upgrade, err=output is Output.JSON)
    elif upgrade is not None:
        from mlopsctl.delivery.level.upgrade import upgraded

        done = upgraded(place, environment, upgrade)
        for line in done:
            typer.echo(redact(line), err=output is Output.JSON)
        environment = None if done else environment
    found = written(place, environment) if by_commit else standing(place, environment)
    typer.echo(redact(level_json(found) if output is Output.JSON else level_text(found)))
    short = found.reached < found.declared and upgrade is None
    end(ExitCode.REFUSED if short else ExitCode.DONE)


def _propose(place: Path, environment: str | None, level: int | None, *, err: bool) -> None:
    """Open the pull request that brings a project to a level, and say what is in it."""
    from mlopsctl.delivery.level.propose import upgrade_of
    from mlopsctl.delivery.promotion.proposal import open_request
    from mlopsctl.ground.redact import redact
    from mlopsctl.render.level_request import upgrade_markdown

    if level is None:
        raise UsageProblem.because("no-upgrade", "--pr is of --upgrade", hint="add --upgrade 1, or --upgrade 2")
    found = upgrade_of(place, environment, level)
    for line in found.done:
        typer.echo(redact(line), err=err)
    if not found.files:
        typer.echo(f"No pull request: nothing is missing for level {level} that can be written.", err=err)
        return
    proposal = found.proposal(upgrade_markdown(found.standing, level, found.done))
    typer.echo(f"Pull request: {open_request(place if place.is_dir() else place.parent, proposal).url}", err=err)
