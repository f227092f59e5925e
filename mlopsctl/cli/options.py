"""Options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


@dataclass(frozen=True, slots=True)
class Shared:
    """The global options of one call."""

    directory: Path


class Output(StrEnum):
    """How a result is printed on stdout."""

    TEXT = "text"
    JSON = "json"


class PlanOutput(StrEnum):
    """How a plan is printed on stdout."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


EnvironmentOption = Annotated[
    str | None, typer.Option("--environment", "-e", help="Which environment; needed where the project has several.")
]
AnyEnvironmentOption = Annotated[
    str | None, typer.Option("--environment", "-e", help="Only this environment; all of them by default.")
]
ParameterOption = Annotated[
    list[str] | None, typer.Option("--parameter", "-p", help="NAME=VALUE: another value for a run-time parameter.")
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="text for people, json for programs.")]


def shared(context: typer.Context) -> Shared:
    """The global options of this call."""
    found = context.obj
    return found if isinstance(found, Shared) else Shared(Path())
