"""``state``: which environments there are, what stands in them, and who holds them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared
from mlopsctl.ground.errors import ExitCode

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded


def register(app: typer.Typer) -> None:
    """Add the command group to the app."""
    group = typer.Typer(
        help="Look at release states and their locks.", no_args_is_help=True, epilog="Example: mlopsctl state list"
    )
    group.command("list", epilog="Example: mlopsctl state list")(list_)
    group.command(epilog="Example: mlopsctl state show -e prod -o json")(show)
    group.command(epilog="Example: mlopsctl state unlock -e prod")(unlock)
    app.add_typer(group, name="state")


def list_(context: typer.Context, environment: EnvironmentOption = None, output: OutputOption = Output.TEXT) -> None:
    """List the environments in the metadata store: what is released, and who writes."""
    from mlopsctl.delivery.states import list_states
    from mlopsctl.render.stores import states_json, states_text

    found = list_states(_load(context, environment))
    typer.echo(states_json(found) if output is Output.JSON else states_text(found))


def show(context: typer.Context, environment: EnvironmentOption = None, output: OutputOption = Output.TEXT) -> None:
    """Show an environment's releases, what is begun and not finished, and who writes."""
    from mlopsctl.delivery.states import show_state
    from mlopsctl.render.stores import state_json, state_text

    found = show_state(_load(context, environment))
    typer.echo(state_json(found) if output is Output.JSON else state_text(found))


def unlock(
    context: typer.Context,
    environment: EnvironmentOption = None,
    force: Annotated[bool, typer.Option("--force", help="Also from a holder that is alive; do not ask.")] = False,
) -> None:
    """Take the lock from whoever has it; a holder that is alive only with --force. What it writes then is refused.

    A command of this machine that died holds nothing; this is for one of another machine, or one that hangs.
    """
    from mlopsctl.delivery.states import show_state
    from mlopsctl.delivery.states import unlock as take_away
    from mlopsctl.render.stores import holder_text

    loaded = _load(context, environment)
    standing = show_state(loaded)
    typer.echo(f"{loaded.environment}: {holder_text(standing)}")
    asks = not force and not standing.tenure.held and sys.stdin.isatty()
    if asks and not typer.confirm("Unlock it?"):
        end(ExitCode.APPROVAL)
    take_away(loaded, standing.tenure.token, force=force)
    typer.echo(f"{loaded.environment} is unlocked.")


def _load(context: typer.Context, environment: str | None) -> Loaded:
    from mlopsctl.config.load import load_project

    return load_project(shared(context).directory, environment)
