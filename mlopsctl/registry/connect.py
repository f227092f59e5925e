"""The one way to MLflow: a client for an address, and its failures in a user's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from mlopsctl.ground.errors import StepProblem
from mlopsctl.registry.quiet import quiet
from mlopsctl.registry.sqlite import path_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

_USER = re.compile(r"://[^/@\s]*@")


@contextmanager
def asking(tracking: str, what: str = "") -> Iterator[MlflowClient]:
    """A client for the time of a ``with`` block; what fails in it becomes a :class:`StepProblem`.

    Args:
        what: what is asked for, for the message; by default the registry itself.
    """
    with quiet():
        _require_mlflow()
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from requests.exceptions import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            if (file := path_of(tracking)) is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            yield MlflowClient(tracking_uri=tracking, registry_uri=tracking)
        except (MlflowException, RequestException, SQLAlchemyError, OSError) as problem:
            asked = f"{what} cannot be had" if what else f"the MLflow registry at {shown(tracking)} cannot be used"
            message = f"{asked}: {_first_line(problem)}"
            raise StepProblem.because("registry-failed", message, hint=_hint(tracking)) from problem


def _require_mlflow() -> None:
    if find_spec("mlflow") is None:
        raise StepProblem.because(
            "no-mlflow",
            "MLflow is not installed here, and the model registry is reached with it",
            hint="pip install 'mlopsctl[run]'",
        )


def or_none(call: Callable[[], T]) -> T | None:
    """The result of a call to MLflow, or ``None`` where what it asks for does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        return call()
    except MlflowException as problem:
        absent = problem.error_code == "RESOURCE_DOES_NOT_EXIST"
        # The SQL store answers so for an alias that is not there.
        unset = problem.error_code == "INVALID_PARAMETER_VALUE" and "not found" in problem.message
        if absent or unset:
            return None
        raise


def shown(text: str) -> str:
    """A text whose addresses lack the user and password that they may carry."""
    return _USER.sub("://", text)


def _first_line(problem: BaseException) -> str:
    """What went wrong: of a chain of wrapped causes, MLflow repeats the innermost in its own message."""
    text = str(problem).strip() or type(problem).__name__
    return shown(text.splitlines()[0])[:400]


def _hint(tracking: str) -> str:
    if path_of(tracking) is not None:
        return "the file must be writable, and made by this or an older version of MLflow"
    return "start the server, or correct stores.tracking; `mlopsctl plan --no-refresh` asks nobody"
