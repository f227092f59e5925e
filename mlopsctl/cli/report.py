"""``report``: everything about one run on one page."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl.cli.options import AnyEnvironmentOption, shared


class ReportOutput(StrEnum):
    """How a report is written."""

    HTML = "html"
    MARKDOWN = "markdown"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl report -e prod --out report.html")(report)


def report(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="A run: its id, the beginning of it, or last for the newest.")] = "last",
    environment: AnyEnvironmentOption = None,
    output: Annotated[
        ReportOutput, typer.Option("--output", "-o", help="html: one file for a browser. markdown: for GitHub.")
    ] = ReportOutput.HTML,
    out: Annotated[Path | None, typer.Option(help="Write into this file instead of stdout.")] = None,
) -> None:
    """Write the report on a run: verdict, gates, metrics, slices, curves, data, steps, lineage. Runs nothing."""
    from mlopsctl.delivery.report.read import report as read
    from mlopsctl.ground.errors import UsageProblem
    from mlopsctl.ground.redact import redact

    if out is None and output is ReportOutput.HTML and sys.stdout.isatty():
        raise UsageProblem.because(
            "html-on-terminal", "an HTML report is not for a terminal", hint="add --out report.html, or -o markdown"
        )
    found = read(shared(context).directory, environment, run)
    if output is ReportOutput.HTML:
        from mlopsctl.render.report.page import page

        text = page(found)
    else:
        from mlopsctl.render.report.markdown import markdown

        text = markdown(found)
    text = redact(text)
    if out is None:
        sys.stdout.buffer.write(text.encode("utf-8"))
        sys.stdout.buffer.flush()
        return
    _save(text, out)
    typer.echo(f"Report on run {found.run.id} written to {out}")


def _save(text: str, out: Path) -> None:
    from mlopsctl.ground.errors import UsageProblem
    from mlopsctl.ground.files import write_atomic

    try:
        write_atomic(out, text.encode("utf-8"))
    except OSError as error:
        raise UsageProblem.because(
            "cannot-write", f"cannot write {out}: {error.strerror}", hint="name a file in a folder that is there"
        ) from error
