"""``preview``: the short-lived environments of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.options import Output, OutputOption, shared
from mlopsctl.ground.errors import UsageProblem

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded

NumbersArgument = Annotated[list[int] | None, typer.Argument(help="Numbers of pull requests.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the command group to the app."""
    group = typer.Typer(
        help="Look at the environments of pull requests, and take them down. `apply -e pr-7` makes one.",
        no_args_is_help=True,
        epilog="Example: mlopsctl preview list",
    )
    group.command("list", epilog="Example: mlopsctl preview list -o json")(list_)
    group.command(epilog="Example: mlopsctl preview remove 7 · mlopsctl preview remove --expired")(remove)
    app.add_typer(group, name="preview")


def list_(context: typer.Context, output: OutputOption = Output.TEXT) -> None:
    """List the previews that stand, and until when they stay."""
    from mlopsctl.config.previews import preview_name
    from mlopsctl.delivery.previews import list_previews
    from mlopsctl.ground.clock import now_ms
    from mlopsctl.render.previews import previews_json, previews_text

    found = list_previews(_load(context, preview_name(1)))
    typer.echo((previews_json if output is Output.JSON else previews_text)(found, now_ms()))


def remove(
    context: typer.Context,
    numbers: NumbersArgument = None,
    expired: Annotated[bool, typer.Option("--expired", help="All whose time to live is over.")] = False,
    deployment: Annotated[bool, typer.Option("--deployment", help="Also end their deployments on GitHub.")] = False,
) -> None:
    """Take previews down: their server, alias and schedule. Models, runs and artifacts stay.

    Results stay too, so that the same steps are not run again after the merge. One that is gone already is none to
    remove, and no error.
    """
    from mlopsctl.config.previews import preview_name
    from mlopsctl.delivery.previews import list_previews, remove_preview
    from mlopsctl.delivery.publish.deployed import end_deployments
    from mlopsctl.forges.opening import require_access
    from mlopsctl.ground.clock import now_ms

    if bool(numbers) == expired:
        raise UsageProblem.because(
            "which-preview", "name either pull requests or --expired", hint="mlopsctl preview remove 7"
        )
    if deployment:
        require_access()
    wanted = list(dict.fromkeys(numbers or ()))
    if expired:
        now = now_ms()
        wanted = [one.number for one in list_previews(_load(context, preview_name(1))) if one.expired(now)]
    for number in wanted:
        name = preview_name(number)
        loaded = _load(context, name)
        gone = remove_preview(loaded)
        typer.echo(f"{name} is taken down; its models and results stay." if gone else f"{name} does not stand.")
        if deployment and (ended := end_deployments(loaded)):
            typer.echo(f"{name}: {ended} {'deployment is' if ended == 1 else 'deployments are'} ended.")
    if expired and not wanted:
        typer.echo("No preview is expired.")


def _load(context: typer.Context, environment: str) -> Loaded:
    from mlopsctl.config.load import load_project

    return load_project(shared(context).directory, environment)
