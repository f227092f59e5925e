"""Running steps again without leaving a trace: a store of their own, no records, no lock."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.driver import Setting, task_of
from mlopsctl.delivery.pinned import every_artifact
from mlopsctl.delivery.ready import require_step_libraries
from mlopsctl.delivery.release import bring_champion
from mlopsctl.delivery.stores import Stores
from mlopsctl.orchestrators.local.run import Observer, Settings, run_pipeline
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.pipeline.names import model_name
from mlopsctl.step.folders import remove_tree
from mlopsctl.step.task import StepResult, StepTask, TaskInput


class Rerun:
    """Runs steps anew, whatever is known of them, and records nothing."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def prepare(self, step: Step, upstream: Mapping[str, StepResult]) -> StepTask | StepResult:
        """The step's task; never an earlier result."""
        inputs = {
            name: TaskInput(digest, wired.type, wired.guard)
            for name, wired in step.inputs.items()
            if (digest := upstream[wired.ref.step].outputs.get(wired.ref.output)) is not None
        }
        return task_of(step, inputs, self._setting)

    def started(self, step: Step, attempt: int, log: Path) -> None:
        """Nothing is recorded."""

    def finished(
        self, step: Step, attempt: int, started_ms: int, finished_ms: int, result: StepResult, log: Path | None
    ) -> None:
        """Nothing is recorded."""


@contextmanager
def run_again(
    loaded: Loaded,
    stores: Stores,
    pipeline: Pipeline,
    pinned: Mapping[str, str],
    settings: Settings,
    observer: Observer,
) -> Iterator[tuple[Mapping[str, StepResult], ArtifactStore]]:
    """The results, and the store that holds their artifacts until the end of the block.

    Args:
        pinned: state inputs by name, as the plan had pinned them then.
    """
    require_step_libraries()
    run = f"reproduce-{secrets.token_hex(4)}"
    home = stores.home / run
    try:
        artifacts = ArtifactStore(str(home / "artifacts"))
        _bring(loaded, stores, pipeline, pinned, artifacts, home / "pinned")
        setting = Setting(run, loaded.environment, loaded.folder, artifacts.url, stores.tracking, pinned, reuse=False)
        results = run_pipeline(
            pipeline,
            Rerun(setting),
            observer,
            workspace=home / "staging",
            logs=home / "logs",
            settings=settings,
        )
        yield results, artifacts
    finally:
        if home.exists():
            remove_tree(home)


def _bring(
    loaded: Loaded,
    stores: Stores,
    pipeline: Pipeline,
    pinned: Mapping[str, str],
    artifacts: ArtifactStore,
    folder: Path,
) -> None:
    """Have what the plan had pinned then, the champion for one, in the reproduction's own store."""
    for digest in sorted({digest for step in pipeline.steps for digest in every_artifact(step, pinned)}):
        if digest == pinned.get("champion"):
            bring_champion(stores, model_name(loaded.project.name), digest)
        stores.artifacts.fetch(digest, folder)
        artifacts.put(folder)
        shutil.rmtree(folder)
