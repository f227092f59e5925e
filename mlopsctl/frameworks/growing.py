"""Fitting in stages, so that a search can give up a model part of the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlopsctl.frameworks.fitted import Fitted, Job
from mlopsctl.frameworks.fitting import Fittable, as_fitted, collected_warnings, dotted_name, fit, telling_why, unfitted
from mlopsctl.frameworks.sklearn import SklearnTarget
from mlopsctl.frameworks.xgboost import XGBoostTarget
from mlopsctl.ground.errors import StepProblem

STAGES = 4
# Passes over the train split after which an estimator that learns row by row is looked at, before its whole fit.
_PASSES = (1, 2, 4)


def stages(target: Fittable, job: Job) -> Iterator[Fitted]:
    """The model as it grows; the last one is whole. One that cannot be fitted in stages comes whole at once.

    XGBoost and warm-started forests and boosting grow by trees. An estimator with ``partial_fit`` is looked at after
    few passes over the rows and then fitted as always.

    Raises:
        StepProblem: see :func:`mlopsctl.frameworks.fitting.fit`.
    """
    if isinstance(target, SklearnTarget | XGBoostTarget):
        estimator = unfitted(target, job)
        with collected_warnings(), telling_why(dotted_name(target, job)):
            for whole in _grown(target, estimator, job):
                yield as_fitted(target, job, estimator, ())
                if whole:
                    return
    yield fit(target, job)


def why_whole(target: Fittable, job: Job) -> str:
    """Why the target cannot be fitted in stages; empty text when it can."""
    if not isinstance(target, SklearnTarget | XGBoostTarget):
        return f"training with kind: {target.kind} is not done in stages"
    try:
        estimator = unfitted(target, job)
    except StepProblem:
        # The trials say so themselves.
        return ""
    return "" if _way(target, estimator) else f"{dotted_name(target, job)} is not fitted in stages"


def _way(target: SklearnTarget | XGBoostTarget, estimator: Any) -> str:
    """How it grows: ``trees`` (n_estimators), ``rounds`` (max_iter), ``boosted``, ``passes``; empty: not at all."""
    params = estimator.get_params()
    if target.kind == "xgboost" or type(estimator).__module__.startswith("xgboost."):
        stopping = params.get("early_stopping_rounds") is not None
        return "" if stopping or params.get("booster") == "dart" else "boosted"
    if "warm_start" in params and isinstance(params.get("n_estimators"), int):
        return "trees"
    if "warm_start" in params and type(estimator).__name__.startswith("HistGradientBoosting"):
        return "rounds"
    return "passes" if hasattr(estimator, "partial_fit") and params.get("early_stopping") is not True else ""


def _grown(target: SklearnTarget | XGBoostTarget, estimator: Any, job: Job) -> Iterator[bool]:
    """Fit the estimator further before each item, which says whether it is whole now."""
    features, label = job.train.features, job.train.target
    way = _way(target, estimator)
    if way in ("trees", "rounds"):
        name = "n_estimators" if way == "trees" else "max_iter"
        estimator.set_params(warm_start=True)
        sizes = _sizes(estimator.get_params()[name])
        for size in sizes:
            estimator.set_params(**{name: size}).fit(features, label)
            yield size == sizes[-1]
    elif way == "boosted":
        sizes = _sizes(estimator.get_params()["n_estimators"] or 100)
        booster = None
        for before, size in zip([0, *sizes], sizes, strict=False):
            estimator.set_params(n_estimators=size - before).fit(features, label, xgb_model=booster)
            booster = estimator.get_booster()
            yield size == sizes[-1]
    elif way == "passes":
        known = {"classes": list(range(len(job.classes)))} if job.classes else {}
        done = 0
        for passes in _PASSES:
            for _ in range(passes - done):
                estimator.partial_fit(features, label, **known)
                known = {}
            done = passes
            yield False


def _sizes(whole: int) -> list[int]:
    """A quarter, a half, three quarters, all; each once."""
    return sorted({max(1, whole * stage // STAGES) for stage in range(1, STAGES + 1)})
