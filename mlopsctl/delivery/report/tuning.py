"""Tuning: the trials of a search, read from what ``tune`` left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite

from mlopsctl.delivery.report.value import Trial, Tuning
from mlopsctl.ground.digest import Json

# As in ``components.tune``, whose import takes much of the time that a report does.
HYPERPARAMETERS_FILE = "hyperparameters.json"
MOST_TRIALS = 100


def tuning(step: str, content: bytes) -> Tuning:
    """The trials of a search in their order; of very many the best one and the first.

    Raises:
        ValueError: when the file is not what ``tune`` writes.
    """
    match json.loads(content):
        case {"best": {"trial": int(best)}, "trials": [*listed], "metric": str(metric), "method": str(method)}:
            trials = [_trial(one, best) for one in listed]
        case _:
            raise ValueError("this is not a search")
    if len(trials) > MOST_TRIALS:
        trials.sort(key=lambda one: not one.best)
    kept = sorted(trials[:MOST_TRIALS], key=lambda one: one.number)
    return Tuning(step.removeprefix("tune-"), metric, method, tuple(kept), len(trials) - len(kept))


def _trial(one: Json, best: int) -> Trial:
    match one:
        case {"trial": int(number), "params": Mapping() as params, "state": str(state), **rest}:
            score, reason = rest.get("score"), rest.get("reason", "")
            return Trial(
                number=number,
                parameters={str(name): _text(value) for name, value in params.items()},
                value=float(score) if isinstance(score, int | float) and isfinite(score) else None,
                state=f"{state}: {reason}" if reason else state,
                best=number == best,
            )
    raise ValueError("this is not a trial")


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
