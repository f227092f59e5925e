"""Which steps run, which are reused and which stay skipped, and why: one walk down the pipeline.

A step's key is known when the digests of all its inputs are. What reads a step that runs waits for it: it is planned
to run, and reused after all when that output turns out to be the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlopsctl.delivery.live import Live
from mlopsctl.delivery.plan import History, StepPlan
from mlopsctl.delivery.reasons import differences
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.pipeline.ir import Pipeline, Rule, Step
from mlopsctl.step.key import Surroundings, key_material, step_key
from mlopsctl.step.order import stopped
from mlopsctl.step.pinned import stale, undecided
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
        pinned: state inputs by name; see :mod:`mlopsctl.step.pinned`.
        live: the live systems; a step whose effect there is gone runs again although its key is known.
    """
    known = _Known(around, history, pinned, live)
    planned: dict[str, StepPlan] = {}
    for level in levels(pipeline):
        drafts = [_draft(step, planned, known) for step in level]
        records = history.cached([draft.key for draft in drafts if draft.key])
        for draft in drafts:
            planned[draft.step.id] = _decide(draft, records.get(draft.key), known)
    return tuple(planned[step.id] for step in pipeline.steps)


def levels(pipeline: Pipeline) -> list[list[Step]]:
    """The steps by the length of the longest way to them: a level reads only levels before it."""
    depth: dict[str, int] = {}
    found: list[list[Step]] = []
    for step in pipeline.steps:
        depth[step.id] = max((depth[name] + 1 for name in step.upstream), default=0)
        if depth[step.id] == len(found):
            found.append([])
        found[depth[step.id]].append(step)
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What a plan of steps is made from."""

    around: Surroundings
    history: History
    pinned: Mapping[str, str]
    live: Live

    def last(self, step: Step) -> ExecutionRecord | None:
        """The step's newest result; asked only for steps that run, since the others need no reason."""
        return self.history.latest().get(step.id)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A step before its key was looked up: skipped, waiting for steps that run, or with a key."""

    step: Step
    material: Mapping[str, Json] = field(default_factory=dict)
    skipped: str = ""
    rerun: tuple[str, ...] = ()
    key: str = ""


def _draft(step: Step, planned: Mapping[str, StepPlan], known: _Known) -> _Draft:
    skipped = _skip_reason(step, planned, known.history) or _order_reason(step, planned, known.history)
    if skipped:
        return _Draft(step, skipped=skipped)
    rerun = tuple(ref.step for ref in step.reads if planned[ref.step].runs)
    inputs = _known_inputs(step, planned)
    if rerun:
        material = key_material(step, {**_last_inputs(known.last(step)), **inputs}, known.around)
        return _Draft(step, material, rerun=rerun)
    material = key_material(step, inputs, known.around)
    return _Draft(step, material, key=step_key(material))


def _decide(draft: _Draft, record: ExecutionRecord | None, known: _Known) -> StepPlan:
    step = draft.step
    if draft.skipped:
        return StepPlan(step, (), skipped=draft.skipped)
    if record is not None and not step.reuse:
        return StepPlan(step, ("its `reuse` is false",))
    if record is not None:
        moved = stale(step, record, known.pinned) or lost_effect(record, known.live)
        return StepPlan(step, (moved,)) if moved else StepPlan(step, (), cached=record)
    last = known.last(step)
    if draft.rerun:
        reasons = ("new",) if last is None else (*_why(step, last, draft.material), _reads(draft.rerun))
        return StepPlan(step, reasons, is_new=last is None, waits=True)
    reasons = _why(step, last, draft.material) or ("its outputs are no longer stored",)
    return StepPlan(step, reasons, is_new=last is None)


def _reads(names: Sequence[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"reads {', '.join(first)} and {last}, which run" if first else f"reads {last}, which runs"


def lost_effect(record: ExecutionRecord, live: Live) -> str:
    """Why a recorded result does not stand: the registry lost the model, or nothing could be decided; else empty."""
    if said := undecided(record):
        return said
    pushed = record.component == "push" and record.notes.get("pushed") is True
    if pushed and live.refreshed and not live.version_of(record.inputs["model"].digest):
        return "the registry no longer has its model"
    return ""


def _skip_reason(step: Step, planned: Mapping[str, StepPlan], history: History) -> str:
    if not step.when:
        return "its `when` is false"
    for wired in step.inputs.values():
        producer = planned[wired.ref.step]
        if producer.skipped and step.rule is Rule.ALL_SUCCESS and not wired.optional:
            return producer.skipped
        if wired.guard and producer.cached is not None:
            refusal = history.refusal(producer.cached.outputs[wired.ref.output])
            if refusal:
                return refusal
    return ""


def _order_reason(step: Step, planned: Mapping[str, StepPlan], history: History) -> str:
    """Why a step will not run because of its order, as far as it is known now: steps that run may still fail."""
    if not step.is_ordered:
        return ""
    before = [planned[id] for id in step.upstream]
    if not any(plan.runs for plan in before):
        states = {plan.step.id: StepState.SKIPPED if plan.skipped else StepState.CACHED for plan in before}
        if stop := stopped(step, states):
            return stop.problem
    elif step.rule is Rule.ALL_SUCCESS and (gone := [id for id in step.after if planned[id].skipped]):
        return planned[gone[0]].skipped
    if step.decision is None or planned[step.decision.ref.step].runs:
        return ""
    cached = planned[step.decision.ref.step].cached
    return history.branch(step.decision, cached.outputs.get(step.decision.ref.output) if cached is not None else None)


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
