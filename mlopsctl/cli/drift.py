"""``drift``: git against what was applied against what is live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared
from mlopsctl.delivery.drift.finding import Plane

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded
    from mlopsctl.delivery.drift.finding import Drift
    from mlopsctl.delivery.promotion.proposal import Proposal


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl drift -e prod --plane serving · mlopsctl drift -e prod --pr")(drift)


def drift(
    context: typer.Context,
    environment: EnvironmentOption = None,
    plane: Annotated[list[Plane] | None, typer.Option("--plane", help="Look at this plane only; repeatable.")] = None,
    most_rows: Annotated[
        int, typer.Option("--most-rows", min=1, help="Read at most so many rows of a dataset.")
    ] = 10_000_000,
    issue: Annotated[bool, typer.Option("--issue", help="Open an issue when something drifted.")] = False,
    pr: Annotated[
        bool,
        typer.Option(
            "--pr", help="Open a pull request: a lock that git can mend, a retraining that the data asks for."
        ),
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compare git with what was applied, and both with what is live. Changes none of them.

    Ends with 5 when anything drifted, with 1 when something could not be looked at. With --pr the look at the data is
    recorded: it counts for `times` and `of` of a drift trigger.
    """
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.drift.look import look_for_drift
    from mlopsctl.delivery.drift.tell import open_issue
    from mlopsctl.ground.redact import redact
    from mlopsctl.render.drift import drift_json, drift_markdown, drift_text

    loaded = load_project(shared(context).directory, environment)
    found = look_for_drift(loaded, plane or (), most_rows)
    typer.echo(drift_json(found) if output is Output.JSON else drift_text(found), nl=False)
    if issue and found.drifted:
        typer.echo(f"Issue: {open_issue(found, drift_markdown(found))}", err=True)
    if pr:
        for line in _requested(loaded, found):
            typer.echo(redact(line), err=True)
    end(found.exit_code)


def _requested(loaded: Loaded, found: Drift) -> Iterator[str]:
    """Open the pull requests that the drift asks for, one for the lock and one for a retraining; a line on each."""
    from mlopsctl.delivery.drift.mend import mend
    from mlopsctl.delivery.drift.retrain import NoRetrain, ask_to_retrain
    from mlopsctl.render.drift_request import mend_markdown, retrain_markdown
    from mlopsctl.render.report.words import plain

    if any(one.plane is not Plane.DATA for one in found.drifted):
        lock = mend(loaded, found)
        if lock.files:
            yield _opened(loaded, lock.proposal(mend_markdown(lock)))
        else:
            yield f"No pull request: {plain(lock.why)}"
    if any(one.plane is Plane.DATA for one in found.findings):
        retrain = ask_to_retrain(loaded, found)
        if not isinstance(retrain, NoRetrain):
            yield _opened(loaded, retrain.proposal(retrain_markdown(retrain)))
        elif found.drifted_on(Plane.DATA):
            yield f"No pull request to retrain: {retrain.reason}"


def _opened(loaded: Loaded, proposal: Proposal) -> str:
    from mlopsctl.delivery.promotion.proposal import NothingToPropose, open_request

    try:
        return f"Pull request: {open_request(loaded.folder, proposal).url} ({proposal.title})"
    except NothingToPropose as problem:
        return f"No pull request: {problem}"
