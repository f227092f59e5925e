"""What is answered to a command in a comment, as Markdown that no text of others leaves."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.delivery.ci.commands import Allowed, Command
from mlopsctl.forges.contract import MOST_TEXT
from mlopsctl.ground.cut import cut, fitted
from mlopsctl.ground.redact import redact
from mlopsctl.render.publish.checks import MORE
from mlopsctl.render.report.spans import block, code

_ROOM = MOST_TEXT - 200
_WORDS = {
    "success": "✓ {command}: done",
    "failure": "✗ {command}: failed; the page of the run says why",
    "cancelled": "! {command}: was stopped, or not let begin",
}


def refused_markdown(known: Allowed, why: str) -> str:
    """Why a command is not carried out, and which ones there are."""
    lines = [f"Not done: {why}.", "What there is:", block(known.usage[:50])]
    return redact(fitted(lines, _ROOM, MORE))


def answer_markdown(command: Command, result: str, commit: str, page: str, plan: str) -> str:
    """What came of a command; ``plan`` is Markdown that mlopsctl made, or empty."""
    return cut(redact(fitted(list(_blocks(command, result, commit, page, plan)), _ROOM, MORE)), _ROOM)


def _blocks(command: Command, result: str, commit: str, page: str, plan: str) -> Iterator[str]:
    told = _WORDS.get(result, "! {command}: did not begin").format(command=code(str(command)))
    where = f", with the merged code of {code(commit[:12])}" if commit else ""
    yield f"{told}{where}."
    if command.verb == "promote" and result == "success":
        yield "The promotion is a pull request of its own, where there was one to make."
    if plan:
        yield plan
    if page:
        yield f"[The run]({page})"
