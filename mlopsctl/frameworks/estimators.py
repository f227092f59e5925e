"""Estimators by dotted name: found among installed packages, and built with parameters that are checked by name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem


def build(dotted: str, params: Mapping[str, Json], *, task: str, seed: int, project: Path) -> Any:
    """An unfitted estimator.

    ``random_state`` gets the seed where the estimator has one and the parameters do not set it.

    Raises:
        StepProblem: not installed, no such estimator or parameter, or one of another task.
    """
    kind = _find(dotted, project)
    known = _parameter_names(kind)
    given = _checked(
        dotted, {name: _interned(value) for name, value in params.items()}, known, open_ended=_takes_any(kind)
    )
    if "random_state" in known and "random_state" not in given:
        given["random_state"] = seed
    if dotted.startswith("xgboost."):
        given.setdefault("n_jobs", 1)
    try:
        estimator = kind(**given)
    except (TypeError, ValueError) as error:
        raise StepProblem.because(
            "estimator-parameters", f"{dotted} cannot be made: {error}", hint="correct params"
        ) from error
    _require_task(dotted, estimator, task)
    return estimator


def _find(dotted: str, project: Path) -> type[Any]:
    module_name, _, name = dotted.rpartition(".")
    module = _module(module_name, dotted, project)
    found = getattr(module, name, None)
    if not inspect.isclass(found) or not hasattr(found, "fit"):
        known = [key for key, value in vars(module).items() if inspect.isclass(value) and hasattr(value, "fit")]
        raise StepProblem.because(
            "unknown-estimator", f"{module_name} has no estimator {name}", hint=_did_you_mean(name, known)
        )
    return found


def _module(name: str, dotted: str, project: Path) -> ModuleType:
    """An installed module; one that stands in the project is not taken for it."""
    try:
        with _without(project):
            return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if missing == name.partition(".")[0]:
            raise StepProblem.because(
                "missing-package",
                f"the package {missing} of {dotted} is not installed",
                hint=f"install {missing} where the steps run, or correct the estimator's name",
            ) from error
        if name == missing or name.startswith(missing + "."):
            raise StepProblem.because(
                "unknown-estimator",
                f"there is no module {missing}",
                hint=_did_you_mean(missing.rpartition(".")[2], _submodules(missing.rpartition(".")[0])),
            ) from error
        raise StepProblem.because(
            "missing-package", f"{name} needs the package {missing}, which is not installed", hint=f"install {missing}"
        ) from error


@contextmanager
def _without(project: Path) -> Iterator[None]:
    """The import path without the project's folder."""
    before = list(sys.path)
    sys.path[:] = [entry for entry in before if Path(entry or ".").resolve() != project.resolve()]
    try:
        yield
    finally:
        sys.path[:] = before


def _submodules(package: str) -> list[str]:
    from pkgutil import iter_modules

    paths: Iterable[str] = getattr(sys.modules.get(package), "__path__", ())
    return [module.name for module in iter_modules(paths) if not module.name.startswith("_")]


def _parameter_names(kind: type[Any]) -> list[str]:
    """The names that an estimator takes; one that takes any name passes it on to the class it is made from."""
    named: set[str] = set()
    for base in inspect.getmro(kind):
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        named |= {one.name for one in parameters if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}}
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            break
    return sorted(named)


def _takes_any(kind: type[Any]) -> bool:
    return any(one.kind is one.VAR_KEYWORD for one in inspect.signature(kind).parameters.values())


def _checked(dotted: str, params: dict[str, Any], known: list[str], *, open_ended: bool) -> dict[str, Any]:
    """The parameters, if the estimator has them. One that takes any name refuses only what looks misspelt."""
    for name in params:
        if name in known or (open_ended and not get_close_matches(name, known, n=1, cutoff=0.8)):
            continue
        raise StepProblem.because(
            "unknown-parameter", f"{dotted} has no parameter {name}", hint=_did_you_mean(name, known)
        )
    return params


def _interned(value: Json) -> Any:
    """The same value with one object for each text: a pickle tells equal texts from the same text."""
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, Mapping):
        return {sys.intern(key): _interned(item) for key, item in value.items()}
    return [_interned(item) for item in value] if isinstance(value, Sequence) else value


def _require_task(dotted: str, estimator: Any, task: str) -> None:
    from sklearn.base import is_classifier, is_regressor

    fits = is_classifier(estimator) if task == "classification" else is_regressor(estimator)
    if fits:
        return
    if is_classifier(estimator):
        what = "is a classifier"
    elif is_regressor(estimator):
        what = "is a regressor"
    else:
        what = "neither classifies nor predicts numbers"
    wanted = "classifier" if task == "classification" else "regressor"
    raise StepProblem.because(
        "wrong-task", f"{dotted} {what}, and the task is {task}", hint=f"choose a {wanted}, or change training.task"
    )


_LIKELY, _FEW, _TELLING = 3, 20, 4


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    choices = sorted(known)
    folded = {choice.lower(): choice for choice in reversed(choices)}
    typed = name.lower()
    begun = [choice for choice in folded if len(choice) >= _TELLING and typed.startswith(choice)]
    slip = get_close_matches(typed, folded, n=1, cutoff=0.8)
    near = list(dict.fromkeys([*begun, *slip])) or get_close_matches(typed, folded, n=_LIKELY, cutoff=0.5)
    listed = f"there are {', '.join(choices)}" if choices else ""
    if near:
        likely = " or ".join(folded[match] for match in near)
        return f"did you mean {likely}?" + (f" {listed}" if len(choices) <= _FEW else "")
    return listed
