"""A metric of the user's own: a function of the project, called in a process of its own that may fail or hang."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.process import kill_tree
from mlopsctl.ground.scalars import Duration, Entrypoint, Name, refusal
from mlopsctl.metrics.catalogue import BINARY, METRICS, MULTICLASS, REGRESSION, MetricInfo

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

JOB_FILE = "job.pkl"
ANSWERS_FILE = "answers.jsonl"
_GRACE = 1.0
_ROUNDING = 1e-9


class OwnMetric(Spec):
    """A metric of your own: a function of the project that judges a model's answers.

    ``def profit(truth: pandas.Series, predicted: pandas.DataFrame, rows: pandas.DataFrame) -> float``: the true
    labels, the answers (``prediction``, and ``probability_<class>`` where the model gives them) and all kept columns
    of the same rows.
    """

    name: Name = Field(title="Name", description="What the metric is called in gates and reports.")
    entrypoint: Entrypoint = Field(
        title="Entrypoint", description="module:function beside the project file, called with truth, predicted, rows."
    )
    direction: Literal["higher", "lower", "zero"] = Field(
        title="Direction", description="Which value is the better one: higher, lower, or the one nearer to zero."
    )
    range: Annotated[tuple[float | None, float | None], Field(strict=False)] = Field(
        default=(None, None),
        title="Range",
        description="The smallest and the largest value there can be; null where there is no such bound.",
    )
    timeout: Duration = Field(
        default=60.0,
        title="Timeout",
        description="How long all calls of one evaluation may take together; 60s by default.",
    )

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name in METRICS:
            raise refusal("name-collision", f"the catalogue has a metric {name!r}", "give yours another name")
        return name

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.range
        if low is not None and high is not None and not low < high:
            raise refusal("empty-range", "the first number of a range is below the second", key="range")
        return self

    @property
    def info(self) -> MetricInfo:
        """What the catalogue says of its own metrics."""
        tasks = frozenset({BINARY, MULTICLASS, REGRESSION})
        return MetricInfo(self.name, tasks, self.direction, *self.range, "own", f"Your function {self.entrypoint}.")


@dataclass(frozen=True, slots=True)
class Ask:
    """One call: whose answers, on which rows (``None``: all)."""

    who: str
    rows: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """A paired bootstrap: both models on the same resampled rows."""

    who: tuple[str, str]
    rows: NDArray[np.int64] | None
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back of an :class:`Ask` (one value) or a :class:`Draw` (the first model's values, then the
    second's); nothing where ``problem`` says why."""

    values: tuple[float, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What the function is called with: the true labels, the answers of each model by name, and the rows."""

    truth: pd.Series[Any]
    predicted: Mapping[str, pd.DataFrame]
    rows: pd.DataFrame


def call(metric: OwnMetric, project: Path, table: Table, jobs: Sequence[Ask | Draw]) -> list[Answered]:
    """What the function answers to each job; never raises for what the function does.

    The function runs in a fresh process of this interpreter with the project's folder in its path. What it prints
    goes where this process prints. A process that ends early or is late leaves the rest without an answer.
    """
    with TemporaryDirectory(prefix="metric-") as name:
        folder = Path(name)
        with (folder / JOB_FILE).open("wb") as file:
            pickle.dump((metric.entrypoint, str(project), table.truth, dict(table.predicted), table.rows, _plain(jobs)),
                        file)  # fmt: skip
        late = _run(folder, project, metric)
        found = _read(folder / ANSWERS_FILE)
    return [
        _believed(metric, found[place]) if place < len(found) else Answered(problem=late) for place in range(len(jobs))
    ]


def _plain(jobs: Sequence[Ask | Draw]) -> list[tuple[Any, ...]]:
    """The jobs as tuples: the child knows no class of ours."""
    return [
        ("ask", job.who, job.rows) if isinstance(job, Ask) else ("draw", job.who, job.rows, job.resamples, job.seed)
        for job in jobs
    ]


def _run(folder: Path, project: Path, metric: OwnMetric) -> str:
    """Run the child to its end, and say why it may not have answered everything."""
    # The project comes into the child's path with the function: its modules may be called like others.
    places = [place for place in sys.path if place and Path(place).resolve() != project.resolve()]
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "mlopsctl.metrics.own_child", str(folder)],
        stdin=subprocess.DEVNULL,
        cwd=project,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"},
        start_new_session=True,
    )
    try:
        status = child.wait(metric.timeout)
    except subprocess.TimeoutExpired:
        _kill(child)
        return f"{metric.entrypoint} did not end within {metric.timeout:g} seconds"
    except BaseException:
        _kill(child)
        raise
    if status < 0:
        return f"the process of {metric.entrypoint} was ended by signal {-status}"
    return f"the process of {metric.entrypoint} ended with exit code {status} before it answered"


def _kill(child: subprocess.Popen[bytes]) -> None:
    kill_tree(child.pid, grace=_GRACE)
    child.wait()


def _read(file: Path) -> list[dict[str, Any]]:
    """The lines that were written whole."""
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]


def _believed(metric: OwnMetric, answer: dict[str, Any]) -> Answered:
    """The values, if every one can be a value of this metric."""
    if answer["problem"]:
        return Answered(problem=answer["problem"])
    low, high = metric.range
    for text in answer["values"]:
        value = float(text)
        if not isfinite(value):
            return Answered(problem=f"its value is {value}")
        if (low is not None and value < low - _ROUNDING) or (high is not None and value > high + _ROUNDING):
            bounds = f"{'-inf' if low is None else f'{low:g}'} to {'inf' if high is None else f'{high:g}'}"
            return Answered(problem=f"{metric.entrypoint} answered {value:g}, and its range is {bounds}")
    return Answered(tuple(float(text) for text in answer["values"]))
