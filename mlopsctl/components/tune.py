"""``tune``: search for better parameters of one target, scored on the validation split.

``hyperparameters.json`` holds ``best`` (the number of the trial, its params and its score) and ``trials``, each with
its params, its state (``complete``, ``failed``, ``pruned``), its score and, where there is none, the reason. Times
stand in the step's notes: the artifact is the same on each run.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import JsonValue

from mlopsctl.components.learning import LearningParameters, Lesson, lesson
from mlopsctl.components.scoring import Given, answers, classes_in, measured, united
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Work
from mlopsctl.frameworks.fitting import Fittable, Fitted, fit
from mlopsctl.frameworks.growing import stages, why_whole
from mlopsctl.frameworks.pack import described
from mlopsctl.frameworks.packed import PackedModel
from mlopsctl.frameworks.search import Params, search
from mlopsctl.frameworks.tune import Tune
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.ground.forks import Died, side_by_side
from mlopsctl.ground.numbers import shown
from mlopsctl.metrics.catalogue import METRICS
from mlopsctl.pipeline.ir import ArtifactType

HYPERPARAMETERS_FILE = "hyperparameters.json"
SPLIT = "validation"
# As many trials must have come as far before one is given up for being worse than half of them.
_PRECEDENTS = 3


class TuneParameters(LearningParameters):
    """What is searched, and the metric that trials are compared by."""

    tune: Tune
    metric: str


SPEC = ComponentSpec(
    name="tune",
    version=1,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "transform_graph": InputSpec(ArtifactType.TRANSFORM_GRAPH),
        "anomalies": InputSpec(ArtifactType.ANOMALIES, guard=True),
    },
    outputs={"hyperparameters": ArtifactType.HYPERPARAMETERS},
    parameters=TuneParameters,
    packages=("numpy", "pandas", "pyarrow", "scikit-learn", "scipy"),
    preload=("numpy", "pandas", "pyarrow.parquet", "sklearn.base", "sklearn.utils.validation", "sklearn.metrics"),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: its parameters, how it ended, its scores part of the way, and the seconds it took."""

    params: Params
    state: Literal["complete", "failed", "pruned"]
    score: float | None = None
    reason: str = ""
    partial: tuple[float, ...] = ()
    seconds: float = 0.0


def run(work: Work, parameters: TuneParameters) -> Notes:
    """Ask for combinations, try them side by side, keep the first of the best."""
    with tempfile.TemporaryDirectory(prefix="mlopsctl-tune-") as scratch:
        learned = lesson(work, parameters, Path(scratch))
        if learned.validation.empty:
            hint = "give it a share in split, or take `tune` out"
            raise StepProblem.because("empty-split", "tuning needs a validation split, and it has no rows", hint=hint)
        trials = _searched(parameters, learned)
    best = _best(trials, parameters.metric)
    note = why_whole(parameters.fittable, learned.job) if parameters.tune.early_stopping else ""
    content = json.dumps(_found(parameters, trials, best, len(learned.validation), note), indent=1, ensure_ascii=False)
    write_atomic(work.outputs["hyperparameters"] / HYPERPARAMETERS_FILE, content.encode() + b"\n")
    return _notes(parameters, trials, best, note)


def best_params(folder: Path) -> dict[str, JsonValue]:
    """The best parameters of a HyperParameters artifact."""
    found: dict[str, JsonValue] = json.loads((folder / HYPERPARAMETERS_FILE).read_bytes())["best"]["params"]
    return found


def _searched(parameters: TuneParameters, learned: Lesson) -> list[Trial]:
    """Every trial in the order in which it was asked for.

    What is asked next, and who is given up, depends on rounds that have ended, never on who was faster: the result is
    the same on every machine. Only a search that learns nothing on the way has one round.
    """
    tune, direction = parameters.tune, METRICS[parameters.metric].direction
    source = search(tune, parameters.target.params, direction, learned.job.seed)
    learns = tune.method == "tpe" or tune.early_stopping
    trials: list[Trial] = []
    left = tune.trials if tune.trials is not None else math.inf
    while left and (asked := source.ask(int(min(tune.parallel if learns else left, left, _ROUND)))):
        past = [trial.partial for trial in trials]
        calls = [partial(_tried, parameters, learned, params, past) for params in asked]
        ended = [
            Trial(params, "failed", reason=answer.how) if isinstance(answer, Died) else answer
            for params, answer in zip(asked, side_by_side(calls, tune.parallel), strict=True)
        ]
        source.tell([trial.score if trial.state == "complete" else None for trial in ended])
        trials += ended
        left -= len(asked)
    return trials


_ROUND = 10_000


