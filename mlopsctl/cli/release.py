"""``plan``, ``apply``, ``run``, ``rollback``, ``destroy``: what changes an environment."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.intervals import (
    NONE,
    EachOption,
    EveryOption,
    IntervalOption,
    StopOption,
    ThereOption,
    asked,
    run_each,
)
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, ParameterOption, PlanOutput, shared
from mlopsctl.cli.selection import (
    FromOption,
    HiddenFrom,
    HiddenStep,
    HiddenUntil,
    KeepGoingOption,
    StepOption,
    UntilOption,
    refuse_selection,
    selection,
)
from mlopsctl.ground.errors import ExitCode, Problem, UsageProblem

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded
    from mlopsctl.delivery.execute import Options
    from mlopsctl.delivery.plan import Plan, Seal
    from mlopsctl.metadata.records import Release

JobsOption = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="How many steps run at once.")]
InProcessOption = Annotated[bool, typer.Option("--in-process", help="Run steps in this process, for a debugger.")]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Run every step, also those whose result is known.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before changing anything.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: mlopsctl plan -e prod --out prod.plan && mlopsctl apply -e prod prod.plan")(plan)
    app.command(epilog="Example: mlopsctl apply -e dev -p seed=7")(apply)
    app.command(epilog="Example: mlopsctl run --no-cache · mlopsctl run --step transform --no-cache")(run)
    app.command(epilog="Example: mlopsctl rollback -e prod --reason 'complaints since noon'")(rollback)
    app.command(epilog="Example: mlopsctl destroy -e dev")(destroy)


def plan(
    context: typer.Context,
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    output: Annotated[PlanOutput, typer.Option("--output", "-o", help="How the plan is printed.")] = PlanOutput.TEXT,
    out: Annotated[Path | None, typer.Option("--out", help="Save the plan, to be applied as it is.")] = None,
    detailed_exitcode: Annotated[bool, typer.Option(help="End with 2 when changes are pending.")] = False,
    refresh: Annotated[bool, typer.Option(help="Ask the registry and the server what they hold.")] = True,
) -> None:
    """Say what apply would do, and why. Changes nothing and runs no code of the project."""
    from mlopsctl.delivery.prepare import plan as make
    from mlopsctl.ground.files import write_atomic
    from mlopsctl.render.console import console
    from mlopsctl.render.plan import plan_json, plan_markdown, plan_text

    if out is not None and not refresh:
        raise UsageProblem.because(
            "unsealed-plan",
            "a plan that did not ask the registry and the server cannot be applied",
            hint="leave out --no-refresh, or --out",
        )
    made = make(load(context, environment, parameter), refresh=refresh)
    if out is not None:
        write_atomic(out, plan_json(made).encode())
    if output is PlanOutput.TEXT:
        console().print(plan_text(made))
    else:
        typer.echo(plan_json(made) if output is PlanOutput.JSON else plan_markdown(made))
    end(ExitCode.CHANGES if detailed_exitcode and made.changes else ExitCode.DONE)


def apply(
    context: typer.Context,
    saved: Annotated[Path | None, typer.Argument(help="A plan saved with `plan --out`; refused when stale.")] = None,
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    yes: YesOption = False,
    jobs: JobsOption = None,
    in_process: InProcessOption = False,
    no_cache: NoCacheOption = False,
    keep_going: KeepGoingOption = True,
    step: HiddenStep = "",
    from_: HiddenFrom = "",
    until: HiddenUntil = "",
    release_hold: Annotated[bool, typer.Option("--release-hold", help="Lift the hold that a rollback left.")] = False,
    override: Annotated[
        list[str] | None,
        typer.Option(help="Break this gate for the model that it refused last, where `promotion` allows it."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why the gate is broken; kept and shown until a clean release.")] = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Make it so: run what changed, judge the model, release and serve it when every gate passes.

    On a terminal it asks first; elsewhere it goes ahead.
    """
    refuse_selection(step, from_, until)
    loaded = load(context, environment, parameter)
    how = replace(
        options(jobs, in_process, no_cache, saved, release_hold, keep_going),
        broken=tuple(override or ()),
        reason=reason,
    )
    carry_out(loaded, how, ask=not yes and saved is None, output=output)


