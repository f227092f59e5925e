"""Which steps run, which are reused and which stay skipped, and why: one walk down the pipeline.

A step's key is known when the digests of all its inputs are. What reads a step that runs waits for it: it is planned
to run, and reused after all when that output turns out to be the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlopsctl.delivery.live import Live
from mlopsctl.delivery.plan import History, StepPlan
from mlopsctl.delivery.reasons import differences
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step.key import Surroundings, key_material, step_key
from mlopsctl.step.task import StepState


def plan_steps(
    pipeline: Pipeline,
    around: Surroundings,
    history: History,
    pinned: Mapping[str, str],
    live: Live,
) -> tuple[StepPlan, ...]:
    """Every step's plan, in pipeline order.

    Args:
        pinned: artifact digests of state inputs, by name.
        live: the live systems; a step whose effect there is gone runs again although its key is known.
    """
    latest = history.latest()
    planned: dict[str, StepPlan] = {}
    for step in pipeline.steps:
        planned[step.id] = _plan_step(step, planned, latest.get(step.id), around, history, pinned, live)
    return tuple(planned.values())


def _plan_step(
    step: Step,
    planned: Mapping[str, StepPlan],
    last: ExecutionRecord | None,
    around: Surroundings,
    history: History,
    pinned: Mapping[str, str],
    live: Live,
) -> StepPlan:
    skipped = _skip_reason(step, planned, history)
    if skipped:
        return StepPlan(step, (), skipped=skipped)
    rerun = [wired.ref.step for wired in step.inputs.values() if planned[wired.ref.step].runs]
    known = _known_inputs(step, planned)
    material = key_material(step, {**_last_inputs(last), **known} if rerun else known, around)
    if rerun:
        reasons = ("new",) if last is None else (*_why(step, last, material), _reads(rerun))
        return StepPlan(step, reasons, is_new=last is None, waits=True)
    key = step_key(material)
    record = history.cached([key]).get(key)
    if record is not None:
        moved = stale_evidence(step, record, pinned) or lost_effect(record, live)
        if not moved:
            return StepPlan(step, (), cached=record)
        return StepPlan(step, (moved,))
    reasons = _why(step, last, material) or ("its outputs are no longer stored",)
    return StepPlan(step, reasons, is_new=last is None)


def _reads(names: Sequence[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"reads {', '.join(first)} and {last}, which run" if first else f"reads {last}, which runs"


def stale_evidence(step: Step, record: ExecutionRecord, pinned: Mapping[str, str]) -> str:
    """Why a recorded result was made against another state than the pinned one; empty when it still holds.

    A new champion never makes evidence stale that is about the champion itself: nothing is to be released then.
    """
    judged = {artifact.digest for artifact in record.inputs.values()}
    for name in step.state_inputs:
        before, now = record.state_inputs.get(name, ""), pinned.get(name, "")
        if before != now and now not in judged:
            return f"the {name} is another one than the evidence compares with"
    return ""


def lost_effect(record: ExecutionRecord, live: Live) -> str:
    """Why a recorded result no longer stands outside: the registry has lost the model it was given; else empty."""
    pushed = record.component == "push" and record.notes.get("pushed") is True
    if pushed and live.refreshed and not live.version_of(record.inputs["model"].digest):
        return "the registry no longer has its model"
    return ""


def _skip_reason(step: Step, planned: Mapping[str, StepPlan], history: History) -> str:
    for wired in step.inputs.values():
        producer = planned[wired.ref.step]
        if producer.skipped and not wired.optional:
            return producer.skipped
        if wired.guard and producer.cached is not None:
            refusal = history.refusal(producer.cached.outputs[wired.ref.output])
            if refusal:
                return refusal
    return ""


def _known_inputs(step: Step, planned: Mapping[str, StepPlan]) -> dict[str, str]:
    known: dict[str, str] = {}
    for name, wired in step.inputs.items():
        producer = planned[wired.ref.step]
        if producer.cached is not None:
            known[name] = producer.cached.outputs[wired.ref.output].digest
    return known


def _last_inputs(last: ExecutionRecord | None) -> dict[str, str]:
    return {} if last is None else {name: artifact.digest for name, artifact in last.inputs.items()}


def _why(step: Step, last: ExecutionRecord | None, material: Mapping[str, Json]) -> tuple[str, ...]:
    """The step's own reasons; none when only its inputs moved."""
    if last is None:
        return ("new",)
    if last.state is StepState.FAILED:
        return ("failed last time",)
    if last.state not in (StepState.SUCCESS, StepState.CACHED):
        return ("did not run last time",)
    return differences(step, last.material, material)
