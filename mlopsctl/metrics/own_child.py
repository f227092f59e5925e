"""The process in which a metric of the user's own runs: read the job, call the function, write each answer at once.

Started as ``python -m mlopsctl.metrics.own_child FOLDER`` by :mod:`mlopsctl.metrics.own`.
"""

from __future__ import annotations

import json
import pickle
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mlopsctl.metrics.own import ANSWERS_FILE, JOB_FILE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    T = TypeVar("T", "pd.Series[Any]", pd.DataFrame)
    Function = Callable[["pd.Series[Any]", "pd.DataFrame", "pd.DataFrame"], object]

_LONGEST = 300


class _Refused(Exception):
    """What the function did that is no value; the message says it."""


class _Caller:
    """The function with its table."""

    def __init__(
        self,
        entrypoint: str,
        project: Path,
        truth: pd.Series[Any],
        predicted: dict[str, pd.DataFrame],
        rows: pd.DataFrame,
    ) -> None:
        self._entrypoint = entrypoint
        self._project = project
        self._truth = truth
        self._predicted = predicted
        self._rows = rows
        self._function: Function | None = None

    def answer(self, job: tuple[Any, ...]) -> list[float]:
        """The value of one ask, or those of a draw."""
        if job[0] == "ask":
            return [self._value(job[1], job[2])]
        return self._drawn(*job[1:])

    def _drawn(self, who: tuple[str, str], rows: NDArray[np.int64] | None, resamples: int, seed: int) -> list[float]:
        """The values of the first model, then those of the second, on the same resampled rows."""
        import numpy as np

        draw = np.random.default_rng(seed)
        places = np.arange(len(self._rows)) if rows is None else rows
        values: list[list[float]] = [[], []]
        for _ in range(resamples):
            chosen = places[draw.integers(0, len(places), len(places))]
            for found, model in zip(values, who, strict=True):
                found.append(self._value(model, chosen))
        return values[0] + values[1]

    def _value(self, who: str, rows: NDArray[np.int64] | None) -> float:
        import numpy as np

        # Copies: the function may change what it is given.
        truth = _chosen(self._truth, rows)
        predicted, table = _chosen(self._predicted[who], rows), _chosen(self._rows, rows)
        if not len(truth):
            raise _Refused("there are no rows")
        if self._function is None:
            self._function = self._found()
        try:
            value = self._function(truth, predicted, table)
        except (Exception, SystemExit) as error:
            raise _Refused(self._told(error)) from error
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
            raise _Refused(f"{self._entrypoint} returned {type(value).__name__}, and a metric is a number")
        return float(value)

    def _found(self) -> Function:
        module, _, name = self._entrypoint.partition(":")
        sys.path.insert(0, str(self._project))
        try:
            function = getattr(import_module(module), name, None)
        except (Exception, SystemExit) as error:
            raise _Refused(self._told(error)) from error
        if not callable(function):
            raise _Refused(f"{module} has no function {name}")
        return cast("Function", function)

    def _told(self, error: BaseException) -> str:
        """The error in one line with its last place in the project; its traceback goes to the step's log."""
        traceback.print_exception(error)
        lines = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {lines[0][:_LONGEST]}" if lines else type(error).__name__
        inside = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).resolve().is_relative_to(self._project.resolve())
        ]
        place = ""
        if inside:
            file = Path(inside[-1].filename).resolve().relative_to(self._project.resolve()).as_posix()
            place = f" ({file}:{inside[-1].lineno})"
        return f"{self._entrypoint} failed: {said}{place}"


def _chosen(part: T, rows: NDArray[np.int64] | None) -> T:
    """A copy of all rows, or of some, numbered from 0."""
    import pandas as pd

    if rows is None:
        return part.copy()
    found = part.take(rows)
    found.index = pd.RangeIndex(len(rows))
    return found


def main(folder: Path) -> None:
    """Answer every job of the folder, one line each; a later job is answered also where an earlier one failed."""
    with (folder / JOB_FILE).open("rb") as file:
        entrypoint, project, truth, predicted, rows, jobs = pickle.load(file)
    caller = _Caller(entrypoint, Path(project), truth, predicted, rows)
    with (folder / ANSWERS_FILE).open("w", encoding="utf-8") as out:
        for job in jobs:
            try:
                # As texts: NaN and infinity are no JSON.
                answer = {"values": [repr(value) for value in caller.answer(job)], "problem": ""}
            except _Refused as why:
                answer = {"values": [], "problem": str(why)}
            out.write(json.dumps(answer) + "\n")
            out.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
