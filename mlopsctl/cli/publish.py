"""``publish``: what a commit proved, as checks beside it; or, with ``--deployment``, what became of an environment."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, ParameterOption, shared
from mlopsctl.ground.errors import ExitCode

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded
    from mlopsctl.delivery.publish.send import Sent
    from mlopsctl.delivery.publish.value import Publication


class To(StrEnum):
    """Where it is published; auto takes the first that is possible."""

    AUTO = "auto"
    CHECKS = "checks"
    SUMMARY = "summary"
    STDOUT = "stdout"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl publish -e staging --pull-request 7 --base origin/main")(publish)


def publish(
    context: typer.Context,
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    commit: Annotated[str, typer.Option(help="The commit that was judged; it must be the one checked out.")] = "",
    pull_request: Annotated[int, typer.Option(min=0, help="Also write the comment of this pull request.")] = 0,
    base: Annotated[str, typer.Option(help="Judge by the gates of this commit too, and refuse weaker ones.")] = "",
    tests: Annotated[Path | None, typer.Option(help="A JUnit XML file of the tests.")] = None,
    level: Annotated[Path | None, typer.Option(help="The JSON of `mlopsctl level -o json`.")] = None,
    plan: Annotated[bool, typer.Option(help="Make the plan, and publish it.")] = True,
    link: Annotated[str, typer.Option(help="Where more is told; in a workflow, the page of its run.")] = "",
    save: Annotated[Path | None, typer.Option(help="Also write it as a report for `ci publish`.")] = None,
    deployment: Annotated[bool, typer.Option("--deployment", help="Tell of the environment's deployment.")] = False,
    to: Annotated[To, typer.Option(help="Where to: checks need a token, a summary a workflow.")] = To.AUTO,
    output: OutputOption = Output.TEXT,
) -> None:
    """Publish one check for every gate and check of the commit's run, and one for all of them. Runs nothing.

    Ends with 0 when all of it succeeds, 3 when something fails, 4 when something is not proved, and 1 when something
    could not be published.
    """
    from mlopsctl.config.load import load_project, parse_overrides
    from mlopsctl.delivery.publish.read import Asked, read_publication
    from mlopsctl.delivery.publish.value import EXIT_CODES

    loaded = load_project(shared(context).directory, environment, parse_overrides(parameter or []))
    if deployment:
        _deploy(loaded)
        return
    found = read_publication(loaded, Asked(commit, pull_request, base, tests, level, plan))
    if save is not None:
        _keep(found, save)
    where = link or page()
    sent = _sent(found, where, to)
    if sent is None or (not sent.how and not sent.lost):
        _without_forge(found, where, to)
    for note in sent.notes if sent is not None else ():
        typer.echo(f"note: {note}", err=True)
    _tell(found, sent, output)
    if sent is not None and sent.lost:
        for name, why in sent.lost.items():
            typer.echo(f"error: {name} was not published: {why}", err=True)
        end(ExitCode.FAILED)
    end(EXIT_CODES[found.conclusion])


def _keep(found: Publication, file: Path) -> None:
    from mlopsctl.delivery.publish.handed import handed
    from mlopsctl.ground.files import write_atomic

    write_atomic(file, handed(found))


def _sent(found: Publication, page: str, to: To) -> Sent | None:
    """What reached the forge; ``None`` where none is asked for."""
    from mlopsctl.delivery.publish.send import send
    from mlopsctl.forges.opening import access, open_forge, require_forge
    from mlopsctl.render.publish.checks import aggregate, checks
    from mlopsctl.render.publish.comment import comment

    if to in (To.SUMMARY, To.STDOUT):
        return None
    given = access()
    if given is None and to is To.AUTO:
        typer.echo("note: no forge is named, or no credentials are given, so nothing is written there", err=True)
        return None
    forge = require_forge() if given is None else open_forge(given)
    try:
        made = checks(found, page)[:-1]
        return send(forge, found, made, lambda lost: aggregate(found, page, lost), comment(found, page))
    finally:
        forge.close()


def _without_forge(found: Publication, page: str, to: To) -> None:
    """The page of the workflow's run and its commands, where there is one; else stdout."""
    from mlopsctl.render.publish.comment import step_summary, workflow_commands

    text = step_summary(found, page)
    summary = os.environ.get("GITHUB_STEP_SUMMARY", "") if to is not To.STDOUT else ""
    if not summary:
        sys.stdout.write(text)
        return
    with Path(summary).open("a", encoding="utf-8") as stream:
        stream.write(text)
    sys.stdout.write(workflow_commands(found))


def _tell(found: Publication, sent: Sent | None, output: Output) -> None:
    from mlopsctl.render.publish.checks import overall
    from mlopsctl.render.report.words import plain

    if output is Output.JSON:
        items = [
            {"name": item.name, "kind": item.kind, "conclusion": item.conclusion.value, "title": plain(item.title)}
            for item in found.items
        ]
        told = {
            "commit": found.subject.commit,
            "conclusion": found.conclusion.value,
            "checks": items,
            "published": sent.how if sent is not None else "",
            "comment": sent.comment if sent is not None else "",
            "superseded": sent.superseded if sent is not None else "",
        }
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    typer.echo(f"{found.subject.name}: {found.conclusion.value}; {overall(found, found.conclusion)}")


def _deploy(loaded: Loaded) -> None:
    from mlopsctl.delivery.publish.deployed import read_deployment
    from mlopsctl.forges.opening import require_forge

    told = read_deployment(loaded, page())
    if told is None:
        typer.echo(f"There is no deployment of {loaded.project.name} in {loaded.environment} to tell of.")
        return
    forge = require_forge()
    try:
        forge.deploy(told)
    finally:
        forge.close()
    typer.echo(f"{told.environment}: {told.state.value}, {told.description}")


def page() -> str:
    """The page of the workflow's run; empty outside a workflow."""
    from mlopsctl.forges.opening import run_page

    return run_page()
