"""Run a recorded run again and compare: the same code, data, parameters and packages must give the same artifacts.

A reproduction leaves nothing behind: it has an artifact store of its own for as long as it runs, records nothing, and
stops before anything is asked of a server or the registry. So it changes no later plan, and needs no lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import load_project
from mlopsctl.delivery.answers.changes import Change, What, changed
from mlopsctl.delivery.answers.find import final, run_at
from mlopsctl.delivery.answers.rerun import run_again
from mlopsctl.delivery.git import read_git
from mlopsctl.delivery.refresh import read_surroundings
from mlopsctl.evidence import EVALUATION_FILE, Evaluation, parse
from mlopsctl.ground.errors import StepProblem
from mlopsctl.lowering.lower import executable, lower
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.orchestrators.local.run import Observer, Settings
from mlopsctl.pipeline.ir import ArtifactType, Pipeline
from mlopsctl.step.key import Surroundings, key_material
from mlopsctl.step.task import StepResult, StepState

TOLERANCE = 1e-9
# They act on a server and the registry; what they leave holds times and numbers of versions.
_OUTSIDE = ("preflight", "push")
_LEFT = (StepState.SUCCESS, StepState.CACHED)


@dataclass(frozen=True, slots=True)
class StepDifference:
    """Why a step is not the one that ran then; ``problem`` where it cannot be compared at all."""

    step: str
    changes: tuple[Change, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """One artifact, then and now; ``now`` is empty where the step left none this time."""

    step: str
    name: str
    then: str
    now: str

    @property
    def same(self) -> bool:
        """Whether it is the same, byte for byte."""
        return self.then == self.now


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, then and now; ``slice`` is empty for all rows."""

    metric: str
    slice: str
    then: float | None
    now: float | None

    @property
    def same(self) -> bool:
        """Whether both are equal within 1e-9, relative for numbers above one."""
        if self.then is None or self.now is None:
            return self.then is self.now
        return abs(self.then - self.now) <= TOLERANCE * max(1.0, abs(self.then))


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of running it again.

    Attributes:
        differences: what is not as it was then, by step; unless asked to go on anyway nothing was run then.
        ran: whether it was run.
        failed: steps that failed this time, with the problem.
        outputs, metrics: then and now, in the order of the steps.
        notes: what was left out.
    """

    run: RunRecord
    commit: str
    dirty: bool
    differences: tuple[StepDifference, ...]
    ran: bool
    failed: Mapping[str, str]
    outputs: tuple[Output, ...]
    metrics: tuple[Metric, ...]
    notes: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether every artifact is the same, byte for byte."""
        return self.ran and not self.failed and all(output.same for output in self.outputs)

    @property
    def equal_metrics(self) -> bool:
        """Whether there are metrics and all are equal within 1e-9."""
        return bool(self.metrics) and all(metric.same for metric in self.metrics)

    @property
    def same(self) -> bool:
        """Whether the run was reproduced: in every byte, or in every metric."""
        return self.ran and not self.failed and (self.identical or self.equal_metrics)

    @property
    def first_difference(self) -> str:
        """The first step whose result is another one; empty for none."""
        steps = (*self.failed, *(output.step for output in self.outputs if not output.same))
        order = [output.step for output in self.outputs]
        return min(steps, key=lambda step: order.index(step) if step in order else 0, default="")


