"""``ci``: the files for the project's CI, written and compared."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mlopsctl.cli import ci_events
from mlopsctl.cli.door import end
from mlopsctl.cli.options import Output, OutputOption, shared
from mlopsctl.ground.errors import ExitCode


class Provider(StrEnum):
    """Whose CI."""

    GITHUB_ACTIONS = "github_actions"
    CLOUD_BUILD = "cloud_build"


ProviderOption = Annotated[
    Provider | None, typer.Option("--provider", help="Only this one; by default those that `ci` in mlops.yaml names.")
]


def register(app: typer.Typer) -> None:
    """Add the command group to the app."""
    group = typer.Typer(
        no_args_is_help=True,
        help="The files that let a CI verify and apply the project.",
        epilog="Example: mlopsctl ci check",
    )
    group.command(epilog="Example: mlopsctl ci init --provider github_actions")(init)
    group.command(epilog="Example: mlopsctl ci check")(check)
    ci_events.register(group)
    app.add_typer(group, name="ci")


def init(
    context: typer.Context,
    provider: ProviderOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that mlopsctl did not make.")] = False,
    create_triggers: Annotated[
        bool, typer.Option("--create-triggers", help="Also create or change the triggers in Cloud Build.")
    ] = False,
) -> None:
    """Write the files of the project's CI. Running it again brings them up to date."""
    from mlopsctl.delivery.ci.live import create_triggers as create
    from mlopsctl.delivery.ci.scaffold import make_files, write_made
    from mlopsctl.render.ci import written_text

    place = shared(context).directory
    made = make_files(place, provider.value if provider is not None else None)
    written = write_made(made, force=force)
    typer.echo(written_text(made, written))
    if create_triggers:
        for line in create(place):
            typer.echo(line)


def check(
    context: typer.Context,
    provider: ProviderOption = None,
    live: Annotated[bool, typer.Option("--live", help="Also compare the triggers in Cloud Build.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say whether the files are those that the project would generate; ends with 2 when they are not."""
    from mlopsctl.delivery.ci.live import compare_triggers
    from mlopsctl.delivery.ci.scaffold import compare_files, make_files
    from mlopsctl.render.ci import checked_json, checked_text

    place = shared(context).directory
    made = make_files(place, provider.value if provider is not None else None)
    found = (*compare_files(made), *(compare_triggers(place) if live else ()))
    typer.echo(checked_json(made, found) if output is Output.JSON else checked_text(made, found))
    end(ExitCode.CHANGES if found else ExitCode.DONE)
