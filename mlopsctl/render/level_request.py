"""The pull request that brings a project to a level, as its readers see it: what it writes, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.forges.contract import MOST_TEXT
from mlopsctl.ground.cut import fitted
from mlopsctl.ground.redact import redact
from mlopsctl.levels import Standing
from mlopsctl.render.publish.checks import MORE
from mlopsctl.render.report.spans import code, prose, table

_ROOM = MOST_TEXT - 1000


def upgrade_markdown(standing: Standing, level: int, done: Sequence[str]) -> str:
    """The body.

    Args:
        standing: what is proved before any of it.
        done: each change and why, in a sentence.
    """
    left = [one for one in standing.criteria if one.criterion.level <= level and not one.answer.met]
    rows = [
        (code(one.criterion.id), code(one.answer.missing or "nothing was found", 600), prose((one.fix,)))
        for one in left
    ]
    blocks = [
        f"{code(standing.project)} in {code(standing.environment)} proves level {standing.reached}. This writes what "
        f"can be written for level {level}:",
        "\n".join(f"* {code(line, 600)}" for line in done),
        f"Missing for level {level} before this. Runs and releases come after the merge:",
        table(("criterion", "missing", "to meet it"), rows) if rows else "Nothing was missing.",
    ]
    return redact(fitted(blocks, _ROOM, MORE)) + "\n"