def _tried(parameters: TuneParameters, learned: Lesson, params: Params, past: Sequence[Sequence[float]]) -> Trial:
    """One trial, in a process of its own."""
    begun = time.perf_counter()
    fittable = parameters.fittable
    target = fittable.model_copy(update={"params": {**fittable.params, **params}})
    partial: list[float] = []
    try:
        for score in _scores(target, parameters, learned):
            partial.append(score)
            if _behind(partial, past, parameters.metric):
                reason = f"given up at stage {len(partial)}: {parameters.metric} {shown(score)}"
                return Trial(params, "pruned", None, reason, tuple(partial), time.perf_counter() - begun)
    except StepProblem as problem:
        return Trial(params, "failed", None, str(problem), (), time.perf_counter() - begun)
    return Trial(params, "complete", partial[-1], "", tuple(partial[:-1]), time.perf_counter() - begun)


def _scores(target: Fittable, parameters: TuneParameters, learned: Lesson) -> Iterator[float]:
    """The metric of the model as it grows; of the whole model alone, where no trial is given up.

    Raises:
        StepProblem: when it cannot be fitted, or has no score.
    """
    grown = stages(target, learned.job) if parameters.tune.early_stopping else iter([fit(target, learned.job)])
    for fitted in grown:
        yield _score(fitted, parameters.metric, learned)


def _score(fitted: Fitted, metric: str, learned: Lesson) -> float:
    """The metric on every row of the validation split, as ``select`` measures it later."""
    model = PackedModel.made(described(fitted, learned.about), fitted.estimator, fitted.modules)
    features = learned.transform.features(learned.validation, learned.train)
    try:
        prediction, probability = model.answer_features(features)
    except Exception as error:  # a model is code, and can fail with anything
        message = f"the model does not answer: {type(error).__name__}: {error}"
        raise StepProblem.because("unusable-model", message) from error
    truth = learned.validation[learned.job.label]
    given = Given(prediction, probability, tuple(model.classes))
    classes = united(given.classes, classes_in(truth)) if learned.labels else ()
    measurement = measured(metric, answers(given, truth, classes, SPLIT))
    if measurement.value is None:
        raise StepProblem.because("no-score", f"no {metric}: {measurement.problem}")
    return measurement.value


def _behind(partial: Sequence[float], past: Sequence[Sequence[float]], metric: str) -> bool:
    """Whether a trial is worse than the median of those that came as far before it."""
    stage = len(partial) - 1
    reached = [scores[stage] for scores in past if len(scores) > stage]
    return len(reached) >= _PRECEDENTS and METRICS[metric].better(median(reached), partial[-1])


def _best(trials: Sequence[Trial], metric: str) -> int:
    """The place of the best trial; the first among equals.

    Raises:
        StepProblem: when none has a score, with the first reason.
    """
    best: int | None = None
    for place, trial in enumerate(trials):
        if trial.score is None:
            continue
        found = None if best is None else trials[best].score
        if found is None or METRICS[metric].better(trial.score, found):
            best = place
    if best is None:
        count = "the only trial" if len(trials) == 1 else f"all {len(trials)} trials"
        first = trials[0]
        message = f"{count} failed; the first, with {_told(first.params) or 'no parameter'}: {first.reason}"
        raise StepProblem.because("no-trial", message, hint="correct `params` or `space`; the step's log has it all")
    return best


def _found(parameters: TuneParameters, trials: Sequence[Trial], best: int, rows: int, note: str) -> Json:
    return {
        "method": parameters.tune.method,
        "metric": parameters.metric,
        "direction": METRICS[parameters.metric].direction,
        "split": SPLIT,
        "rows": rows,
        "best": {"trial": best + 1, "params": trials[best].params, "score": trials[best].score},
        "trials": [_listed(place, trial) for place, trial in enumerate(trials, start=1)],
        **({"note": note} if note else {}),
    }


def _listed(place: int, trial: Trial) -> Mapping[str, Json]:
    told: dict[str, Json] = {"trial": place, "params": trial.params, "state": trial.state, "score": trial.score}
    return told | ({"reason": trial.reason} if trial.reason else {})


def _notes(parameters: TuneParameters, trials: Sequence[Trial], best: int, note: str) -> Notes:
    winner = trials[best]
    others = {trial.score for trial in trials if trial.score is not None} - {winner.score}
    score = shown(winner.score if winner.score is not None else math.nan, *others)
    counts = {state: sum(trial.state == state for trial in trials) for state in ("failed", "pruned")}
    tried = f"best of {len(trials)} trials" if len(trials) > 1 else "the only trial"
    tried += f", {counts['failed']} failed" if counts["failed"] else ""
    tried += f", {counts['pruned']} given up" if counts["pruned"] else ""
    with_params = f" with {told}" if (told := _told(winner.params)) else ""
    line = f"{parameters.metric} {score}{with_params} ({tried})"
    return Notes(
        values={
            "metric": parameters.metric,
            "score": winner.score,
            "params": winner.params,
            "trials": len(trials),
            **counts,
            "seconds": [round(trial.seconds, 3) for trial in trials],
        },
        line=f"{line}; {note}" if note else line,
    )


def _told(params: Mapping[str, JsonValue]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in params.items())


def _value(value: JsonValue) -> str:
    if isinstance(value, float):
        return shown(value)
    return value if isinstance(value, str) else json.dumps(value)
