"""``runs list``, ``runs show`` and ``runs compare``: what was run, and what came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsctl.cli.options import AnyEnvironmentOption, Output, OutputOption, shared

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run: its id, the beginning of it, or last for the newest.")
]


def register(app: typer.Typer) -> None:
    """Add the command group to the app."""
    group = typer.Typer(help="What was run, and what came of it.", no_args_is_help=True)
    group.command("list", epilog="Example: mlopsctl runs list -e prod --limit 50")(list_)
    group.command(epilog="Example: mlopsctl runs show last")(show)
    group.command(epilog="Example: mlopsctl runs compare 20261121T1705 last --sort accuracy")(compare)
    app.add_typer(group, name="runs", epilog="Example: mlopsctl runs list")


def list_(
    context: typer.Context,
    environment: AnyEnvironmentOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many, the newest.")] = 20,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the runs, the newest first: when, how long, how they ended, and what the evaluation said."""
    from mlopsctl.delivery.answers.runs import list_runs
    from mlopsctl.render.console import console
    from mlopsctl.render.runs import runs_json, runs_text

    found = list_runs(shared(context).directory, environment, limit)
    if output is Output.JSON:
        typer.echo(runs_json(found))
    else:
        console().print(runs_text(found))


def show(
    context: typer.Context,
    run: RunArgument,
    environment: AnyEnvironmentOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show one run: its steps, what they read and left, every verdict, and whether it was released."""
    from mlopsctl.delivery.answers.runs import show_run
    from mlopsctl.render.console import console
    from mlopsctl.render.runs import run_json, run_text

    found = show_run(shared(context).directory, environment, run)
    if output is Output.JSON:
        typer.echo(run_json(found))
    else:
        console().print(run_text(found))


def compare(
    context: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Two runs or more; see `runs show`.")],
    environment: AnyEnvironmentOption = None,
    sort: Annotated[str, typer.Option("--sort", help="A metric: the run with the best value comes first.")] = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Put runs side by side: parameters, metrics, verdicts, and the steps that differ with the reason."""
    from mlopsctl.delivery.answers.compare import compare_runs
    from mlopsctl.ground.errors import UsageProblem
    from mlopsctl.render.compare import compared_json, compared_text
    from mlopsctl.render.console import console

    if len(runs) < 2:
        raise UsageProblem.because(
            "one-run", "one run alone cannot be compared", hint="name two or more: mlopsctl runs compare RUN RUN"
        )
    found = compare_runs(shared(context).directory, environment, runs, sort)
    if output is Output.JSON:
        typer.echo(compared_json(found))
    else:
        console().print(compared_text(found))
