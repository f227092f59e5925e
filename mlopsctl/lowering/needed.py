"""The steps that a release needs, where the model is not trained: everything else is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlopsctl.pipeline.ir import Step

_LAST = ("push", "gate")


def needed(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Only what leads to the release, in the same order."""
    by_id = {step.id: step for step in steps}
    kept = set(_upstream(by_id, [id for id in _LAST if id in by_id]))
    return tuple(step for step in steps if step.id in kept)


def _upstream(by_id: Mapping[str, Step], last: list[str]) -> Iterator[str]:
    waiting, seen = list(last), set(last)
    while waiting:
        id = waiting.pop()
        yield id
        new = [name for name in by_id[id].upstream if name in by_id and name not in seen]
        seen.update(new)
        waiting += new
