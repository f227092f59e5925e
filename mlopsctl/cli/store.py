"""``gc`` and ``fsck``: removing what nobody needs, and verifying what is stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared
from mlopsctl.ground.errors import ExitCode

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded

_RunArgument = Annotated[str, typer.Argument(help="The run's id, as `mlopsctl runs list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(invoke_without_command=True, no_args_is_help=False)
    group.callback(epilog="Example: mlopsctl gc --keep 5 --dry-run")(gc)
    group.command(epilog="Example: mlopsctl gc pin 20261121T101500-1a2b3c --reason 'for the audit'")(pin)
    group.command(epilog="Example: mlopsctl gc unpin 20261121T101500-1a2b3c")(unpin)
    group.command(epilog="Example: mlopsctl gc pins")(pins)
    app.add_typer(group, name="gc")
    app.command(epilog="Example: mlopsctl fsck --repair")(fsck)


def gc(
    context: typer.Context,
    environment: EnvironmentOption = None,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest runs of each environment stay whole.")] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    strangers: Annotated[
        bool, typer.Option("--strangers", help="Also what no record of this project names, older than a day.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Remove artifacts that only older runs need. Released, earlier released and pinned models stay."""
    if context.invoked_subcommand is not None:
        return
    from mlopsctl.delivery.gc import collect
    from mlopsctl.render.stores import collected_json, collected_text

    found = collect(_load(context, environment), keep, dry=dry_run, strangers=strangers)
    typer.echo(collected_json(found) if output is Output.JSON else collected_text(found))


def pin(
    context: typer.Context,
    run: _RunArgument,
    environment: EnvironmentOption = None,
    reason: Annotated[str, typer.Option(help="Why; `gc pins` shows it.")] = "",
) -> None:
    """Keep a run's artifacts, whatever its age."""
    from mlopsctl.delivery.gc import pin as keep

    keep(_load(context, environment), run, reason)
    typer.echo(f"{run} is pinned.")


def unpin(context: typer.Context, run: _RunArgument, environment: EnvironmentOption = None) -> None:
    """Let a run's artifacts go when their time comes."""
    from mlopsctl.delivery.gc import unpin as let_go

    let_go(_load(context, environment), run)
    typer.echo(f"{run} is not pinned.")


def pins(context: typer.Context, environment: EnvironmentOption = None, output: OutputOption = Output.TEXT) -> None:
    """List the pinned runs."""
    from mlopsctl.delivery.gc import pins as read

    found = read(_load(context, environment))
    if output is Output.JSON:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(f"{run}  {reason}" for run, reason in found.items()) or "No run is pinned.")


def fsck(
    context: typer.Context,
    environment: EnvironmentOption = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Move what is broken aside; the next apply heals it.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Read everything that is stored, and say what is not as it should be: exit 1 when something is left so."""
    from mlopsctl.delivery.fsck import check
    from mlopsctl.render.console import console
    from mlopsctl.render.stores import flaws_json, flaws_text

    flaws = check(_load(context, environment), repair=repair)
    if output is Output.JSON:
        typer.echo(flaws_json(flaws))
    else:
        console().print(flaws_text(flaws))
    end(ExitCode.DONE if all(flaw.repaired for flaw in flaws) else ExitCode.FAILED)


def _load(context: typer.Context, environment: str | None) -> Loaded:
    from mlopsctl.config.load import load_project

    return load_project(shared(context).directory, environment)
