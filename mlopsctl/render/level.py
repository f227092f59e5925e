"""The level of a project, as text and as JSON."""

from __future__ import annotations

import json

from mlopsctl.ground.text import printable
from mlopsctl.levels import Judged, Standing


def level_text(standing: Standing) -> str:
    """A line a criterion, with its evidence or what is missing, and the level."""
    lines: list[str] = []
    for level in (1, 2):
        lines.append(f"level {level}")
        for one in standing.criteria:
            if one.criterion.level == level:
                lines += _criterion(one)
    where = f"{standing.project} in {standing.environment}"
    lines.append(f"{where}: level {standing.reached} is reached, {standing.declared} is declared")
    return "\n".join(lines)


def level_json(standing: Standing) -> str:
    """The same for programs."""
    return json.dumps(
        {
            "project": standing.project,
            "environment": standing.environment,
            "level": standing.reached,
            "declared": standing.declared,
            "criteria": [
                {
                    "id": one.criterion.id,
                    "level": one.criterion.level,
                    "met": one.answer.met,
                    "asks": one.criterion.asks,
                    "probe": one.criterion.probe,
                    "evidence": one.answer.evidence,
                    "missing": one.answer.missing,
                    "fix": "" if one.answer.met else one.criterion.fix,
                }
                for one in standing.criteria
            ],
        },
        indent=2,
    )


def _criterion(one: Judged) -> list[str]:
    sign = "+" if one.answer.met else "-"
    said = one.answer.evidence if one.answer.met else one.answer.missing or "nothing was found"
    lines = [f"  {sign} {one.criterion.id}: {printable(said)}"]
    return lines if one.answer.met else [*lines, f"      help: {one.criterion.fix}"]
