"""A DAG that Airflow cannot read: which of its import errors is about this version, and which line of ours it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Span
from mlopsctl.ground.source import DocPath
from mlopsctl.ground.text import printable

Place = Callable[[DocPath], Span | None]
"""Where a part of the project stands in its file."""

_LONGEST = 1_000
_TRACEBACK = "Traceback (most recent call last):"
_EXECUTION, _ORCHESTRATOR = ("orchestrator", "execution"), ("orchestrator",)
_BLAMED: tuple[tuple[str, DocPath], ...] = (
    (r"airflow\.providers\.|No module named 'kubernetes|No module named 'docker", _EXECUTION),
    (r"ParamValidationError|\bparams?\b", ("parameters",)),
    (r"[Cc]ron|[Tt]imetable|[Tt]ime ?zone", ("triggers",)),
    (r"\btags?\b", ("orchestrator", "tags")),
    (r"\bpool", ("orchestrator", "pool")),
    (r"\bqueue", ("orchestrator", "queue")),
    (r"\bowner", ("owner",)),
    (r"\b(Asset|Dataset|asset|dataset|URI|uri)\b", ("triggers",)),
)


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """One of Airflow's import errors.

    Attributes:
        seen: what changes each time Airflow meets it again.
        said: Airflow's own words.
    """

    seen: str
    said: str


def failures_of(dag: str, listed: Iterator[Mapping[str, Json]]) -> tuple[ImportFailure, ...]:
    """Those of a DAG's file, among all that Airflow has."""
    return tuple(
        ImportFailure(f"{error.get('import_error_id')} {error.get('timestamp')}", _words(str(error.get("stack_trace"))))
        for error in listed
        if str(error.get("filename", "")).rpartition("/")[2] == f"{dag}.py"
    )


def blamed(said: str, place: Place) -> Span | None:
    """The line of the project that Airflow's words are about, as far as they tell; else that of the orchestrator."""
    for pattern, path in _BLAMED:
        if re.search(pattern, said) and (span := place(path)) is not None:
            return span
    return place(_ORCHESTRATOR)


def _words(trace: str) -> str:
    """What a trace ends with: the exception and all it says, without the frames."""
    lines = trace.strip().rpartition(_TRACEBACK)[2].strip("\n").splitlines()
    start = next((number for number, line in enumerate(lines) if line[:1].strip()), 0)
    said = " ".join(line.strip() for line in lines[start:] if line.strip())
    return printable(said)[:_LONGEST] or "it does not say why"
