"""Run the steps of a plan, here or on the orchestrator, and record them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.begin import new_run, recording
from mlopsctl.delivery.driver import Setting, StepDriver
from mlopsctl.delivery.elsewhere.run import Asked, run_there
from mlopsctl.delivery.plan import Seal
from mlopsctl.delivery.prepare import Prepared
from mlopsctl.delivery.promotion import follow
from mlopsctl.delivery.ready import require_step_libraries
from mlopsctl.delivery.refresh import moved_since
from mlopsctl.delivery.release import bring_champion
from mlopsctl.delivery.select_steps import BorrowingDriver, BorrowingObserver, Selection
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.log import log_for
from mlopsctl.orchestrators.local.run import Observer, Settings, run_pipeline
from mlopsctl.pipeline.names import model_name
from mlopsctl.step.task import StepResult

_log = log_for("apply")


@dataclass(frozen=True, slots=True)
class Options:
    """How to apply.

    Attributes:
        sealed: the seal of a saved plan.
        release_hold: lift the hold of a rollback.
        broken: gates to break by hand, with the ``reason``.
        adopted: a registered model (``models:/name/3``) that takes the place of one that would be trained.
        selection: the steps to run; only :func:`run` can run some.
        cause: the trigger that asks for it, as the run is recorded with; empty for a person.
        always: run and record it, even where every result is known; on this machine only.
    """

    settings: Settings = Settings()
    sealed: Seal | None = None
    release_hold: bool = False
    reuse: bool = True
    broken: tuple[str, ...] = ()
    reason: str = ""
    adopted: str = ""
    selection: Selection = Selection()
    cause: str = ""
    always: bool = False


def execute(
    loaded: Loaded, stores: Stores, prepared: Prepared, options: Options, observer: Observer
) -> tuple[str, Mapping[str, StepResult]]:
    """Run the pipeline's steps and record them; the run's id and every step's result."""
    bring_champion(stores, model_name(loaded.project.name), prepared.plan.pinned.get("champion", ""))
    follow.bring(loaded, stores, prepared.plan.pinned)
    seal = prepared.plan.seal
    parameters = loaded.project.parameters
    record = new_run(loaded, loaded.environment, seal.pipeline, prepared.plan.digest, parameters, options.cause)
    if prepared.there is not None:
        asked = Asked(record, prepared.lowered.pipeline, prepared.plan.pinned)
        return record.id, run_there(prepared.there, asked, stores, observer)
    require_step_libraries()
    _log.info(
        "run begins", run=record.id, project=record.project, environment=record.environment, plan=record.plan_digest
    )
    setting = Setting(
        run_id=record.id,
        environment=loaded.environment,
        project=loaded.folder,
        artifacts=stores.artifacts_url,
        tracking=stores.tracking,
        pinned=prepared.plan.pinned,
        live=prepared.live,
        reuse=options.reuse,
        moved=moved_since(loaded, stores, prepared.around),
        own_process=not options.settings.in_process,
    )
    planned = {plan.step.id: plan.cached for plan in prepared.plan.steps if plan.cached is not None}
    driver = StepDriver(setting, prepared.around, prepared.history, stores.metadata, stores.artifacts, planned)
    with recording(stores, record, driver):
        results = run_pipeline(
            prepared.lowered.pipeline,
            BorrowingDriver(driver, prepared.borrowed),
            BorrowingObserver(observer, prepared.borrowed),
            workspace=stores.home / "staging",
            logs=stores.home / "runs" / record.id,
            settings=options.settings,
        )
    return record.id, results
