"""Running some steps of a pipeline: which ones are meant, and where the others' results come from.

What is left out is not run: its result is the one of the plan where that still holds, else the newest that is stored.
A step's key covers what it read, so a result made from an old input is never taken for one made from a new input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.hints import did_you_mean
from mlopsctl.delivery.driver import reused
from mlopsctl.delivery.plan import Plan, StepPlan
from mlopsctl.ground.errors import Diagnostic, StepProblem, UsageProblem
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.orchestrators.local.run import Driver, Observer
from mlopsctl.pipeline.ir import Pipeline, Rule, Step
from mlopsctl.step.task import StepResult, StepState, StepTask

# They act on a server and the registry.
_OUTSIDE = ("preflight", "push")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which steps a person asked for: only one, or those from one on, or those up to one, or between two."""

    only: str = ""
    first: str = ""
    until: str = ""

    @property
    def whole(self) -> bool:
        """Whether everything is meant."""
        return not (self.only or self.first or self.until)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The part of a pipeline to run.

    Attributes:
        pipeline: the chosen steps with those they read.
        borrowed: the results of the latter, which are not run.
        notes: which of them are not what they would be if they were run now.
    """

    pipeline: Pipeline
    borrowed: Mapping[str, StepResult] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def up_to_verdict(
    pipeline: Pipeline,
    selection: Selection,
    plan: Plan,
    latest: Mapping[str, ExecutionRecord],
    artifacts: ArtifactStore,
) -> Chosen:
    """What `run` runs: the steps up to the verdict, or those of them that were asked for; see :func:`narrow`."""
    outside = [step.id for step in pipeline.steps if step.component in _OUTSIDE]
    inside = replace(pipeline, steps=tuple(step for step in pipeline.steps if step.id not in outside))
    wanted = choose(inside, selection, outside)
    return Chosen(inside) if selection.whole else narrow(inside, wanted, plan, latest, artifacts)


def before_outside(pipeline: Pipeline) -> Pipeline:
    """The pipeline without the steps that act on a server and the registry."""
    return replace(pipeline, steps=tuple(step for step in pipeline.steps if step.component not in _OUTSIDE))


def choose(pipeline: Pipeline, selection: Selection, elsewhere: Iterable[str] = ()) -> frozenset[str]:
    """The ids of the steps that are meant.

    Args:
        elsewhere: steps that the command never runs, for the message.

    Raises:
        UsageProblem: when a name is no step, or nothing lies between two steps.
    """
    if selection.only and (selection.first or selection.until):
        raise UsageProblem.because(
            "step-or-range", "--step is one step, --from and --until are a range", hint="leave out one of them"
        )
    known = {step.id for step in pipeline.steps}
    for name in filter(None, (selection.only, selection.first, selection.until)):
        if name not in known:
            raise _unknown(name, pipeline, elsewhere)
    if selection.only:
        return frozenset((selection.only,))
    below = _reachable(selection.first, _followers(pipeline)) if selection.first else known
    above = (
        _reachable(selection.until, {step.id: step.upstream for step in pipeline.steps}) if selection.until else known
    )
    if not below & above:
        raise UsageProblem.because(
            "no-steps",
            f"no step lies from {selection.first} until {selection.until}",
            hint=f"{selection.until} does not read what {selection.first} leaves; `mlopsctl graph` shows the wires",
        )
    return frozenset(below & above)


def narrow(
    pipeline: Pipeline,
    wanted: frozenset[str],
    plan: Plan,
    latest: Mapping[str, ExecutionRecord],
    artifacts: ArtifactStore,
) -> Chosen:
    """The part of the pipeline to run, with the results that it stands on.

    Args:
        latest: the newest execution of each step that left outputs.

    Raises:
        StepProblem: when a step reads what was never made, naming what to run first.
    """
    plans = {one.step.id: one for one in plan.steps}
    read = {ref.step for step in pipeline.steps if step.id in wanted for ref in step.reads} - wanted
    found: dict[str, ExecutionRecord] = {}
    for name in read:
        record = plans[name].cached or latest.get(name)
        if record is not None and _stored(record, artifacts):
            found[name] = record
    steps = tuple(_cut(step, wanted, found, plans) for step in pipeline.steps if step.id in wanted or step.id in found)
    notes = [
        f"{name} was not run: {_stale(plans[name], record)}" for name, record in found.items() if not plans[name].cached
    ]
    return Chosen(
        replace(pipeline, steps=steps), {name: reused(record) for name, record in found.items()}, tuple(sorted(notes))
    )


class BorrowingDriver:
    """A driver for which borrowed steps are done: nothing is asked or recorded about them."""

    def __init__(self, driver: Driver, borrowed: Mapping[str, StepResult]) -> None:
        self._driver = driver
        self._borrowed = borrowed

    def prepare(self, step: Step, upstream: Mapping[str, StepResult]) -> StepTask | StepResult:
        """A borrowed result, or what the driver says."""
        return self._borrowed.get(step.id) or self._driver.prepare(step, upstream)

    def started(self, step: Step, attempt: int, log: Path) -> None:
        """Passed on; borrowed steps never start."""
        self._driver.started(step, attempt, log)

    def finished(
        self, step: Step, attempt: int, started_ms: int, finished_ms: int, result: StepResult, log: Path | None
    ) -> None:
        """Passed on for steps of this run."""
        if step.id not in self._borrowed:
            self._driver.finished(step, attempt, started_ms, finished_ms, result, log)


class BorrowingObserver:
    """An observer that hears nothing of borrowed steps."""

    def __init__(self, observer: Observer, borrowed: Mapping[str, StepResult]) -> None:
        self._observer = observer
        self._borrowed = borrowed

    def started(self, step: Step, attempt: int) -> None:
        """Passed on; borrowed steps never start."""
        self._observer.started(step, attempt)

    def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
        """Passed on."""
        self._observer.retrying(step, attempt, result)

    def finished(self, step: Step, result: StepResult, seconds: float) -> None:
        """Passed on for steps of this run."""
        if step.id not in self._borrowed:
            self._observer.finished(step, result, seconds)


def _cut(
    step: Step, wanted: frozenset[str], found: Mapping[str, ExecutionRecord], plans: Mapping[str, StepPlan]
) -> Step:
    """The step with the inputs that there are; a borrowed one reads nothing, for it is not run."""
    if step.id not in wanted:
        return replace(step, inputs={}, after=(), decision=None, rule=Rule.ALL_SUCCESS)
    missing = {
        wired.ref.step: wired.optional
        for wired in step.inputs.values()
        if wired.ref.step not in wanted and wired.ref.step not in found
    }
    if step.decision is not None and step.decision.ref.step not in wanted | found.keys():
        missing[step.decision.ref.step] = False
    needed = [name for name, optional in missing.items() if not optional]
    if needed:
        raise _never_made(step, needed, plans)
    # What runs elsewhere or was run before has ended: only steps of this run are waited for.
    after = tuple(name for name in step.after if name in wanted)
    inputs = {name: wired for name, wired in step.inputs.items() if wired.ref.step not in missing}
    return replace(step, inputs=inputs, after=after, rule=step.rule if after or inputs else Rule.ALL_SUCCESS)


def _never_made(step: Step, needed: Sequence[str], plans: Mapping[str, StepPlan]) -> StepProblem:
    found = []
    for name in needed:
        why = plans[name].skipped
        told = f", which is skipped: {why}" if why else ", and no result of it is stored"
        hint = f"`mlopsctl run --until {name}` runs it with everything that it needs"
        found.append(Diagnostic("needs-step", f"{step.id} reads {name}{told}", hint="" if why else hint))
    return StepProblem(found)


def _stored(record: ExecutionRecord, artifacts: ArtifactStore) -> bool:
    if record.state not in (StepState.SUCCESS, StepState.CACHED):
        return False
    wanted = {artifact.digest for artifact in record.outputs.values()}
    return artifacts.has_many(wanted) == wanted


def _stale(plan: StepPlan, record: ExecutionRecord) -> str:
    why = plan.skipped or "; ".join(plan.reasons)
    return f"its result of run {record.run} was taken, although it is not up to date ({why})"


def _followers(pipeline: Pipeline) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {step.id: [] for step in pipeline.steps}
    for step in pipeline.steps:
        for producer in step.upstream:
            if producer in found:
                found[producer].append(step.id)
    return found


def _reachable(start: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        new = set(edges[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


def _unknown(name: str, pipeline: Pipeline, elsewhere: Iterable[str]) -> UsageProblem:
    if name in elsewhere:
        return UsageProblem.because(
            "not-run-here",
            f"{name} is no step of `run`, which ends at the verdict",
            hint="`mlopsctl apply` does the rest",
        )
    ids = [step.id for step in pipeline.steps]
    near = did_you_mean(name, ids)
    hint = f"did you mean {near}?" if near else f"steps: {', '.join(ids[:20])}"
    return UsageProblem.because("unknown-step", f"there is no step {printable(name)}", hint=hint)
