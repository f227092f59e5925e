"""What a step costs beside its work: 100 steps that only write a small file, one after the other.

``python benchmarks/step_overhead.py`` prints the median wall time per step, from the moment the orchestrator starts an
attempt to the moment its result is known and its outputs stand in the store. The start of the worker is in the first
step, and therefore not in the median; it is printed beside it.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.orchestrators.local.run import Settings, run_pipeline
from mlopsctl.pipeline.ir import ArtifactType, Pipeline, Step
from mlopsctl.step.task import StepResult, StepState, StepTask

STEPS = 100
LIMIT_MS = 50.0

# This file is the component as well, under its full name.
SPEC = ComponentSpec(name="trivial", version=1, inputs={}, outputs={"file": ArtifactType.FILE}, parameters=Parameters)


def run(work: Work, parameters: Parameters) -> Notes:
    """The trivial step."""
    (work.outputs["file"] / "text").write_text(f"written by process {os.getpid()}\n")
    return Notes()


@dataclass
class Stopwatch:
    """A driver without a cache, and an observer that keeps the seconds."""

    folder: Path
    seconds: list[float] = field(default_factory=list)

    def prepare(self, step: Step, upstream: Mapping[str, StepResult]) -> StepTask:
        """Every step runs."""
        return StepTask(
            run_id="benchmark",
            step=step.id,
            component=step.component,
            environment="default",
            project=str(self.folder),
            artifacts=str(self.folder / "store"),
            staging="",
            parameters={},
            inputs={},
            outputs=step.outputs,
        )

    def started(self, step: Step, attempt: int, log: Path | None = None) -> None:
        """Nothing to record."""

    def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
        """Does not happen."""

    def finished(self, step: Step, *ended: object) -> None:
        """As the driver: nothing to record. As the observer: the seconds."""
        result, seconds = ended[0], ended[1]
        if isinstance(result, StepResult) and isinstance(seconds, float):
            if result.state is not StepState.SUCCESS:
                raise SystemExit(f"{step.id}: {result.problem}")
            self.seconds.append(seconds)


def main() -> int:
    """Measure, print, and fail when the limit is passed."""
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    steps = tuple(
        Step(f"step-{n}", "benchmarks.step_overhead", 1, {}, {"file": ArtifactType.FILE}, {}) for n in range(STEPS)
    )
    before = _cpu_seconds()
    with tempfile.TemporaryDirectory() as name:
        watch = Stopwatch(Path(name))
        run_pipeline(
            Pipeline("benchmark", steps),
            watch,
            watch,
            workspace=watch.folder / "staging",
            logs=watch.folder / "logs",
            settings=Settings(jobs=1),
        )
    cpu = (_cpu_seconds() - before) * 1000 / STEPS
    median = statistics.median(watch.seconds) * 1000
    worst = sorted(watch.seconds)[int(0.95 * STEPS)] * 1000
    print(f"first step, with the worker's start: {watch.seconds[0] * 1000:.0f} ms")
    print(f"trivial step over {STEPS}: median {median:.1f} ms, 95 % below {worst:.1f} ms")
    print(f"CPU per step, orchestrator and worker with all: {cpu:.1f} ms")
    print(f"limit {LIMIT_MS:.0f} ms, ratio {median / LIMIT_MS:.2f}")
    return 0 if median <= LIMIT_MS else 1


def _cpu_seconds() -> float:
    """CPU time of this process and of all that ended below it; on a busy machine it says more than wall time."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    sys.exit(main())