def reproduce(
    folder: Path, environment: str | None, text: str, settings: Settings, observer: Observer, *, anyway: bool = False
) -> Reproduction:
    """Run the run again that the text names.

    Args:
        anyway: also when code, data, parameters or packages are not those of the run.

    Raises:
        UsageProblem: when there is no such run, or it has no step to run again.
        InvalidProject: when the project cannot be used with the parameters of the run.
    """
    with run_at(folder, environment, text) as (found, stores, run):
        loaded = load_project(folder, found.environment, run.parameters)
        recorded = {s: r for s, r in final(stores.metadata.executions(run.id)).items() if r.component not in _OUTSIDE}
        then = {step: record for step, record in recorded.items() if record.state in _LEFT}
        if not then:
            raise StepProblem.because(
                "nothing-to-reproduce", f"no step of run {run.id} left a result", hint="choose a run that ended well"
            )
        lowered = executable(lower(loaded))
        around = read_surroundings(loaded, lowered.pipeline, stores)
        pipeline, missing = _selected(lowered.pipeline, then)
        differences = (*missing, *_differences(pipeline, then, around))
        git = read_git(loaded.folder)
        left_out = tuple(
            f"{step} ended {record.state} then, and is left out"
            for step, record in recorded.items()
            if step not in then
        )
        before = Reproduction(run, git.commit, git.dirty, differences, False, {}, (), (), left_out)
        if missing or (differences and not anyway):
            return before
        pinned = {name: value for record in then.values() for name, value in record.state_inputs.items() if value}
        with run_again(loaded, stores, pipeline, pinned, settings, observer) as (results, artifacts):
            failed = {step: result.problem for step, result in results.items() if result.state is not StepState.SUCCESS}
            return replace(
                before,
                ran=True,
                failed=failed,
                outputs=tuple(_outputs(pipeline, then, results)),
                metrics=tuple(_metrics(pipeline, then, results, stores.artifacts, artifacts)),
            )


def _selected(pipeline: Pipeline, then: Mapping[str, ExecutionRecord]) -> tuple[Pipeline, tuple[StepDifference, ...]]:
    """The steps that left something then, without inputs that nothing left; and those that the project has no more."""
    steps = tuple(
        replace(step, inputs={name: wired for name, wired in step.inputs.items() if wired.ref.step in then})
        for step in pipeline.steps
        if step.id in then
    )
    known = {step.id for step in steps}
    gone = tuple(StepDifference(step, problem="is no longer in the pipeline") for step in then if step not in known)
    return replace(pipeline, steps=steps), gone


def _differences(
    pipeline: Pipeline, then: Mapping[str, ExecutionRecord], around: Surroundings
) -> Iterator[StepDifference]:
    """What is not as it was then: everything but the inputs, which running again makes anew."""
    for step in pipeline.steps:
        record = then[step.id]
        inputs = {name: artifact.digest for name, artifact in record.inputs.items()}
        changes = list(changed(step, record.material, key_material(step, inputs, around)))
        for name in sorted({*record.inputs} ^ {*step.inputs}):
            before = inputs.get(name)
            wired = step.inputs.get(name)
            changes.append(Change(What.INPUT, name, before, str(wired.ref) if wired is not None else None))
        if changes:
            yield StepDifference(step.id, tuple(changes))


def _outputs(
    pipeline: Pipeline, then: Mapping[str, ExecutionRecord], results: Mapping[str, StepResult]
) -> Iterator[Output]:
    for step in pipeline.steps:
        for name, artifact in then[step.id].outputs.items():
            yield Output(step.id, name, artifact.digest, results[step.id].outputs.get(name, ""))


def _metrics(
    pipeline: Pipeline,
    then: Mapping[str, ExecutionRecord],
    results: Mapping[str, StepResult],
    old: ArtifactStore,
    new: ArtifactStore,
) -> Iterator[Metric]:
    """The measurements of every evaluation, then and now, as far as the store still has those of then."""
    for step in pipeline.steps:
        for name, artifact in then[step.id].outputs.items():
            now = results[step.id].outputs.get(name)
            if artifact.type is ArtifactType.EVALUATION and now is not None and old.has(artifact.digest):
                yield from _compared(_evaluation(old, artifact.digest), _evaluation(new, now))


def _compared(then: Evaluation, now: Evaluation) -> Sequence[Metric]:
    before = {(m.metric, m.slice): m.value for m in then.measurements}
    after = {(m.metric, m.slice): m.value for m in now.measurements}
    names = dict.fromkeys((*before, *after))
    return [Metric(metric, part, before.get((metric, part)), after.get((metric, part))) for metric, part in names]


def _evaluation(store: ArtifactStore, digest: str) -> Evaluation:
    return parse(Evaluation, store.read(digest, EVALUATION_FILE))
