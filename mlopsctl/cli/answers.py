"""``logs``, ``lineage``, ``why`` and ``reproduce``: what happened, why, and whether it happens again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import AnyEnvironmentOption, EnvironmentOption, Output, OutputOption, shared
from mlopsctl.cli.runs import RunArgument
from mlopsctl.ground.errors import ExitCode, UsageProblem

NOT_PROMOTED = "not-promoted"


class LineageFormat(StrEnum):
    """How lineage is printed."""

    TEXT = "text"
    MERMAID = "mermaid"
    JSON = "json"


FormatOption = Annotated[LineageFormat, typer.Option("--format", "-f", "--output", "-o", help="How it is printed.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: mlopsctl logs last train-forest")(logs)
    app.command(epilog="Example: mlopsctl lineage champion -e prod · mlopsctl lineage v3 --up --format mermaid")(
        lineage
    )
    app.command(epilog="Example: mlopsctl why train-forest · mlopsctl why not-promoted -e prod")(why)
    app.command(epilog="Example: mlopsctl reproduce 20261121T1705")(reproduce)


def logs(
    context: typer.Context,
    run: RunArgument,
    step: Annotated[str, typer.Argument(metavar="STEP", help="A step of that run.")],
    environment: AnyEnvironmentOption = None,
    attempt: Annotated[int | None, typer.Option("--attempt", min=1, help="Which attempt; the last by default.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until a running attempt ends.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The bytes as the step wrote them, also what is unsafe.")] = False,
) -> None:
    """Print what a step wrote. Colours are left out and other control characters spelled out, so that a log cannot
    play tricks on a terminal; `--raw` leaves it as it is.
    """
    import sys

    from mlopsctl.delivery.answers.logs import find_log, followed, raw_chunks, safe_lines

    if follow and raw:
        raise UsageProblem.because("raw-follow", "--raw and --follow exclude each other", hint="leave out one of them")
    found = find_log(shared(context).directory, environment, run, step, attempt)
    if found.note:
        typer.echo(found.note, err=True)
    if raw:
        sys.stdout.flush()
        for chunk in raw_chunks(found.path):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    for line in followed(found) if follow else safe_lines(found.path):
        typer.echo(line)


def lineage(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="A run (or last), STEP or STEP.OUTPUT of the last run, a digest, a version (v3) or champion.",
        ),
    ],
    environment: AnyEnvironmentOption = None,
    up: Annotated[bool, typer.Option("--up", help="Only what it comes from.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what it led to.")] = False,
    both: Annotated[bool, typer.Option("--both", help="Both ways, which is the default.")] = False,
    format: FormatOption = LineageFormat.TEXT,
) -> None:
    """Say where something comes from (data, code, commit) and what it led to (models, releases, servers)."""
    from mlopsctl.delivery.answers.lineage import trace
    from mlopsctl.render.console import console
    from mlopsctl.render.lineage import lineage_json, lineage_mermaid, lineage_text

    ways = (up or both or not down, down or both or not up)
    found = trace(shared(context).directory, environment, what, up=ways[0], down=ways[1])
    match format:
        case LineageFormat.TEXT:
            console().print(lineage_text(found, up=ways[0], down=ways[1]))
        case LineageFormat.MERMAID:
            typer.echo(lineage_mermaid(found))
        case LineageFormat.JSON:
            typer.echo(lineage_json(found))


def why(
    context: typer.Context,
    question: Annotated[
        str, typer.Argument(metavar="STEP|not-promoted", help="A step, or not-promoted for the last challenger.")
    ],
    environment: EnvironmentOption = None,
    run: Annotated[str, typer.Option("--run", help="Another run than the last; see `runs list`.")] = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Say why a step ran or did not, then and now; or why the last challenger was not released."""
    from mlopsctl.render.console import console

    folder = shared(context).directory
    if question == NOT_PROMOTED:
        from mlopsctl.delivery.answers.why_not import why_not_promoted
        from mlopsctl.render.why import why_not_json, why_not_text

        answer = why_not_promoted(folder, environment, run)
        if output is Output.JSON:
            typer.echo(why_not_json(answer))
        else:
            console().print(why_not_text(answer))
        return
    from mlopsctl.delivery.answers.why import why_step
    from mlopsctl.render.why import why_json, why_text

    told = why_step(folder, environment, question, run)
    if output is Output.JSON:
        typer.echo(why_json(told))
    else:
        console().print(why_text(told))


def reproduce(
    context: typer.Context,
    run: RunArgument,
    environment: AnyEnvironmentOption = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Run although code, data or packages are not those of the run.")
    ] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="How many steps run at once.")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Run a recorded run again, with its parameters and no cache, and compare every artifact and metric.

    Nothing is recorded, registered, released or served. Ends with 1 when something is not the same.
    """
    import os

    from mlopsctl.delivery.answers.reproduce import reproduce as run_again
    from mlopsctl.orchestrators.local.progress import make_progress
    from mlopsctl.orchestrators.local.run import Settings
    from mlopsctl.render.console import console
    from mlopsctl.render.reproduce import reproduced_json, reproduced_text

    settings = Settings(jobs=jobs or os.cpu_count() or 1)
    with make_progress(quiet=output is Output.JSON, live=True) as progress:
        found = run_again(shared(context).directory, environment, run, settings, progress, anyway=anyway)
    if output is Output.JSON:
        typer.echo(reproduced_json(found))
    else:
        console().print(reproduced_text(found))
    end(ExitCode.DONE if found.same else ExitCode.FAILED)
