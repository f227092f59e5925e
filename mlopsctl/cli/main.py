"""The entry point: global options, the commands, and the one place where a failure becomes an exit code."""

from __future__ import annotations

import gc
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl import __version__
from mlopsctl.cli import door
from mlopsctl.cli.options import Output, OutputOption, Shared
from mlopsctl.ground.log import configure

app = typer.Typer(
    name="mlopsctl",
    help="GitOps for machine learning: one mlops.yaml, validated, planned, run, judged and released.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with [bold]mlopsctl init my-project --template tabular[/bold]. Exit codes: docs/exit-codes.md.",
)


class LogFormat(StrEnum):
    """How logs are written to stderr."""

    CONSOLE = "console"
    JSON = "json"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlopsctl {__version__}")
        raise typer.Exit


@app.callback()
def shared(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Option("--directory", "-C", help="The project: a folder with mlops.yaml, or the file itself.")
    ] = Path(),
    log_format: Annotated[LogFormat, typer.Option(help="How logs are written to stderr.")] = LogFormat.CONSOLE,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="More logs; repeat for still more.")] = 0,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """GitOps for machine learning: one mlops.yaml, validated, planned, run, judged and released."""
    del version
    configure(log_format.value, verbose)
    context.obj = Shared(directory=directory)


def _register() -> None:
    from mlopsctl.cli import (
        answers,
        cancel,
        champion,
        ci,
        compile,
        doctor,
        drift,
        environment,
        fmt,
        gate,
        image,
        infer,
        init,
        level,
        lint,
        pipeline,
        preview,
        promotion,
        publish,
        release,
        report,
        runs,
        schema,
        state,
        store,
        test,
        trigger,
        validate,
    )

    for module in (
        init, validate, schema, pipeline, compile, release, promotion, drift, test, environment, cancel, gate, champion,
        infer, runs, answers, report, publish, store, state, preview, image, ci, doctor, fmt, trigger, lint, level,
    ):  # fmt: skip
        module.register(app)


@app.command(epilog="Example: mlopsctl version --output json")
def version(output: OutputOption = Output.TEXT) -> None:
    """Print the version of mlopsctl and of Python."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    if output is Output.JSON:
        import json

        typer.echo(json.dumps({"mlopsctl": __version__, "python": python}))
    else:
        typer.echo(f"mlopsctl {__version__} (Python {python})")


_register()


def main() -> None:
    """Run the command line; every way out has a documented exit code."""
    # A command makes many values and few circles; looking for those seldom saves a sixth of a long plan's time.
    gc.set_threshold(100_000, 50, 50)
    sys.exit(door.run(app, sys.argv[1:]))


if __name__ == "__main__":
    main()
