"""The newest rows of a dataset, read and judged as a run would: the same steps in processes of their own.

A step of a database alone gets its secret, one of BigQuery its credentials, and a source that is a function of the
project is called there. Nothing of it is recorded or kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.checks import Drift
from mlopsctl.checks.drift import PREVIOUS
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.driver import Setting, task_of
from mlopsctl.delivery.pinned import moment
from mlopsctl.delivery.stores import Stores
from mlopsctl.evidence import ANOMALIES_FILE, Anomalies, CheckResult
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.lowering.data_steps import data_steps
from mlopsctl.lowering.requirements import with_requirements
from mlopsctl.orchestrators.local.run import Settings, run_pipeline
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step.pinned import CLOCK
from mlopsctl.step.pinned import PREVIOUS as PREVIOUS_OF
from mlopsctl.step.task import StepResult, StepTask, TaskInput

_STEPS = ("ingest", "statistics", "schema", "validate")


@dataclass(frozen=True, slots=True)
class Newest:
    """What the checks say of the newest rows; ``rows`` is the digest of these."""

    rows: str
    checks: tuple[CheckResult, ...]


def judge_newest(
    loaded: Loaded, stores: Stores, dataset: str, checks: Sequence[Drift], reference: str, most_rows: int
) -> Newest:
    """Read the rows where they stand, and let the checks compare them with a reference.

    Args:
        reference: the digest of the statistics to compare with, in the environment's artifact store.
        most_rows: the most rows that are read.

    Raises:
        StepProblem: when they cannot be read, or are more than that.
    """
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as temporary:
        folder = Path(temporary)
        own = ArtifactStore(str(folder / "artifacts"))
        stores.artifacts.fetch(reference, folder / "reference")
        own.put(folder / "reference")
        steps = _steps(loaded, dataset, checks, most_rows)
        setting = Setting(
            run_id=f"drift-{loaded.environment}",
            environment=loaded.environment,
            project=loaded.folder,
            artifacts=own.url,
            tracking="",
            pinned={CLOCK: moment()},
        )
        results = run_pipeline(
            Pipeline(loaded.project.name, steps),
            _Driver(setting, {f"{PREVIOUS_OF}{dataset}": reference}),
            _Silent(),
            workspace=stores.home / "staging",
            logs=folder / "logs",
            settings=Settings(jobs=1),
        )
        own.fetch(_output(results, steps[-1]), folder / "anomalies")
        found = evidence.read(Anomalies, folder / "anomalies", ANOMALIES_FILE)
        return Newest(_output(results, steps[0]), found.checks)


def _steps(loaded: Loaded, dataset: str, checks: Sequence[Drift], most_rows: int) -> tuple[Step, ...]:
    """The steps of one dataset, with a bound on its rows, the drift checks alone, and one reference for all."""
    wanted = {f"{name}-{dataset}": name for name in _STEPS}
    steps = {wanted[one.id]: one for one in with_requirements(loaded, data_steps(loaded)) if one.id in wanted}
    ingest, validate = steps["ingest"], steps["validate"]
    against: list[Json] = [check.model_copy(update={"against": PREVIOUS}).model_dump(mode="json") for check in checks]
    steps["ingest"] = replace(ingest, parameters={**ingest.parameters, "most_rows": most_rows})
    steps["validate"] = replace(
        validate,
        inputs={name: wired for name, wired in validate.inputs.items() if wired.ref.step in wanted},
        parameters={"dataset": dataset, "checks": against},
    )
    return tuple(steps[name] for name in _STEPS)


def _output(results: Mapping[str, StepResult], step: Step) -> str:
    """The digest of a step's one output."""
    for result in results.values():
        if result.problem:
            raise StepProblem.because("rows-not-judged", result.problem, hint=result.hint)
    (name,) = step.outputs
    return results[step.id].outputs[name]


class _Driver:
    """Gives each step its task; ``state`` are digests by name that the checks compare with."""

    def __init__(self, setting: Setting, state: Mapping[str, str]) -> None:
        self._setting = setting
        self._state = state

    def prepare(self, step: Step, upstream: Mapping[str, StepResult]) -> StepTask | StepResult:
        read = {
            name: TaskInput(upstream[wired.ref.step].outputs[wired.ref.output], step.inputs[name].type)
            for name, wired in step.inputs.items()
        }
        task = task_of(step, read, self._setting)
        return replace(task, state=self._state) if step.component == "validate" else task

    def started(self, step: Step, attempt: int, log: Path) -> None:
        """Nothing is recorded."""

    def finished(
        self, step: Step, attempt: int, started_ms: int, finished_ms: int, result: StepResult, log: Path | None
    ) -> None:
        """Nothing is recorded."""


class _Silent:
    """A look shows what came of it, not its steps."""

    def started(self, step: Step, attempt: int) -> None:
        """Nothing is shown."""

    def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
        """Nothing is shown."""

    def finished(self, step: Step, result: StepResult, seconds: float) -> None:
        """Nothing is shown."""
