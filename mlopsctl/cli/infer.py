"""``infer``: score the rows of a file with the released model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared
from mlopsctl.ground.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl infer new.csv -e prod --out scored.csv")(infer)


def infer(
    context: typer.Context,
    rows: Annotated[Path, typer.Argument(help="New rows: a .csv, .tsv, .json, .jsonl or .parquet file.", exists=True)],
    environment: EnvironmentOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the answers go, as .csv, .jsonl or .parquet; beside the rows by default.")
    ] = None,
    release: Annotated[
        int | None, typer.Option(help="An earlier release by its number; the one now by default.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Score new rows with the released model. Their columns are kept, the answers stand beside them.

    Only a model that its gates let go is used.
    """
    import json

    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.infer import infer as score
    from mlopsctl.orchestrators.local.progress import make_progress
    from mlopsctl.step.task import StepState

    loaded = load_project(shared(context).directory, environment)
    target = out or rows.with_name(f"{rows.stem}.predictions.csv")
    with make_progress(quiet=output is Output.JSON, live=True) as progress:
        scored = score(loaded, rows, target, release, progress)
    failed = scored.result.state is StepState.FAILED
    if output is Output.JSON:
        answer = {
            "run": scored.run,
            "release": scored.release.number,
            "model": scored.release.model,
            "predictions": scored.result.outputs.get("predictions", ""),
            "file": "" if failed else str(scored.file),
            "rows": scored.result.notes.get("rows"),
            "problem": scored.result.problem,
        }
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif not failed:
        told = scored.release
        typer.echo(f"{scored.result.line} by {told.registry_name} v{told.registry_version}: {scored.file}")
    end(ExitCode.FAILED if failed else ExitCode.DONE)
