"""The schedule of a run: which step may start next, and what an ended step means for those after it."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step.guards import NOT_NOW, listed
from mlopsctl.step.order import stopped
from mlopsctl.step.task import StepResult, StepState


class Schedule:
    """Steps become ready when all before them has ended, whatever their rule; of ready ones the highest priority goes
    first, and then the pipeline's order. O(steps + wires)."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._steps = pipeline.steps
        self._open = {step.id: len(step.upstream) for step in pipeline.steps}
        self._followers: dict[str, list[int]] = {step.id: [] for step in pipeline.steps}
        self._culprits: dict[str, tuple[str, ...]] = {}
        self._results: dict[str, StepResult] = {}
        self._ready = [self._place(index) for index, step in enumerate(pipeline.steps) if not step.upstream]
        heapq.heapify(self._ready)
        for index, step in enumerate(pipeline.steps):
            for producer in step.upstream:
                self._followers[producer].append(index)

    @property
    def results(self) -> Mapping[str, StepResult]:
        """How the steps ended that have ended, by id."""
        return self._results

    def next(self) -> Step | None:
        """The first step that is ready, each once; ``None`` while all wait."""
        return self._steps[heapq.heappop(self._ready)[1]] if self._ready else None

    def finish(self, step: Step, result: StepResult) -> None:
        """Record how a step ended and let its followers know."""
        self._results[step.id] = result
        if result.state is StepState.FAILED:
            self._culprits[step.id] = (step.id,)
        for index in self._followers[step.id]:
            follower = self._steps[index].id
            self._open[follower] -= 1
            if self._open[follower] == 0:
                heapq.heappush(self._ready, self._place(index))

    def inherited(self, step: Step) -> StepResult | None:
        """The result of a ready step that cannot run because of what is before it; ``None`` when it can."""
        if not step.when:
            return StepResult(StepState.SKIPPED, problem=NOT_NOW)
        stop = stopped(step, {producer: self._results[producer].state for producer in step.upstream})
        if stop is None:
            return None
        if stop.state is not StepState.UPSTREAM_FAILED:
            return StepResult(stop.state, problem=stop.problem)
        culprits = {name: None for producer in step.upstream for name in self._culprits.get(producer, ())}
        self._culprits[step.id] = tuple(culprits)
        return StepResult(stop.state, problem=f"not run, because {listed(tuple(culprits))} failed")

    def upstream(self, step: Step) -> Mapping[str, StepResult]:
        """The results of the steps before a step, by id."""
        return {producer: self._results[producer] for producer in step.upstream}

    def _place(self, index: int) -> tuple[int, int]:
        """Where a step stands among the ready ones."""
        return -(self._steps[index].priority or 0), index
