"""What the local orchestrator asks for each step: its task or its cached result before, its record after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.plan import History
from mlopsctl.delivery.steps import lost_effect
from mlopsctl.ground.digest import Json
from mlopsctl.ground.log import log_for
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.pipeline.ir import Step
from mlopsctl.step.key import Surroundings, key_material, step_key
from mlopsctl.step.order import branch_of
from mlopsctl.step.pinned import artifacts, clock, parameters, stale
from mlopsctl.step.task import StepResult, StepState, StepTask, TaskInput


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a run happens: folders and addresses that every step's task names.

    ``moved`` says whether a step's data or code changed after the plan was made. ``own_process`` is false where steps
    run in the command's process: then their surroundings are not those that a key stands for, and nothing finds their
    results again.
    """

    run_id: str
    environment: str
    project: Path
    artifacts: str
    tracking: str
    pinned: Mapping[str, str]
    live: Live = Live()
    reuse: bool = True
    moved: Callable[[Step], bool] = lambda step: False
    own_process: bool = True


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a step stands on, once its inputs are known; empty for one that never got so far."""

    key: str = ""
    material: Json = None
    inputs: Mapping[str, ArtifactRecord] = field(default_factory=dict)


_log = log_for("steps")


class StepDriver:
    """Prepares and records the steps of one run.

    Reused steps are recorded together when the run ends, attempts one by one as they end: what a person was told has
    happened is on disk before it is told. ``planned`` are the results that the plan found for steps with known
    inputs; where the inputs come out so, they are taken as they are.
    """

    def __init__(
        self,
        setting: Setting,
        around: Surroundings,
        history: History,
        metadata: MetadataStore,
        artifacts: ArtifactStore,
        planned: Mapping[str, ExecutionRecord],
    ) -> None:
        self._setting = setting
        self._around = around
        self._history = history
        self._metadata = metadata
        self._artifacts = artifacts
        self._planned = planned if setting.reuse else {}
        self._prepared: dict[str, _Prepared] = {}
        self._reused: list[ExecutionRecord] = []

    def prepare(self, step: Step, upstream: Mapping[str, StepResult]) -> StepTask | StepResult:
        """The step's result when it is already known, else its task."""
        stop = branch_of(step, _said(step, upstream), self._artifacts)
        if stop is not None:
            return StepResult(stop.state, problem=stop.problem)
        digests = {
            name: digest
            for name, wired in step.inputs.items()
            if (digest := upstream[wired.ref.step].outputs.get(wired.ref.output)) is not None
        }
        planned = self._planned.get(step.id)
        if planned is not None and digests == {name: artifact.digest for name, artifact in planned.inputs.items()}:
            self._prepared[step.id] = _Prepared(planned.key, planned.material, planned.inputs)
            return reused(planned)
        material = key_material(step, digests, self._around)
        key = step_key(material)
        inputs = {
            name: ArtifactRecord(digest, step.inputs[name].type, self._artifacts.uri(digest))
            for name, digest in digests.items()
        }
        self._prepared[step.id] = _Prepared(key, material, inputs)
        return self._known(step, key) or self._task(step, inputs)

    def started(self, step: Step, attempt: int, log: Path) -> None:
        """Nothing to record: an attempt counts once it ends."""

    def finished(
        self, step: Step, attempt: int, started_ms: int, finished_ms: int, result: StepResult, log: Path | None
    ) -> None:
        """Record how an attempt ended, before anybody is told."""
        prepared = self._prepared.get(step.id, _Prepared())
        if result.state is StepState.SUCCESS and (not self._setting.own_process or self._setting.moved(step)):
            # Nobody knows which bytes it read, so its result is good for this run and is never found by its key.
            prepared = replace(prepared, key="")
        record = ExecutionRecord(
            run=self._setting.run_id,
            step=step.id,
            component=step.component,
            state=result.state,
            key=prepared.key,
            material=prepared.material,
            started=started_ms,
            finished=finished_ms,
            attempt=attempt,
            inputs=prepared.inputs,
            outputs={
                name: ArtifactRecord(digest, step.outputs[name], self._artifacts.uri(digest))
                for name, digest in result.outputs.items()
            },
            state_inputs={name: self._setting.pinned.get(name, "") for name in step.state_inputs},
            notes=result.notes,
            line=result.line,
            problem=result.problem,
            hint=result.hint,
            log=str(log.relative_to(self._setting.project)) if log is not None else "",
        )
        _log.info(
            "step ended",
            run=self._setting.run_id,
            step=step.id,
            attempt=attempt,
            state=result.state.value,
            seconds=round(result.seconds, 3),
            problem=result.problem,
        )
        if result.state is StepState.CACHED:
            self._reused.append(record)
        else:
            self._metadata.record([record])

    def close(self) -> None:
        """Record the reused steps, in one transaction."""
        if self._reused:
            self._metadata.record(self._reused)
            self._reused = []

    def _known(self, step: Step, key: str) -> StepResult | None:
        if not self._setting.reuse or not step.reuse:
            return None
        record = self._history.cached([key]).get(key)
        if record is None or stale(step, record, self._setting.pinned):
            return None
        if lost_effect(record, self._setting.live):
            return None
        return reused(record)

    def _task(self, step: Step, inputs: Mapping[str, ArtifactRecord]) -> StepTask:
        read = {
            name: TaskInput(artifact.digest, artifact.type, guard=step.inputs[name].guard)
            for name, artifact in inputs.items()
        }
        return task_of(step, read, self._setting)


def _said(step: Step, upstream: Mapping[str, StepResult]) -> dict[str, str | None]:
    """The digest of the output that decides about a step, by its name."""
    if step.decision is None:
        return {}
    ref = step.decision.ref
    return {str(ref): upstream[ref.step].outputs.get(ref.output)}


def task_of(step: Step, inputs: Mapping[str, TaskInput], setting: Setting) -> StepTask:
    """A step's task, its ``staging`` still empty."""
    return StepTask(
        run_id=setting.run_id,
        step=step.id,
        component=step.component,
        environment=setting.environment,
        project=str(setting.project),
        artifacts=setting.artifacts,
        staging="",
        parameters=parameters(step, setting.pinned),
        inputs=inputs,
        outputs=step.outputs,
        state=artifacts(step, setting.pinned, [given.digest for given in inputs.values()]),
        tracking=setting.tracking,
        seed=step.seed or 0,
        clock=clock(step, setting.pinned),
    )


def reused(record: ExecutionRecord) -> StepResult:
    """The result of a step whose recorded execution is taken again."""
    return StepResult(
        state=StepState.CACHED,
        outputs={name: artifact.digest for name, artifact in record.outputs.items()},
        notes=record.notes,
        line=record.line,
    )
