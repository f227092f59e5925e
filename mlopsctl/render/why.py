"""Why a step ran or did not, and why a model was not released: plain sentences on one screen, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlopsctl.delivery.answers.changes import short
from mlopsctl.delivery.answers.fate import Kind
from mlopsctl.delivery.answers.why import Forecast, Story, Why
from mlopsctl.delivery.answers.why_not import WhyNot
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable
from mlopsctl.render.outcome import release_json
from mlopsctl.render.times import moment

if TYPE_CHECKING:
    from rich.console import RenderableType

_NOW = {
    "reuse": "Now it would be reused",
    "skip": "Now it would be skipped",
    "run": "Now it would run",
    "wait": "Now it would run, unless what it reads comes out the same",
    "unknown": "Whether it would run now cannot be told",
}


def why_text(why: Why) -> RenderableType:
    """The last run first, then now."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    if why.run is None:
        parts.append(Text(f"{why.step} has not been run here yet."))
    else:
        which = "the last run" if why.newest else "its last run"
        parts.append(Text(f"In {which} ({why.run.id}, {moment(why.run.started)} UTC)", "bold"))
        for story in why.stories:
            parts += [Text(printable(line), style) for line, style in _story(story)]
        roots = [story.step for story in why.stories if story.root]
        if len(why.stories) > 1:
            parts.append(Text(f"Root cause: {', '.join(roots)}"))
    if why.now is not None:
        parts += [Text(), *(Text(printable(line), style) for line, style in _now(why.now, why.step))]
    return Group(*parts)


def why_json(why: Why) -> str:
    """The same as one JSON object."""
    document: Json = {
        "step": why.step,
        "run": why.run.id if why.run is not None else None,
        "newest_run": why.newest,
        "stories": [
            {
                "step": story.step,
                "state": story.state.value,
                "sentence": story.sentence,
                "changes": [change.as_json() for change in story.changes],
                "reads": dict(story.reads),
                "since": story.run or None,
                "root": story.root,
            }
            for story in why.stories
        ],
        "now": None
        if why.now is None
        else {"outcome": why.now.outcome, "reasons": {step: list(why.now.reasons[step]) for step in why.now.reasons}},
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def why_not_text(found: WhyNot) -> RenderableType:
    """The answer, what stopped it, what passed, what stands and what to do."""
    from rich.console import Group
    from rich.text import Text

    run = found.run.run
    parts: list[RenderableType] = [Text(printable(_answer(found)), "bold")]
    parts += [Text(printable(f"  ✗ {line}" if not line.startswith(" ") else f"    {line}")) for line in found.findings]
    parts += [Text(printable(f"  ✓ {line}"), "dim") for line in found.passed]
    standing = found.state.release
    if found.run.fate.kind is not Kind.RELEASED:
        stays = (
            f"{standing.registry_name} v{standing.registry_version} ({short(standing.model)}) stays the champion."
            if standing is not None
            else f"Nothing is released in {run.environment}."
        )
        parts.append(Text(printable(stays)))
    if found.state.hold and found.run.fate.kind is not Kind.HELD:
        parts.append(Text(printable(f"Besides, {run.environment} is held: {found.state.hold}.")))
    if found.skipped:
        parts.append(Text(f"(newer runs without a verdict: {found.skipped})", "dim"))
    parts += [Text(), Text("What to do", "bold")]
    parts += [Text(printable(f"  {line}")) for line in found.next]
    parts += [Text(f"note: {printable(note)}", "dim") for note in found.run.notes]
    return Group(*parts)


def why_not_json(found: WhyNot) -> str:
    """The same as one JSON object."""
    document: Json = {
        "run": found.run.run.id,
        "environment": found.run.run.environment,
        "fate": found.run.fate.kind.value,
        "reason": found.run.fate.reason,
        "challenger": {"model": found.model or None, "target": found.winner or None},
        "champion": release_json(found.state.release),
        "hold": found.state.hold,
        "findings": [line.strip() for line in found.findings],
        "passed": list(found.passed),
        "next": list(found.next),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _story(story: Story) -> Iterator[tuple[str, str]]:
    yield f"  {story.step} {story.sentence}", ""
    for change in story.changes:
        yield f"      {change.words}", "yellow"
    for name, maker in story.reads.items():
        yield f"      {name} comes from {maker}", "dim"


def _now(now: Forecast, step: str) -> Iterator[tuple[str, str]]:
    yield _NOW[now.outcome], "bold"
    for name, reasons in now.reasons.items():
        yield f"  {name}: {'; '.join(reasons)}", "" if name == step else "dim"


def _answer(found: WhyNot) -> str:
    run, fate = found.run.run, found.run.fate
    who = f"{found.winner} ({short(found.model)}) of run {run.id}" if found.model else f"Run {run.id}"
    if fate.kind is Kind.RELEASED:
        return f"{who} was {fate.reason}."
    if not found.model:
        return f"{who} made no challenger, and nothing was released in {run.environment}."
    return f"{who} was not released in {run.environment}."
