"""``test``: the project's own quick checks, and with ``--conformance`` whether orchestrators agree about it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.intervals import NONE, IntervalOption, asked
from mlopsctl.cli.options import Output, OutputOption, ParameterOption, shared
from mlopsctl.ground.errors import ExitCode, UsageProblem

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded

EnvironmentsOption = Annotated[
    list[str] | None, typer.Option("--environment", "-e", help="An environment; may be given again. All by default.")
]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(name="test", epilog="Example: mlopsctl test --conformance -e dev -p max_rows=2000 --on local,airflow")(
        check
    )


def check(
    context: typer.Context,
    conformance: Annotated[
        bool, typer.Option("--conformance", help="Run it on several orchestrators, and compare what comes of it.")
    ] = False,
    environment: EnvironmentsOption = None,
    on: Annotated[
        str,
        typer.Option("--on", metavar="NAMES", help="The orchestrators: local,kfp,airflow; all that can by default."),
    ] = "",
    parameter: ParameterOption = None,
    interval: IntervalOption = NONE,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="A new folder for the stores of the runs, to look into afterwards.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds that one orchestrator may take.")] = 3600,
    output: OutputOption = Output.TEXT,
) -> None:
    """Check every environment without running a step; with --conformance, that orchestrators give the same result.

    The runs use stores that are thrown away: nothing is registered, released or served where it counts.
    """
    if not conformance:
        if on or keep is not None or interval != NONE:
            message = "--on, --interval and --keep are of --conformance"
            raise UsageProblem.because("no-conformance", message, hint="add it")
        _quick(_loaded(context, environment, parameter), output)
        return
    from mlopsctl.cli.release import options
    from mlopsctl.delivery.conformance.suite import check_conformance
    from mlopsctl.delivery.intervals import within
    from mlopsctl.orchestrators.local.progress import make_progress
    from mlopsctl.render.conformance import conformance_json, conformance_text
    from mlopsctl.render.console import console

    engines = _engines(on)
    reports = []
    for loaded in _loaded(context, environment, parameter):
        inside = [within(loaded, one) for one in asked(loaded, interval, "", False)]
        how = options(None, False, False, None, False)
        folder = keep / loaded.environment if keep is not None else None
        with make_progress(quiet=output is Output.JSON, live=False) as progress:
            reports.append(
                check_conformance(
                    inside[0] if inside else loaded,
                    engines,
                    how,
                    progress,
                    partial(_begins, loaded.environment),
                    keep=folder,
                    seconds=timeout,
                )
            )
    if output is Output.JSON:
        typer.echo(conformance_json(reports))
    else:
        console().print(conformance_text(reports))
    end(ExitCode.DONE if all(report.passed for report in reports) else ExitCode.FAILED)


def _begins(environment: str, engine: str) -> None:
    typer.echo(f"{environment}: running on {engine}", err=True)


def _quick(found: list[Loaded], output: Output) -> None:
    """Lower every environment, and compile it where it runs elsewhere."""
    import json

    from mlopsctl.delivery.compile import check_all, compile_for
    from mlopsctl.lowering.lower import executable, lower

    lines = []
    for loaded in found:
        steps = len(executable(lower(loaded)).pipeline.steps)
        kind = loaded.project.orchestrator.kind
        if kind != "local":
            check_all([compile_for(loaded, kind)])
        lines.append((loaded.environment, kind, steps))
    if output is Output.JSON:
        documents = [{"environment": name, "orchestrator": kind, "steps": steps} for name, kind, steps in lines]
        typer.echo(json.dumps({"environments": documents}, indent=2))
        return
    for name, kind, steps in lines:
        typer.echo(f"{name}: {steps} steps, ready for {kind}")


def _loaded(context: typer.Context, environments: list[str] | None, parameters: list[str] | None) -> list[Loaded]:
    """The project in every environment that is meant."""
    from mlopsctl.config.load import load_project, names_of, parse_overrides

    folder = shared(context).directory
    names = list(dict.fromkeys(environments or names_of(folder)))
    return [load_project(folder, name, parse_overrides(parameters or [])) for name in names]


def _engines(on: str) -> tuple[str, ...]:
    """The orchestrators that were named.

    Raises:
        UsageProblem: for one that cannot be run here.
    """
    from mlopsctl.delivery.conformance.interpreters import ENGINES

    named = tuple(dict.fromkeys(one.strip() for one in on.split(",") if one.strip()))
    strange = [one for one in named if one not in ENGINES]
    if strange:
        raise UsageProblem.because(
            "unknown-orchestrator",
            f"there is no {', '.join(strange)} to run here",
            hint=f"--on takes some of {','.join(ENGINES)}",
        )
    return named
