"""A run in a process of its own, for tests that end it from outside: ``drive.py FOLDER GRACE STEP=WAY…``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from mlopsctl.ground.errors import Problem
from mlopsctl.orchestrators.local.progress import PlainProgress
from mlopsctl.orchestrators.local.run import Settings, run_pipeline
from mlopsctl.pipeline.ir import ArtifactType, Pipeline, Step
from mlopsctl.step.task import StepResult, StepTask


class FileDriver:
    """Writes each record as a line of ``records.txt``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, step: Step, upstream: object) -> StepTask:
        return StepTask(
            run_id="run",
            step=step.id,
            component=step.component,
            environment="default",
            project=str(self._folder),
            artifacts=str(self._folder / "store"),
            staging="",
            parameters=step.parameters,
            inputs={},
            outputs=step.outputs,
        )

    def started(self, step: Step, attempt: int, log: Path) -> None:
        with (self._folder / "records.txt").open("a") as stream:
            stream.write(f"{step.id} started\n")

    def finished(self, step: Step, attempt: int, a: int, b: int, result: StepResult, log: Path | None) -> None:
        with (self._folder / "records.txt").open("a") as stream:
            stream.write(f"{step.id} {result.state}\n")


def main(folder: Path, grace: float, ways: list[tuple[str, str]]) -> None:
    steps = tuple(
        Step(id, "tests.integration.components.hostile", 1, {}, {"model": ArtifactType.MODEL}, {"way": way})
        for id, way in ways
    )
    settings = Settings(jobs=4, grace=grace)
    with PlainProgress(sys.stderr) as progress:
        run_pipeline(
            Pipeline("p", steps),
            FileDriver(folder),
            progress,
            workspace=folder / "staging",
            logs=folder / "logs",
            settings=settings,
        )


if __name__ == "__main__":
    try:
        pairs = [pair.partition("=") for pair in sys.argv[3:]]
        main(Path(sys.argv[1]), float(sys.argv[2]), [(id, way) for id, _, way in pairs])
    except Problem as problem:
        print(problem, file=sys.stderr)
        sys.exit(int(problem.exit_code))
