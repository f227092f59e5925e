"""What is recorded of an environment's runs, as the triggers ask for it; read once, and only as far as asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.stores import Stores
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.step.task import StepState

_MOST_RUNS = 200
_LEFT = (StepState.SUCCESS, StepState.CACHED)
# They act outside, and `run` leaves them out.
_OUTSIDE = ("preflight", "push")


@dataclass(slots=True)
class Past:
    """The runs of an environment, newest first."""

    runs: tuple[RunRecord, ...]
    stores: Stores
    ends: frozenset[str]
    _executions: dict[str, Mapping[str, ExecutionRecord]] = field(default_factory=dict)

    def of(self, run: RunRecord) -> Mapping[str, ExecutionRecord]:
        """The last execution of each step of a run."""
        if run.id not in self._executions:
            self._executions[run.id] = {one.step: one for one in self.stores.metadata.executions(run.id)}
        return self._executions[run.id]

    def whole(self) -> Iterator[RunRecord]:
        """The runs that went for the whole pipeline; `run --until` did not. One that goes on is one of them."""
        for run in self.runs:
            if run.state == "running" or not self.ends.isdisjoint(self.of(run)):
                yield run

    def trained(self, run: RunRecord) -> bool:
        """Whether a challenger came out of a run."""
        picked = self.of(run).get("select")
        return picked is not None and picked.state in _LEFT


def read_past(loaded: Loaded, pipeline: Pipeline, stores: Stores) -> Past:
    """The newest runs of the environment."""
    inside = [step for step in pipeline.steps if step.component not in _OUTSIDE]
    read = {wired.ref.step for step in inside for wired in step.inputs.values()}
    runs = stores.metadata.runs(loaded.project.name, loaded.environment, limit=_MOST_RUNS)
    return Past(tuple(runs), stores, frozenset(step.id for step in inside if step.id not in read))
