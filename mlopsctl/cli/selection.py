"""The options that choose steps, and how they are refused where a whole is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.ground.errors import UsageProblem

if TYPE_CHECKING:
    from mlopsctl.delivery.select_steps import Selection

StepOption = Annotated[
    str, typer.Option("--step", metavar="STEP", help="Only this step; what it reads comes from earlier runs.")
]
FromOption = Annotated[str, typer.Option("--from", metavar="STEP", help="This step and all that read what it leaves.")]
UntilOption = Annotated[str, typer.Option("--until", metavar="STEP", help="This step and all that it needs.")]
KeepGoingOption = Annotated[
    bool,
    typer.Option(
        "--keep-going/--fail-fast", help="After a failed step, go on with what does not need it, or start nothing more."
    ),
]
HiddenStep = Annotated[str, typer.Option("--step", hidden=True)]
HiddenFrom = Annotated[str, typer.Option("--from", hidden=True)]
HiddenUntil = Annotated[str, typer.Option("--until", hidden=True)]


def selection(only: str, first: str, until: str) -> Selection:
    """What was chosen, as a value."""
    from mlopsctl.delivery.select_steps import Selection

    return Selection(only, first, until)


def refuse_selection(*chosen: str) -> None:
    """A release is judged as a whole.

    Raises:
        UsageProblem: when a step was chosen.
    """
    if any(chosen):
        raise UsageProblem.because(
            "whole-apply",
            "apply does everything or nothing: a release stands on all of its steps",
            hint="`mlopsctl run` takes --step, --from and --until; then apply reuses what it made",
        )
