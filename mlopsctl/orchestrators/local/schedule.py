"""The schedule of a run: which step may start next, and what an ended step means for those that read it."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step.guards import NOT_NOW, because_skipped, listed
from mlopsctl.step.task import StepResult, StepState


class Schedule:
    """Steps become ready when all they read has ended; the pipeline's order breaks ties. O(steps + wires)."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._steps = pipeline.steps
        self._open = {step.id: len(step.upstream) for step in pipeline.steps}
        self._followers: dict[str, list[int]] = {step.id: [] for step in pipeline.steps}
        self._culprits: dict[str, tuple[str, ...]] = {}
        self._results: dict[str, StepResult] = {}
        self._ready = [index for index, step in enumerate(pipeline.steps) if not step.upstream]
        for index, step in enumerate(pipeline.steps):
            for producer in step.upstream:
                self._followers[producer].append(index)

    @property
    def results(self) -> Mapping[str, StepResult]:
        """How the steps ended that have ended, by id."""
        return self._results

    def next(self) -> Step | None:
        """The first step that is ready, each once; ``None`` while all wait."""
        return self._steps[heapq.heappop(self._ready)] if self._ready else None

    def finish(self, step: Step, result: StepResult) -> None:
        """Record how a step ended and let its followers know."""
        self._results[step.id] = result
        if result.state is StepState.FAILED:
            self._culprits[step.id] = (step.id,)
        for index in self._followers[step.id]:
            follower = self._steps[index].id
            self._open[follower] -= 1
            if self._open[follower] == 0:
                heapq.heappush(self._ready, index)

    def inherited(self, step: Step) -> StepResult | None:
        """The result of a ready step that cannot run because of what it reads; ``None`` when it can."""
        if not step.when:
            return StepResult(StepState.SKIPPED, problem=NOT_NOW)
        culprits = {name: None for producer in step.upstream for name in self._culprits.get(producer, ())}
        if culprits:
            self._culprits[step.id] = tuple(culprits)
            return StepResult(StepState.UPSTREAM_FAILED, problem=f"not run, because {listed(tuple(culprits))} failed")
        if canceled := self._producers(step, StepState.CANCELED):
            return StepResult(StepState.CANCELED, problem=f"not run, because {listed(canceled)} did not run")
        if skipped := self._producers(step, StepState.SKIPPED):
            return StepResult(StepState.SKIPPED, problem=because_skipped(skipped))
        return None

    def upstream(self, step: Step) -> Mapping[str, StepResult]:
        """The results of what a step reads, by the producer's id."""
        return {producer: self._results[producer] for producer in step.upstream}

    def _producers(self, step: Step, state: StepState) -> tuple[str, ...]:
        """Those whose output the step needs and that ended so; where the input is optional, a skipped one is fine."""
        needed = (
            wired.ref.step for wired in step.inputs.values() if not (wired.optional and state is StepState.SKIPPED)
        )
        return tuple(dict.fromkeys(name for name in needed if self._results[name].state is state))
