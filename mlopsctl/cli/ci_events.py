"""``ci publish``, ``ci command``, ``ci answer``: what jobs call that a fork's run or a comment started."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import EnvironmentOption, ParameterOption, shared
from mlopsctl.ground.errors import ExitCode, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlopsctl.ground.digest import Json

_RESULTS = ("failure", "cancelled", "success")


def register(group: typer.Typer) -> None:
    """Add the commands to the group ``ci``."""
    group.command("publish", epilog="Example: mlopsctl ci publish -e trial")(publish)
    group.command("command", epilog="Example: mlopsctl ci command")(command)
    group.command("answer", epilog="Example: mlopsctl ci answer --plan plan.md")(answer)


def publish(
    context: typer.Context,
    environment: EnvironmentOption = None,
    parameter: ParameterOption = None,
    report: Annotated[
        Path | None,
        typer.Option(help="A report that is here: a JSON file, a ZIP archive or a folder; else the run's artifact."),
    ] = None,
) -> None:
    """Publish what the run of a fork's pull request reported, as unverified: none of it becomes a success.

    The report is read as data; the commit and the pull request are those of the event. The checkout is of the branch
    that is asked to take the commit, and its gates judge the reported numbers.
    """
    from mlopsctl.config.load import load_project, parse_overrides
    from mlopsctl.delivery.ci.event import finished_run
    from mlopsctl.delivery.ci.fork_report import fork_publication
    from mlopsctl.delivery.publish.send import send
    from mlopsctl.forges.opening import require_forge
    from mlopsctl.render.publish.checks import aggregate, checks, overall
    from mlopsctl.render.publish.comment import comment

    loaded = load_project(shared(context).directory, environment, parse_overrides(parameter or []))
    run = finished_run()
    forge = require_forge()
    try:
        found = fork_publication(loaded, run, forge, report)
        made = checks(found, run.page)[:-1]
        sent = send(forge, found, made, lambda lost: aggregate(found, run.page, lost), comment(found, run.page))
    finally:
        forge.close()
    if not found.subject.pull_request:
        sent.notes.append("no open pull request has this commit at its head, so there is no comment")
    for note in sent.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{found.subject.name}: {found.conclusion.value}; {overall(found, found.conclusion)}")
    for name, why in sent.lost.items():
        typer.echo(f"error: {name} was not published: {why}", err=True)
    end(ExitCode.FAILED if sent.lost or not sent.how else ExitCode.DONE)


def command(context: typer.Context) -> None:
    """Read the command in the comment that started this job, and tell the jobs after this one what to do.

    Whoever may not write to the repository gets a sign beside the comment; others an answer where nothing is done.
    """
    from mlopsctl.delivery.ci.commands import allowed, decide, outputs
    from mlopsctl.delivery.ci.event import written_comment
    from mlopsctl.delivery.ci.scene import read_scene
    from mlopsctl.forges.opening import require_forge
    from mlopsctl.render.commands import refused_markdown

    known = allowed(read_scene(shared(context).directory))
    comment = written_comment()
    if comment is None:
        typer.echo("A program wrote the comment; nothing is done.")
        return
    forge = require_forge()
    try:
        decision = decide(comment, known, forge)
        if decision.reaction is not None:
            forge.react(comment.id, decision.reaction)
        if decision.refused:
            forge.sticky_comment(comment.number, _key(comment.id), refused_markdown(known, decision.refused))
    finally:
        forge.close()
    _put_out(outputs(decision))
    typer.echo(str(decision.command or decision.refused or "Nothing is done."))


def answer(
    context: typer.Context,
    plan: Annotated[Path | None, typer.Option(help="The plan as Markdown, where one was made.")] = None,
) -> None:
    """Say beside the comment what came of its command; ``NEEDS`` has the jobs, as GitHub writes ``toJSON(needs)``."""
    from mlopsctl.cli.publish import page
    from mlopsctl.delivery.ci.commands import Command
    from mlopsctl.delivery.ci.event import written_comment
    from mlopsctl.forges.contract import Reaction
    from mlopsctl.forges.opening import require_forge
    from mlopsctl.render.commands import answer_markdown

    del context
    told, result = _needs()
    comment = written_comment()
    if comment is None or not told.get("command"):
        return
    done = Command(*(str(told.get(name) or "") for name in ("command", "environment", "next")))
    text = plan.read_text("utf-8", "replace") if plan is not None and plan.is_file() else ""
    body = answer_markdown(done, result, os.environ.get("GITHUB_SHA", ""), page(), text)
    forge = require_forge()
    try:
        url = forge.sticky_comment(comment.number, _key(comment.id), body).url
        forge.react(comment.id, Reaction.DONE if result == "success" else Reaction.PUZZLED)
    finally:
        forge.close()
    typer.echo(f"{done}: {result or 'did not begin'}; {url}")


def _key(comment: int) -> str:
    return f"command/{comment}"


def _put_out(values: Mapping[str, str]) -> None:
    """The outputs of the step, in the form of GitHub Actions; each is one line."""
    file = os.environ.get("GITHUB_OUTPUT", "")
    if file:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write("".join(f"{name}={value}\n" for name, value in values.items()))


def _needs() -> tuple[Mapping[str, Json], str]:
    """What the job ``read`` told, and the worst result of the others that ran; empty where none did."""
    try:
        needs = json.loads(os.environ.get("NEEDS", ""))
        read = needs["read"]["outputs"]
        results = {str(job["result"]) for name, job in needs.items() if name != "read"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "this command is for the last job of the workflow that `mlopsctl ci init` writes"
        raise UsageProblem.because("no-jobs", "NEEDS names no jobs", hint=hint) from error
    return read, next((one for one in _RESULTS if one in results), "")
