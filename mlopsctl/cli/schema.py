"""``schema``: the JSON Schema of mlops.yaml; ``infer`` and ``diff`` below it: the reviewed contract of the data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared
from mlopsctl.ground.errors import ExitCode, Problem, UsageProblem

DatasetArgument = Annotated[
    str | None, typer.Argument(metavar="[DATASET]", help="Which dataset; by default the one that models learn from.")
]


def register(app: typer.Typer) -> None:
    """Add the command group to the app; without a subcommand it prints the JSON Schema."""
    group = typer.Typer(invoke_without_command=True, epilog="Example: mlopsctl schema --output-file mlops.schema.json")
    group.callback()(schema)
    group.command(epilog="Example: mlopsctl schema infer --out data.schema.yaml")(infer)
    group.command(epilog="Example: mlopsctl schema diff -o json")(diff)
    app.add_typer(group, name="schema")


def schema(
    context: typer.Context,
    output_file: Annotated[
        Path | None, typer.Option("--output-file", help="Write to this file instead of the terminal.")
    ] = None,
) -> None:
    """Print the JSON Schema of mlops.yaml, or draft and compare the contract of the data."""
    if context.invoked_subcommand is not None:
        if output_file is not None:
            hint = "write --out FILE after `infer`"
            raise UsageProblem.because("usage", "--output-file is for the JSON Schema of mlops.yaml", hint=hint)
        return
    from mlopsctl.config.schema import schema_text

    if output_file is None:
        sys.stdout.write(schema_text())
    else:
        _write(output_file, schema_text())


def infer(
    context: typer.Context,
    dataset: DatasetArgument = None,
    environment: EnvironmentOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file, which must not exist, instead of the terminal.")
    ] = None,
) -> None:
    """Draft the contract of a dataset from its train split: types, presence, domains and ranges, for review."""
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.contract import draft_contract
    from mlopsctl.render.contract import contract_yaml

    if out is not None and out.exists():
        hint = "`mlopsctl schema diff` compares it with the data; to draft anew, name another file"
        raise UsageProblem.because("file-exists", f"{out} exists, and a reviewed file is never overwritten", hint=hint)
    drafted = draft_contract(load_project(shared(context).directory, environment, contracts=False), dataset)
    text = contract_yaml(drafted)
    if out is None:
        sys.stdout.write(text)
        return
    _write(out, text)
    typer.echo(
        f"Drafted {out}: {len(drafted.draft.contract.columns)} columns from {drafted.draft.train_rows:,} train rows"
        f"{_outside(len(drafted.anomalies))}. Review it, then name it as `schema:` of {drafted.draft.dataset}."
    )


def diff(
    context: typer.Context,
    dataset: DatasetArgument = None,
    environment: EnvironmentOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compare the reviewed contract of a dataset with its rows; exit code 5 where they differ."""
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.contract import compare_contract
    from mlopsctl.render.console import console
    from mlopsctl.render.contract import compared_json, compared_text

    compared = compare_contract(load_project(shared(context).directory, environment), dataset)
    if output is Output.JSON:
        typer.echo(compared_json(compared))
    else:
        console().print(compared_text(compared))
    end(ExitCode.DRIFT if compared.differences else ExitCode.DONE)


def _outside(anomalies: int) -> str:
    if not anomalies:
        return "; every other row fits"
    return f"; rows outside train differ in {anomalies} place{'' if anomalies == 1 else 's'}"


def _write(file: Path, text: str) -> None:
    from mlopsctl.ground.files import write_atomic

    try:
        write_atomic(file, text.encode("utf-8"))
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise Problem.because("unwritable-file", message, hint="name another file") from None
