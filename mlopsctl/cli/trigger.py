"""``trigger``: whether a run is due, decided from the clock, the data and the recorded runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption
from mlopsctl.cli.release import carry_out, load, options
from mlopsctl.ground.errors import ExitCode, UsageProblem


def register(app: typer.Typer) -> None:
    """Add the command group to the app."""
    group = typer.Typer(no_args_is_help=True, help="What starts a run besides a person.")
    group.callback(epilog="Example: mlopsctl trigger check -e dev")(_group)
    group.command(epilog="Example: mlopsctl trigger check -e dev --run")(check)
    app.add_typer(group, name="trigger", epilog="Example: mlopsctl trigger check -e dev")


def _group() -> None:
    """What starts a run besides a person."""


def check(
    context: typer.Context,
    environment: EnvironmentOption = None,
    run: Annotated[bool, typer.Option("--run", help="Apply at once when a run is due.")] = False,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="Decide for this moment instead of now: 2026-01-31T12:00:00+00:00.")
    ] = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Say of each trigger whether it is due, why, and when next. Ends with 2 when a run is due. Changes nothing.

    A source that cannot be read ends it with 1, missing evidence with 4: neither is ever `nothing is due`.
    """
    from mlopsctl.delivery.triggers.check import check_triggers
    from mlopsctl.ground.redact import redact
    from mlopsctl.render.triggers import triggers_json, triggers_text

    loaded = load(context, environment, None)
    checked = check_triggers(loaded, _moment(at))
    applies = run and checked.exit_code is ExitCode.CHANGES
    told = redact(triggers_json(checked) if output is Output.JSON else triggers_text(checked))
    # The JSON on stdout is then that of the apply.
    typer.echo(told, err=applies and output is Output.JSON)
    if applies:
        # The next time of a schedule counts from the run of this one, so there is one, however little it has to do.
        always = any(one.kind == "schedule" for one in checked.due)
        how = replace(options(None, False, False, None, False), cause=checked.cause, always=always)
        carry_out(loaded, how, ask=False, output=output)
    end(checked.exit_code)


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageProblem.because(
            "bad-moment", f"{text!r} is no moment with a time zone", hint="write it like 2026-01-31T12:00:00+00:00"
        )
    return moment
