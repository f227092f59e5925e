"""Why a step ran or did not, in the last run and if it were run now: the reasons, back to their roots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.answers.changes import Change, What, changed
from mlopsctl.delivery.answers.find import final, find_step, run_at
from mlopsctl.delivery.plan import Plan
from mlopsctl.delivery.prepare import prepare
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.errors import Problem
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.metadata.trace import before
from mlopsctl.pipeline.ir import Step
from mlopsctl.step.task import StepState

_LEFT = (StepState.SUCCESS, StepState.CACHED)


@dataclass(frozen=True, slots=True)
class Story:
    """Why one step ended as it did in a run.

    Attributes:
        sentence: how it ended and why, complete but for the changes.
        changes: its own: parameters, data, code, packages; inputs are in ``reads``.
        reads: the steps whose changed output it read, or whose end decided about it, by input name.
        run: an earlier run that the sentence refers to.
    """

    step: str
    state: StepState
    sentence: str
    changes: tuple[Change, ...] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    run: str = ""

    @property
    def root(self) -> bool:
        """Whether the reason lies in this step itself."""
        return not self.reads or bool(self.changes)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would become of a step now: ``reuse``, ``run``, ``skip`` or ``unknown``, and the reasons of those above.

    ``reasons`` are by step, the asked one first; ``unknown`` says what stands in the way.
    """

    outcome: str
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Why:
    """Everything to say about a step; ``stories`` begins with the step itself and ends with the roots.

    ``run`` is the newest run that has the step, ``None`` where none has; ``newest`` says whether it is the newest run.
    """

    step: str
    run: RunRecord | None
    newest: bool
    stories: tuple[Story, ...]
    now: Forecast | None


def why_step(folder: Path, environment: str | None, step: str, run: str = "") -> Why:
    """Why the step ran or did not, in its last run or the one named, and what would become of it now.

    Raises:
        UsageProblem: when there is no such step or run.
    """
    with _looking(folder, environment, run) as (loaded, stores, chosen):
        pipeline = {one.id: one for one in _steps(loaded)}
        runs = [chosen] if chosen is not None else stores.metadata.runs(loaded.project.name, loaded.environment, 50)
        ran = {id: None for one in runs[:1] for id in stores.metadata.steps(one.id)}
        find_step(step, (*ran, *(() if chosen is not None else pipeline)), _place(loaded, chosen))
        with_step = next((one for one in runs if step in stores.metadata.steps(one.id)), None)
        stories = tell(stores, with_step, step, pipeline) if with_step is not None else ()
        now = None if run or step not in pipeline else _now(loaded, stores, step)
        return Why(step, with_step, bool(runs) and with_step == runs[0], stories, now)


def tell(stores: Stores, run: RunRecord, step: str, pipeline: Mapping[str, Step]) -> tuple[Story, ...]:
    """The stories of a step and of those its end goes back to, each once, nearest first."""
    steps = final(stores.metadata.executions(run.id))
    stories: dict[str, Story] = {}
    waiting = [step]
    while waiting:
        name = waiting.pop(0)
        if name in stories or name not in steps:
            continue
        earlier = before(stores.metadata, run, name)
        stories[name] = story(steps[name], _last(earlier), steps, pipeline.get(name), _origin(stores, steps[name]))
        waiting += list(stories[name].reads.values())
    return tuple(stories.values())


def story(
    record: ExecutionRecord,
    earlier: ExecutionRecord | None,
    steps: Mapping[str, ExecutionRecord],
    wired: Step | None,
    origin: str = "",
) -> Story:
    """Why one step ended as it did.

    Args:
        earlier: what it left the last time before; ``None`` when it never did.
        steps: the run's steps, to find who made what it read.
        wired: the step as the project has it now, if it has.
        origin: the run whose result was reused.
    """
    name, state = record.step, record.state
    if state is StepState.CACHED:
        since = f" (made by run {origin})" if origin else ""
        return Story(name, state, f"was reused{since}: nothing that it depends on had changed", run=origin)
    if state in (StepState.SKIPPED, StepState.UPSTREAM_FAILED, StepState.CANCELED):
        blockers = _blockers(record, steps, wired)
        words = {StepState.SKIPPED: "was skipped", StepState.CANCELED: "was stopped"}.get(state, "did not run")
        return Story(name, state, f"{words}: {record.problem}", reads=blockers)
    ended = "ran" if state is StepState.SUCCESS else "ran and failed"
    told = f"; it failed with: {record.problem}" if state is StepState.FAILED else ""
    if earlier is None:
        return Story(name, state, f"{ended}, because it had never left a result here before{told}")
    changes = changed(wired, earlier.material, record.material)
    own = tuple(change for change in changes if change.what is not What.INPUT)
    reads = _readers(changes, record, steps, wired)
    pinned = _pinned(earlier, record)
    if not changes and not pinned:
        return Story(
            name,
            state,
            f"{ended}, although nothing had changed since run {earlier.run}: it was run with --no-cache, its result "
            f"was no longer stored, or what it had done outside was undone{told}",
            run=earlier.run,
        )
    reason = "what it depends on changed" if changes else "the plan compares with something else now"
    return Story(
        name, state, f"{ended}, because {reason} since run {earlier.run}{told}", (*own, *pinned), reads, earlier.run
    )


