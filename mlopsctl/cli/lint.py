"""``lint``: what is valid in a project file and probably not meant."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import shared
from mlopsctl.cli.validate import project_files
from mlopsctl.ground.errors import ExitCode, Severity


class LintOutput(StrEnum):
    """For whom findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl lint --fix · mlopsctl lint --output sarif")(lint)


def lint(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Project files, or folders that hold some.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended; comments stay.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings end the command with 3, too.")] = False,
    output: Annotated[
        LintOutput, typer.Option("--output", "-o", help="text for people; json or sarif for programs.")
    ] = LintOutput.TEXT,
) -> None:
    """Find what is valid and probably not meant. Ends with 3 for a finding of severity error. Runs nothing.

    `# mlopsctl: ignore[ID] REASON` at the end of a line, or above it, lets a finding stand.
    """
    from mlopsctl.ground.redact import redact
    from mlopsctl.lints.look import look_at, mended
    from mlopsctl.render.lints import lints_json, lints_sarif, lints_text

    files = project_files(paths or [shared(context).directory])
    if fix:
        for done in (line for file in files for line in mended(file)):
            typer.echo(f"mended {redact(done)}", err=output is not LintOutput.TEXT)
    looked = [look_at(file) for file in files]
    if output is LintOutput.TEXT:
        told = lints_text(looked, color=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    else:
        told = lints_json(looked) if output is LintOutput.JSON else lints_sarif(looked)
    sys.stdout.write(redact(told))
    worst = {one.diagnostic.severity for each in looked for one in each.open}
    refuses = Severity.ERROR in worst or (strict and bool(worst))
    end(ExitCode.REFUSED if refuses else ExitCode.DONE)
