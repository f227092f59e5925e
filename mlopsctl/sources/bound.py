"""A bound on the rows that are read of a source, for a look that must not take in a whole warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from mlopsctl.ground.errors import StepProblem

_Batch = TypeVar("_Batch", bound=Sized)


def at_most(batches: Iterable[_Batch], most: int | None) -> Iterator[_Batch]:
    """The batches of rows as they come; ``None`` bounds nothing.

    Raises:
        StepProblem: once there are more than ``most`` rows in them.
    """
    total = 0
    for batch in batches:
        total += len(batch)
        if most is not None and total > most:
            raise too_many_rows(most)
        yield batch


def too_many_rows(most: int) -> StepProblem:
    """That a source has more rows than may be read."""
    return StepProblem.because(
        "too-many-rows",
        f"the source has more than {most:,} rows, the most that are read here",
        hint="allow more with --most-rows, or let a run judge them: `mlopsctl run`",
    )
