"""The level of a project, as text and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from mlopsctl.ground.text import printable
from mlopsctl.levels import Judged, Standing

_TITLES = {1: "level 1, training runs by itself", 2: "level 2, the pipeline itself is tested and delivered"}
_DIGEST = re.compile(r"sha256:([0-9a-f]{12})[0-9a-f]{52}")
_LINE = re.compile(r":[0-9]+$")
_SHOWN = 4


def level_text(standing: Standing) -> str:
    """A line a criterion, with its evidence or what is missing, and the level."""
    width = max(len(one.criterion.id) for one in standing.criteria)
    return "\n".join([*_lines(standing, width), *_summary(standing)])


def level_json(standing: Standing) -> str:
    """The same for programs."""
    return json.dumps(
        {
            "project": standing.project,
            "environment": standing.environment,
            "level": standing.reached,
            "declared": standing.declared,
            "by_commit": standing.written,
            "criteria": [
                {
                    "id": one.criterion.id,
                    "level": one.criterion.level,
                    "met": one.answer.met,
                    "asks": one.criterion.asks,
                    "probe": one.criterion.probe,
                    "evidence": one.answer.evidence,
                    "found": list(one.answer.found),
                    "missing": "" if one.answer.met else _missing(one),
                    "fix": one.fix,
                }
                for one in standing.criteria
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _lines(standing: Standing, width: int) -> Iterator[str]:
    for level, title in _TITLES.items():
        asked = [one for one in standing.criteria if one.criterion.level == level]
        met = sum(one.answer.met for one in asked)
        yield f"{title}: {met} of {len(asked)}"
        for one in asked:
            yield from _criterion(one, width)


def _criterion(one: Judged, width: int) -> Iterator[str]:
    name = one.criterion.id.ljust(width)
    if one.answer.met:
        yield f"  + {name}  {_shown(one.answer.evidence)}{_places(one)}"
        return
    yield f"  - {name}  {_shown(_missing(one))}"
    yield f"    {' ' * width}  help: {one.fix}"


def _places(one: Judged) -> str:
    found = [_shown(place) for place in _joined(one.answer.found)]
    more = [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return f" [{', '.join((*found[:_SHOWN], *more))}]" if found else ""


def _joined(places: Sequence[str]) -> Iterator[str]:
    """The places, the lines of one file together."""
    for name, same in groupby(places, lambda place: place.rpartition(":")[0] if _LINE.search(place) else place):
        lines = [place.rpartition(":")[2] for place in same]
        yield f"{name}:{','.join(lines)}" if _LINE.search(f"{name}:{lines[0]}") and name not in places else name


def _summary(standing: Standing) -> Iterator[str]:
    """The level; and, where it is short of what is declared, what it lacks."""
    where = f"{standing.project} in {standing.environment}"
    reached = "is what the commit says" if standing.written else "is reached"
    yield f"{where}: level {standing.reached} {reached}, {standing.declared} is declared"
    lacks = standing.missing(standing.declared)
    if lacks:
        yield f"level {standing.declared} lacks: {', '.join(one.criterion.id for one in lacks)}"


def _missing(one: Judged) -> str:
    return one.answer.missing or "nothing was found"


def _shown(text: str) -> str:
    """A text on one line, digests cut."""
    return _DIGEST.sub(r"sha256:\1", printable(text))
