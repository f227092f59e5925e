"""The graph of a run with the states and times of its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlopsctl.components.spec import MODULES, spec
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.report.value import StepRow
from mlopsctl.ground.errors import Problem
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, RunRecord
from mlopsctl.pipeline.ir import ArtifactType, Input, Pipeline, Ref, Step


def last_attempts(executions: Sequence[ExecutionRecord]) -> tuple[ExecutionRecord, ...]:
    """Each step's last attempt, in the order in which steps were first recorded."""
    return tuple({one.step: one for one in executions}.values())


def step_rows(run: RunRecord, executions: Sequence[ExecutionRecord], pipeline: Pipeline | None) -> tuple[StepRow, ...]:
    """The steps in the order of the graph."""
    attempts = Counter(one.step for one in executions)
    order = {} if pipeline is None else {step.id: at for at, step in enumerate(pipeline.steps)}
    last = sorted(last_attempts(executions), key=lambda one: order.get(one.step, len(order)))
    return tuple(
        StepRow(
            id=one.step,
            component=one.component,
            state=one.state,
            started=max(0, one.started - run.started),
            milliseconds=max(0, one.finished - one.started),
            attempts=attempts[one.step],
            line=one.line,
            problem=one.problem,
        )
        for one in last
    )


def pipeline_of(run: RunRecord, executions: Sequence[ExecutionRecord], loaded: Loaded | None) -> Pipeline | None:
    """The graph that ran: the project's, if it still is that one, else as far as the records tell it."""
    if loaded is not None:
        try:
            now = lower(loaded).pipeline
        except Problem:
            now = None
        if now is not None and now.digest == run.pipeline_digest:
            ran = {one.step for one in executions}
            return Pipeline(now.name, tuple(_cut(step, ran) for step in now.steps if step.id in ran))
    return _recorded(run, last_attempts(executions))


def _cut(step: Step, ran: set[str]) -> Step:
    inputs = {name: wired for name, wired in step.inputs.items() if wired.ref.step in ran}
    return replace(step, inputs=inputs)


def _recorded(run: RunRecord, executions: Sequence[ExecutionRecord]) -> Pipeline | None:
    """Wires from digests: an input comes from the step that left that artifact."""
    if not executions:
        return None
    makers: dict[str, list[Ref]] = {}
    for one in executions:
        for name, artifact in one.outputs.items():
            makers.setdefault(artifact.digest, []).append(Ref(one.step, name))
    steps = [
        Step(
            one.step,
            one.component,
            1,
            dict(_wires(one, makers)),
            {name: artifact.type for name, artifact in one.outputs.items()},
            {},
        )
        for one in executions
    ]
    return Pipeline(run.project, tuple(steps))


def _wires(one: ExecutionRecord, makers: Mapping[str, Sequence[Ref]]) -> list[tuple[str, Input]]:
    found = []
    for name, artifact in one.inputs.items():
        refs = [ref for ref in makers.get(artifact.digest, ()) if ref.step != one.step]
        if refs:
            found.append((name, Input(_likeliest(name, refs), artifact.type, guard=_guards(one, name, artifact))))
    return found


def _likeliest(name: str, refs: Sequence[Ref]) -> Ref:
    """Of several steps that left the same bytes, the one that the input's name speaks of."""
    wanted = name.rpartition(".")[2]
    return next((ref for ref in refs if ref.step.endswith(f"-{wanted}") or ref.output == wanted), refs[0])


def _guards(one: ExecutionRecord, name: str, artifact: ArtifactRecord) -> bool:
    # Only a standard component is asked: any other name could be a module to import.
    if one.component not in MODULES:
        return artifact.type is ArtifactType.ANOMALIES
    declared = spec(one.component).inputs.get(name.partition(".")[0])
    return declared is not None and declared.guard