def run(
    context: typer.Context,
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    jobs: JobsOption = None,
    in_process: InProcessOption = False,
    no_cache: NoCacheOption = False,
    keep_going: KeepGoingOption = True,
    step: StepOption = "",
    from_: FromOption = "",
    until: UntilOption = "",
    interval: IntervalOption = NONE,
    every: EveryOption = "",
    each: EachOption = False,
    stop: StopOption = True,
    there: ThereOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Run the pipeline, or some of its steps, up to its verdict. Nothing is registered, released or served.

    With --interval it runs on the rows of an interval of time, or on those of each of its parts, oldest first.
    """
    from mlopsctl.delivery.apply import run as run_it
    from mlopsctl.orchestrators.local.progress import make_progress
    from mlopsctl.render.outcome import outcome_json, outcome_text

    loaded = load(context, environment, parameter)
    how = replace(options(jobs, in_process, no_cache, None, False, keep_going), selection=selection(step, from_, until))
    intervals = asked(loaded, interval, every, each)
    if intervals:
        run_each(loaded, intervals, how, stop=stop, there=there, output=output)
    if there:
        raise UsageProblem.because("no-interval", "--there is of --interval", hint="`mlopsctl apply` runs there")
    with make_progress(quiet=output is Output.JSON, live=not in_process) as progress:
        outcome = run_it(loaded, how, progress)
    _show(outcome_json(outcome) if output is Output.JSON else outcome_text(outcome))
    end(outcome.exit_code)


def rollback(
    context: typer.Context,
    environment: EnvironmentOption = None,
    to: Annotated[int | None, typer.Option(help="The release to go back to; the one before by default.")] = None,
    reason: Annotated[str, typer.Option(help="Why; shown until the hold is lifted.")] = "rolled back by hand",
    pr: Annotated[bool, typer.Option("--pr", help="Open a pull request that makes the lock say so.")] = False,
) -> None:
    """Serve an earlier release again, and hold it there until `apply --release-hold`.

    Where the environment follows a lock, the lock says `hold:` from now on, and the hold ends too once the lock names
    another model. With --to and the release that it was rolled back to, nothing moves again.
    """
    from mlopsctl.delivery.environment import rollback as go_back

    loaded = load(context, environment, None)
    standing = go_back(loaded, to, reason)
    release = standing.state.release
    if release is not None:
        typer.echo(f"Rolled back to {release.registry_name} v{release.registry_version}; held: {standing.state.hold}")
    if standing.url:
        typer.echo(f"Served at {standing.url}")
    if release is not None and loaded.project.follows_lock:
        _propose_revert(loaded, release, standing.state.hold or reason, pr)


def _propose_revert(loaded: Loaded, release: Release, reason: str, pr: bool) -> None:
    from mlopsctl.delivery.promotion.proposal import NothingToPropose, open_request
    from mlopsctl.delivery.promotion.revert import revert
    from mlopsctl.delivery.promotion.wording import revert_proposal
    from mlopsctl.forges.opening import run_page
    from mlopsctl.lowering.release_lock import lock_file

    file = lock_file(loaded.folder, loaded.environment).relative_to(loaded.folder)
    typer.echo(f"{file} says so (hold:); review and commit it")
    found = revert(loaded, release.model) if pr else None
    if found is None:
        return
    try:
        opened = open_request(loaded.folder, revert_proposal(loaded, found, release, reason, run_page()))
    except NothingToPropose as same:
        typer.echo(f"No pull request: {same}")
        return
    except Problem:
        again = f"mlopsctl rollback -e {loaded.environment} --to {release.number} --pr"
        typer.echo(f"The rollback stands; only its pull request is missing. Once that is possible: {again}", err=True)
        raise
    typer.echo(f"Pull request: {opened.url}")


def destroy(context: typer.Context, environment: EnvironmentOption = None, yes: YesOption = False) -> None:
    """Stop serving and forget the release. Registered models, runs and artifacts stay."""
    from mlopsctl.delivery.environment import destroy as take_down

    loaded = load(context, environment, None)
    question = f"Stop serving {loaded.project.name} in {loaded.environment} and forget its release?"
    if not yes and sys.stdin.isatty() and not typer.confirm(question):
        end(ExitCode.APPROVAL)
    take_down(loaded)
    typer.echo(f"{loaded.project.name} is no longer released in {loaded.environment}; its models and history stay.")


def load(context: typer.Context, environment: str | None, parameters: list[str] | None) -> Loaded:
    """The project that the command line names."""
    from mlopsctl.config.load import load_project, parse_overrides

    return load_project(shared(context).directory, environment, parse_overrides(parameters or []))


def carry_out(loaded: Loaded, how: Options, *, ask: bool, output: Output) -> NoReturn:
    """Apply, print what came of it, and end with its exit code; ``ask`` first, where somebody can answer."""
    from mlopsctl.delivery.apply import apply as make_it_so
    from mlopsctl.orchestrators.local.progress import make_progress
    from mlopsctl.render.outcome import outcome_json, outcome_text

    asks = ask and sys.stdin.isatty() and sys.stdout.isatty()
    with make_progress(quiet=output is Output.JSON, live=not how.settings.in_process) as progress:
        outcome = make_it_so(loaded, how, progress, lambda made: _agreed(made, asks, output))
    if outcome is None:
        typer.echo("Nothing was done.")
        end(ExitCode.APPROVAL)
    _show(outcome_json(outcome) if output is Output.JSON else outcome_text(outcome))
    end(outcome.exit_code)


def options(
    jobs: int | None,
    in_process: bool,
    no_cache: bool,
    saved: Path | None,
    release_hold: bool,
    keep_going: bool = True,
) -> Options:
    """How to apply, from the command line."""
    import os

    from mlopsctl.delivery.execute import Options
    from mlopsctl.orchestrators.local.run import Settings

    return Options(
        settings=Settings(jobs=jobs or os.cpu_count() or 1, in_process=in_process, keep_going=keep_going),
        sealed=None if saved is None else _seal(saved),
        release_hold=release_hold,
        reuse=not no_cache,
    )


def _seal(saved: Path) -> Seal:
    from mlopsctl.delivery.saved import read_seal

    return read_seal(saved)


def _agreed(made: Plan, ask: bool, output: Output) -> bool:
    """Show the plan, and ask where somebody can answer."""
    from mlopsctl.render.console import console
    from mlopsctl.render.plan import plan_text

    if output is Output.TEXT:
        console().print(plan_text(made))
    return not ask or not made.changes or typer.confirm("Apply this plan?")


def _show(result: object) -> None:
    """Print a result: text as it is, anything else through the console."""
    from mlopsctl.render.console import console

    if isinstance(result, str):
        typer.echo(result)
    else:
        console().print(result)
