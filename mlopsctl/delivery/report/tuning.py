"""Tuning: the trials of a search, read from what ``tune`` left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite

from mlopsctl.delivery.report.value import Trial, Tuning
from mlopsctl.ground.digest import Json

HYPERPARAMETERS_FILE = "hyperparameters.json"
MOST_TRIALS = 100


def tuning(step: str, content: bytes) -> Tuning:
    """The trials of a search, the best first where they were not all kept.

    Raises:
        ValueError: when the file is not what ``tune`` writes.
    """
    document = json.loads(content)
    if not isinstance(document, dict) or not isinstance(document.get("trials"), list):
        raise ValueError("there is no list of trials")
    best = document.get("best")
    trials = [_trial(at, one, best) for at, one in enumerate(document["trials"])]
    if trials and not any(one.best for one in trials):
        trials = [_marked(one, best) for one in trials]
    return Tuning(
        target=_text(document.get("target")) or step.removeprefix("tune-"),
        metric=_text(document.get("metric")),
        method=_text(document.get("method")),
        trials=tuple(_kept(trials)),
        hidden=max(0, len(trials) - MOST_TRIALS),
    )


def _trial(at: int, one: Json, best: Json) -> Trial:
    if not isinstance(one, Mapping):
        raise ValueError("a trial is not a mapping")
    number, value, parameters = one.get("number", at), one.get("value"), one.get("parameters", one.get("params"))
    state = one.get("state")
    return Trial(
        number=number if isinstance(number, int) else at,
        parameters={str(key): _text(inner) for key, inner in parameters.items()}
        if isinstance(parameters, Mapping)
        else {},
        value=float(value) if isinstance(value, int | float) and isfinite(value) else None,
        state=_text(state) or ("complete" if value is not None else "failed"),
        best=isinstance(best, Mapping) and best.get("number") == number and "number" in best,
    )


def _marked(one: Trial, best: Json) -> Trial:
    """The trial, marked where it has the parameters of the best; a search names it so when it has no numbers."""
    parameters = best.get("parameters", best.get("params", best)) if isinstance(best, Mapping) else None
    if not isinstance(parameters, Mapping):
        return one
    same = {str(key): _text(value) for key, value in parameters.items()} == dict(one.parameters)
    return Trial(one.number, one.parameters, one.value, one.state, same and one.value is not None)


def _kept(trials: Sequence[Trial]) -> list[Trial]:
    """All of them, or the first ones with the best among them."""
    if len(trials) <= MOST_TRIALS:
        return list(trials)
    best = [one for one in trials if one.best]
    return [*best, *(one for one in trials if not one.best)][:MOST_TRIALS]


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
