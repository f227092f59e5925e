"""What a plan reads once and pins: the champion, the data accepted last, the clock, gates broken by hand.

None of it is in a step's key. See :mod:`mlopsctl.step.pinned` for what a step does with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Protocol

from mlopsctl.delivery.override import Override
from mlopsctl.ground.digest import canonical_json
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step.pinned import CHAMPION, CLOCK, OVERRIDES, PREVIOUS, PROMOTED


class Accepted(Protocol):
    """What is known of the data that passed its checks."""

    def accepted_statistics(self, dataset: str) -> Sequence[str]:
        """The digests of its statistics, newest first."""
        ...


def pin(
    wanted: Collection[str], history: Accepted, champion: str, override: Override | None, now: str
) -> Mapping[str, str]:
    """What steps want to know beside their inputs; what there is none of is left out.

    Args:
        wanted: the names that the steps' ``state_inputs`` say.
        champion: digest of the model to beat; empty for none.
        now: the moment of the plan, as ISO text.
    """
    found = {CHAMPION: champion, CLOCK: now if CLOCK in wanted else "", OVERRIDES: _written(override)}
    for name in sorted(set(wanted)):
        if name.startswith(PREVIOUS):
            found[name] = " ".join(history.accepted_statistics(name.removeprefix(PREVIOUS)))
    return {name: value for name, value in found.items() if value}


def locked(pipeline: Pipeline) -> Mapping[str, str]:
    """The model of the lock that the pipeline follows, where it follows one."""
    found = [str(step.parameters["model"]) for step in pipeline.steps if step.component == PROMOTED]
    return {PROMOTED: found[0]} if found else {}


def every_artifact(step: Step, pinned: Mapping[str, str]) -> list[str]:
    """The digests of all that may be given to a step."""
    names = (name for name in step.state_inputs if name not in (CLOCK, OVERRIDES))
    return [digest for name in names for digest in pinned.get(name, "").split()]


def moment() -> str:
    """Now, as it is pinned: seconds of UTC."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def _written(override: Override | None) -> str:
    if override is None:
        return ""
    return canonical_json(asdict(override)).decode()
