"""Fit one target on the train split: an installed estimator, or a function of the user's."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from mlopsctl.frameworks.container import CommandTarget, ContainerTarget, ProgramTarget
from mlopsctl.frameworks.estimators import build
from mlopsctl.frameworks.fitted import Fitted, Job, Split, labelled
from mlopsctl.frameworks.foreign import fit_program
from mlopsctl.frameworks.packed import OwnModules
from mlopsctl.frameworks.python import PythonTarget
from mlopsctl.frameworks.sklearn import SklearnTarget
from mlopsctl.frameworks.xgboost import XGBoostTarget
from mlopsctl.ground.errors import StepProblem

_LONGEST = 300

Fittable = SklearnTarget | XGBoostTarget | PythonTarget | CommandTarget | ContainerTarget


__all__ = ["Fittable", "Fitted", "Job", "Split", "fit"]


def fit(target: Fittable, job: Job) -> Fitted:
    """The target, fitted on the train split only.

    Raises:
        StepProblem: whatever stops it, in the words of the estimator or with the place in the user's code.
    """
    if isinstance(target, ProgramTarget):
        return fit_program(target, job)
    if isinstance(target, PythonTarget):
        return _fit_function(target, job)
    estimator = unfitted(target, job)
    watched = _watched(job) if target.params.get("early_stopping_rounds") is not None else {}
    with collected_warnings() as seen, telling_why(dotted_name(target, job)):
        estimator.fit(job.train.features, job.train.target, **watched)
    return as_fitted(target, job, estimator, seen)


def unfitted(target: SklearnTarget | XGBoostTarget, job: Job) -> Any:
    """The estimator before its fit; see :func:`mlopsctl.frameworks.estimators.build`."""
    return build(dotted_name(target, job), target.params, task=job.task, seed=job.seed, project=job.project)


def dotted_name(target: SklearnTarget | XGBoostTarget, job: Job) -> str:
    """The estimator's dotted name."""
    return target.estimator or ("xgboost.XGBClassifier" if job.task == "classification" else "xgboost.XGBRegressor")


def as_fitted(target: SklearnTarget | XGBoostTarget, job: Job, estimator: Any, warned: Sequence[str]) -> Fitted:
    """A fitted estimator as a model."""
    return Fitted(
        estimator=estimator,
        framework=target.kind,
        name=dotted_name(target, job),
        parameters=dict(target.params),
        warnings=tuple(warned),
    )


@contextmanager
def telling_why(name: str) -> Iterator[None]:
    """Turn what an estimator's fit raises into a problem; its traceback goes to the step's log."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        raise StepProblem.because(
            "fit-failed", f"{name} cannot be fitted: {_first_line(error)}", hint=_hint(str(error))
        ) from error


def _watched(job: Job) -> dict[str, Any]:
    """What early stopping looks at: the validation split."""
    if not len(job.validation.target):
        raise StepProblem.because(
            "empty-split",
            "early stopping needs a validation split, and it has no rows",
            hint="give it a share in split",
        )
    return {"eval_set": [(job.validation.features, job.validation.target)], "verbose": False}


def _fit_function(target: PythonTarget, job: Job) -> Fitted:
    code = target.code(job.project)
    modules = OwnModules(job.project, {Path(file).parts[0].removesuffix(".py") for file in code})
    frames = [labelled(split, job.label) for split in (job.train, job.validation)]
    with modules(), collected_warnings() as seen:
        function = _function(target.entrypoint, job.project)
        keywords = {"seed": job.seed, **target.params}
        try:
            signature(function).bind(*frames, job.label, **keywords)
        except TypeError as error:
            raise StepProblem.because(
                "fit-signature",
                f"{target.entrypoint} cannot be called: {error}",
                hint="write def fit(train, validation, label, *, seed, …) with the names under params",
            ) from None
        with _in_user_code(target.entrypoint, job.project):
            model = function(*frames, job.label, **keywords)
    if not (hasattr(model, "predict") or callable(model)):
        raise StepProblem.because(
            "no-model",
            f"{target.entrypoint} returned {type(model).__name__}, which has no predict and cannot be called",
            hint="return the fitted model",
        )
    return Fitted(
        estimator=model,
        framework=target.kind,
        name=target.entrypoint,
        parameters=dict(target.params),
        output=target.output,
        code=code,
        modules=modules,
        warnings=tuple(seen),
    )


def _function(entrypoint: str, project: Path) -> Callable[..., Any]:
    module_name, _, name = entrypoint.partition(":")
    with _in_user_code(module_name, project):
        module = import_module(module_name)
    found = getattr(module, name, None)
    if not callable(found):
        raise StepProblem.because(
            "missing-function",
            f"{module_name} has no function {name}",
            hint=f"define {name} there, or correct the entrypoint",
        )
    return found  # type: ignore[no-any-return]


@contextmanager
def _in_user_code(what: str, project: Path) -> Iterator[None]:
    """Turn what the user's code raises into a problem that names its place; its traceback goes to the step's log."""
    try:
        yield
    except Exception as error:
        root = project.resolve()
        frames = traceback.extract_tb(error.__traceback__)
        own = [number for number, frame in enumerate(frames) if Path(frame.filename).resolve().is_relative_to(root)]
        shown = frames[own[0] :] if own else frames
        print("Traceback (most recent call last):", file=sys.stderr)
        print("".join(traceback.format_list(shown)), end="", file=sys.stderr)
        print("".join(traceback.format_exception_only(error)), end="", file=sys.stderr)
        place = ""
        if own:
            last = frames[own[-1]]
            place = f" ({Path(last.filename).resolve().relative_to(root).as_posix()}:{last.lineno})"
        raise StepProblem.because(
            "user-code",
            f"{what} failed: {type(error).__name__}: {_first_line(error)}{place}",
            hint="the step's log has the traceback",
        ) from error


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """The warnings raised inside, each once; they also go to the step's log."""
    seen: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield seen
    for warning in caught:
        text = f"{warning.category.__name__}: {' '.join(str(warning.message).split())[:_LONGEST]}"
        if text not in seen:
            seen.append(text)
            print(f"warning: {text}", file=sys.stderr)


def _hint(message: str) -> str:
    if "NaN" in message or "missing values" in message:
        return "add {kind: impute} to features, or choose an estimator that takes missing values"
    return "the step's log has the traceback"


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