def _readers(
    changes: Sequence[Change], record: ExecutionRecord, steps: Mapping[str, ExecutionRecord], wired: Step | None
) -> dict[str, str]:
    """Who made each changed input, by input name."""
    names = (change.name for change in changes if change.what is What.INPUT and change.after is not None)
    return {name: maker for name in names if (maker := _maker(name, record, steps, wired))}


def _maker(name: str, record: ExecutionRecord, steps: Mapping[str, ExecutionRecord], wired: Step | None) -> str:
    """The step of the run that made an input: as the project is wired, else the last one that left that artifact."""
    if wired is not None and name in wired.inputs and wired.inputs[name].ref.step in steps:
        return wired.inputs[name].ref.step
    digest = record.inputs[name].digest if name in record.inputs else ""
    made = [one.step for one in steps.values() if digest in {artifact.digest for artifact in one.outputs.values()}]
    return next((step for step in reversed(made) if step != record.step), "")


def _blockers(record: ExecutionRecord, steps: Mapping[str, ExecutionRecord], wired: Step | None) -> dict[str, str]:
    """The steps whose end kept this one from running."""
    if wired is None:
        return {}
    guilty = (StepState.FAILED, StepState.UPSTREAM_FAILED, StepState.SKIPPED, StepState.CANCELED)
    found = {}
    for name, one in wired.inputs.items():
        producer = steps.get(one.ref.step)
        if (
            producer is not None
            and producer.state in guilty
            and not (one.optional and record.state is StepState.SKIPPED)
        ):
            found[name] = producer.step
    return found


def _pinned(earlier: ExecutionRecord, record: ExecutionRecord) -> tuple[Change, ...]:
    """What the plan pinned otherwise than before; the clock always moves and is no reason."""
    names = sorted({*earlier.state_inputs, *record.state_inputs} - {"clock"})
    return tuple(
        Change(What.OTHER, f"the {name}", before or None, after or None)
        for name in names
        if (before := earlier.state_inputs.get(name, "")) != (after := record.state_inputs.get(name, ""))
    )


def _last(earlier: Sequence[ExecutionRecord]) -> ExecutionRecord | None:
    return next((record for record in earlier if record.state in _LEFT), None)


def _origin(stores: Stores, record: ExecutionRecord) -> str:
    """The run that made a reused result."""
    if record.state is not StepState.CACHED or not record.key:
        return ""
    made = stores.metadata.executions_of_key(record.key)
    return next((one.run for one in made if one.state is StepState.SUCCESS and one.run != record.run), "")


def _now(loaded: Loaded, stores: Stores, step: str) -> Forecast:
    try:
        plan = prepare(loaded, stores, refresh=False).plan
    except Problem as problem:
        return Forecast("unknown", {step: (str(problem),)})
    return forecast(plan, step)


def forecast(plan: Plan, step: str) -> Forecast:
    """What a plan says of a step, with the reasons of those above that run."""
    steps = {one.step.id: one for one in plan.steps}
    asked = steps[step]
    if asked.cached is not None:
        return Forecast("reuse", {step: (f"its result of run {asked.cached.run} has the same key",)})
    if asked.skipped:
        return Forecast("skip", {step: (asked.skipped,)})
    reasons: dict[str, tuple[str, ...]] = {}
    waiting = [asked]
    while waiting:
        one = waiting.pop(0)
        if one.step.id not in reasons:
            reasons[one.step.id] = one.reasons
            waiting += [above for name in one.step.upstream if (above := steps[name]).runs]
    return Forecast("wait" if asked.waits else "run", reasons)


@contextmanager
def _looking(folder: Path, environment: str | None, run: str) -> Iterator[tuple[Loaded, Stores, RunRecord | None]]:
    """Where to look: at one run, or at the environment's last ones."""
    if run:
        with run_at(folder, environment, run) as found:
            yield found
    else:
        loaded = load_project(folder, environment)
        with open_stores(loaded) as stores:
            yield loaded, stores, None


def _steps(loaded: Loaded) -> tuple[Step, ...]:
    try:
        return lower(loaded).pipeline.steps
    except Problem:
        return ()


def _place(loaded: Loaded, run: RunRecord | None) -> str:
    return f"run {run.id}" if run is not None else loaded.project.name
