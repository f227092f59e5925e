"""``gate check`` and ``gate explain``: judge measured evidence again, and say what a gate means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, ParameterOption, shared


def register(app: typer.Typer) -> None:
    """Add the command group to the app."""
    group = typer.Typer(help="Judge measured evidence, and explain gates.", no_args_is_help=True)
    group.command(epilog="Example: mlopsctl gate check -e staging")(check)
    group.command(epilog="Example: mlopsctl gate explain not-worse")(explain)
    app.add_typer(group, name="gate")


def check(
    context: typer.Context,
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="An evaluation.json; by default that of the environment's last run.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Judge an evaluation by the gates as they are in mlops.yaml now. Runs nothing."""
    from mlopsctl.config.load import load_project, parse_overrides
    from mlopsctl.delivery.gates import check_gates
    from mlopsctl.delivery.outcome import EXIT_CODES
    from mlopsctl.evidence import Verdict
    from mlopsctl.render.console import console
    from mlopsctl.render.outcome import gate_text, gates_json

    loaded = load_project(shared(context).directory, environment, parse_overrides(parameter or []))
    findings = check_gates(loaded, evaluation)
    blessing = findings.blessing
    verdict = Verdict.ERROR if blessing is None else blessing.verdict
    if output is Output.JSON:
        typer.echo(json.dumps({"verdict": verdict.value, "gates": gates_json(findings)}, indent=2, ensure_ascii=False))
    elif blessing is not None:
        for gate in blessing.gates:
            console().print(gate_text(gate))
        if not blessing.gates:
            typer.echo("The project has no gate, so nothing is proved.")
    end(EXIT_CODES[verdict])


def explain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The gate's name.")],
    environment: EnvironmentOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say in words what a gate asks for, where it stands, and how it judged the last evaluation."""
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.gates import explain_gate

    explained = explain_gate(load_project(shared(context).directory, environment), name)
    if output is Output.JSON:
        typer.echo(json.dumps(explained.as_json(), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(explained.lines()))
