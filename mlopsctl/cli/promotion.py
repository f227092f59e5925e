"""``promote`` and ``approve``: how a model comes into an environment that follows a lock."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared
from mlopsctl.cli.release import YesOption, load
from mlopsctl.ground.errors import ExitCode

if TYPE_CHECKING:
    from mlopsctl.delivery.plan import Plan

PullRequestOption = Annotated[
    bool, typer.Option("--pr", help="Open a pull request in place of writing the files here.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: mlopsctl promote dev staging --pr")(promote)
    app.command(epilog="Example: mlopsctl approve -e prod")(approve)


def promote(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The environment whose released model moves up.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The environment that is to follow it.")],
    pr: PullRequestOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Write the lock that lets TO follow the model released in FROM, with the evidence for it, to be reviewed in git.

    Nothing is released by it: `apply -e TO` follows the lock, and judges the model again there.
    """
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.promotion.promote import promote as put_together
    from mlopsctl.delivery.promotion.proposal import NothingToPropose, open_request
    from mlopsctl.delivery.promotion.wording import promotion_proposal
    from mlopsctl.delivery.write import write_files
    from mlopsctl.forges.opening import run_page
    from mlopsctl.render.promotion import promoted_json, promoted_text

    directory = shared(context).directory
    there = load_project(directory, target)
    found = put_together(load_project(directory, source), there)
    url = ""
    written: tuple[str, ...] = ()
    if pr and found.files:
        with suppress(NothingToPropose):
            url = open_request(there.folder, promotion_proposal(found, run_page())).url
    elif found.files:
        written = tuple(str(path) for path in write_files(found.files))
    typer.echo(
        promoted_json(found, written, url) if output is Output.JSON else promoted_text(found, written, url), nl=False
    )


def approve(
    context: typer.Context,
    environment: EnvironmentOption = None,
    by: Annotated[str, typer.Option(help="Who approves; the user at work by default.")] = "",
    reviewed: Annotated[
        bool, typer.Option("--reviewed", help="In a job on GitHub: as the reviewers who let it begin, or not at all.")
    ] = False,
    release_hold: Annotated[bool, typer.Option("--release-hold", help="As `apply --release-hold` will do it.")] = False,
    yes: YesOption = False,
) -> None:
    """Approve what `apply` would do now: this plan, this commit, these gates, this lock; once.

    When one of them moves, the approval is stale and `apply` ends with 7 again.
    """
    from mlopsctl.delivery.promotion.approve import approve as say_yes
    from mlopsctl.delivery.promotion.approve import who_is_at_work
    from mlopsctl.delivery.promotion.reviewed import who_reviewed
    from mlopsctl.ground.errors import UsageProblem

    if by and reviewed:
        raise UsageProblem.because("two-approvers", "--by and --reviewed both say who approves", hint="leave one out")
    loaded = load(context, environment, None)

    def whom(already: str) -> str:
        return who_reviewed(loaded.environment, already) if reviewed else by or who_is_at_work()

    done = say_yes(loaded, whom, lambda plan, why: _agreed(plan, why, yes or reviewed), release_hold=release_hold)
    if done is None:
        typer.echo("Nothing was approved.")
        end(ExitCode.APPROVAL)
    if not done.reasons:
        typer.echo(f"Nothing in {loaded.environment} asks for an approval; apply goes ahead.")
        return
    typer.echo(f"Approved by {done.by}: {'; '.join(done.reasons)}")
    typer.echo(f"It counts once, for this plan: mlopsctl apply -e {loaded.environment}")


def _agreed(plan: Plan, why: tuple[str, ...], yes: bool) -> bool:
    from mlopsctl.render.console import console
    from mlopsctl.render.plan import plan_text

    if yes or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    console().print(plan_text(plan))
    for reason in why:
        typer.echo(f"asked because: {reason}")
    return typer.confirm("Approve this plan?")
