"""The run of an interval on the environment's orchestrator, as a pipeline of its own that ends at the verdict.

It stands there under the name of the environment's pipeline with ``-interval`` behind it and has no schedule, so that
the environment's own pipeline is left as it is.
"""

from __future__ import annotations

from dataclasses import replace

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.begin import new_run
from mlopsctl.delivery.driver import reused
from mlopsctl.delivery.elsewhere.engines import Elsewhere, elsewhere
from mlopsctl.delivery.elsewhere.run import Asked, run_there
from mlopsctl.delivery.environment import writing
from mlopsctl.delivery.findings import findings_of
from mlopsctl.delivery.outcome import Outcome
from mlopsctl.delivery.prepare import Prepared, prepare
from mlopsctl.delivery.release import bring_champion
from mlopsctl.delivery.select_steps import before_outside
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import UsageProblem
from mlopsctl.lowering.lower import Lowered, executable, lower
from mlopsctl.orchestrators.local.contract import Observer
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.pipeline.names import model_name

SUFFIX = "-interval"


def run_interval_there(loaded: Loaded, observer: Observer, *, reuse: bool) -> Outcome:
    """Run the project's interval on its orchestrator up to the verdict, or take the results that are there.

    Raises:
        UsageProblem: when the environment runs on this machine.
        Problem: when the orchestrator refuses the pipeline or does not answer.
    """
    if loaded.project.orchestrator.kind == "local":
        raise UsageProblem.because(
            "nothing-there",
            f"--there is for an orchestrator elsewhere, and {loaded.environment} runs on this machine",
            hint="leave it out",
        )
    with open_stores(loaded) as stores, writing(loaded, stores):
        prepared = prepare(loaded, stores, refresh=False)
        pipeline = before_outside(prepared.lowered.pipeline)
        known = {one.step.id: one.cached for one in prepared.plan.steps if one.cached is not None}
        if reuse and all(step.id in known for step in pipeline.steps):
            results = {step.id: reused(known[step.id]) for step in pipeline.steps}
            run = max(known[step.id].run for step in pipeline.steps)
            findings = findings_of(pipeline, results, stores.artifacts)
            return Outcome(run, loaded.environment, results, findings, judged_only=True)
        return _run(loaded, prepared, pipeline, stores, observer)


def _run(loaded: Loaded, prepared: Prepared, pipeline: Pipeline, stores: Stores, observer: Observer) -> Outcome:
    there = _beside(loaded)
    if there.deployed is None or there.deployed.version != there.wanted.bundle.digest:
        there.engine.deploy(there.wanted)
    bring_champion(stores, model_name(loaded.project.name), prepared.plan.pinned.get("champion", ""))
    seal = prepared.plan.seal
    parameters = loaded.project.parameters
    record = new_run(loaded, loaded.environment, seal.pipeline, prepared.plan.digest, parameters)
    results = run_there(there, Asked(record, pipeline, prepared.plan.pinned), stores, observer)
    findings = findings_of(pipeline, results, stores.artifacts)
    outcome = Outcome(record.id, loaded.environment, results, findings, judged_only=True)
    state = "failed" if outcome.failed else "success"
    stores.metadata.finish_run(record.id, state, int(outcome.exit_code), now_ms())
    return outcome


def _beside(loaded: Loaded) -> Elsewhere:
    """The pipeline that ends at the verdict, and what of it stands there."""
    quiet = loaded.project.model_copy(update={"triggers": (), "notify": ()})
    named = replace(loaded, project=quiet, environment=loaded.environment + SUFFIX)
    found = elsewhere(named, _up_to_verdict(executable(lower(named))), ask=True)
    if found is None:
        raise TypeError("the environment runs on this machine")
    return found


def _up_to_verdict(lowered: Lowered) -> Lowered:
    return replace(lowered, pipeline=before_outside(lowered.pipeline))
