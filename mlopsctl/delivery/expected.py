"""How long the steps of a plan will take, as far as the environment's own past runs tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from statistics import median_low

from mlopsctl.delivery.plan import StepPlan
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.trace import of_step
from mlopsctl.step.task import StepState

_LAST = 5


def expected(steps: Sequence[StepPlan], metadata: MetadataStore, project: str, environment: str) -> Mapping[str, int]:
    """Milliseconds by step, for those that will run and ran before: the median of their last five times.

    Times of steps that were reused or failed say nothing.
    """
    found: dict[str, int] = {}
    for plan in steps:
        if plan.runs:
            past = (one for one in of_step(metadata, project, environment, plan.step.id))
            took = list(islice((one.finished - one.started for one in past if one.state is StepState.SUCCESS), _LAST))
            if took:
                found[plan.step.id] = median_low(took)
    return found
