"""Apply: make the plan under the lock, run what it says, let the verdict decide, settle the release."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.driver import reused
from mlopsctl.delivery.elsewhere.lines import ENGINE_KINDS
from mlopsctl.delivery.environment import last_findings, writing
from mlopsctl.delivery.execute import Options, execute
from mlopsctl.delivery.findings import findings_of
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.outcome import Outcome
from mlopsctl.delivery.override import asked
from mlopsctl.delivery.plan import Plan, Seal
from mlopsctl.delivery.policy import gates_json
from mlopsctl.delivery.prepare import Prepared, prepare
from mlopsctl.delivery.promotion import approval, follow
from mlopsctl.delivery.promotion.revert import lift_lock
from mlopsctl.delivery.release import intended, settle, take_over
from mlopsctl.delivery.select_steps import up_to_verdict
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.delivery.telling import tell_outcome
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import Diagnostic, ExitCode, Locked, Problem
from mlopsctl.ground.log import log_for
from mlopsctl.metadata.records import Intent
from mlopsctl.metadata.state import Lease
from mlopsctl.orchestrators.local.run import Observer
from mlopsctl.step.task import StepResult, StepState

_log = log_for("apply")


def apply(loaded: Loaded, options: Options, observer: Observer, confirm: Callable[[Plan], bool]) -> Outcome | None:
    """Do what the plan says, as the environment's only writer. ``None`` when ``confirm`` said no.

    Raises:
        Locked: when somebody else writes, or a saved plan no longer fits, naming what moved.
        Problem: when a service fails; what was recorded stays, and the next apply goes on from there.
    """
    if not options.adopted:
        follow.require_lock(loaded)
    with open_stores(loaded) as stores, writing(loaded, stores) as lease:
        take_over(stores, lease)
        broken = options.broken
        override = asked(loaded, *last_findings(loaded, stores), broken, options.reason) if broken else None
        prepared = prepare(
            loaded,
            stores,
            lift_hold=options.release_hold,
            override=override,
            adopted=options.adopted,
            collecting=True,
        )
        _refuse_stale(options.sealed, prepared.plan.seal)
        approved = _allowed(loaded, stores, prepared)
        if not confirm(prepared.plan):
            return None
        approval.spend(stores, lease, approved)
        if options.release_hold or prepared.lifts:
            stores.state.release_hold(lease)
        if options.release_hold:
            lift_lock(loaded)
        started = time.monotonic()
        _deploy(prepared, stores, lease)
        recorded = _has_work(prepared) or not options.reuse or (options.always and prepared.there is None)
        if recorded:
            run, results = execute(loaded, stores, prepared, options, observer)
        else:
            run, results = _standing_results(prepared)
        findings = findings_of(prepared.lowered.pipeline, results, stores.artifacts)
        outcome = Outcome(run, loaded.environment, results, findings, places=prepared.lowered.places)
        if not outcome.failed:
            try:
                outcome = _settled(loaded, stores, lease, outcome, prepared.live)
            except (Problem, KeyboardInterrupt) as problem:
                if recorded:
                    stores.metadata.finish_run(run, "failed", int(ExitCode.FAILED), now_ms())
                    tell_outcome(loaded, outcome, failed=f"nothing was released: {problem}".rstrip(": "))
                raise
        _finish(stores, outcome, recorded=recorded)
        if recorded:
            outcome = tell_outcome(loaded, outcome, elsewhere=prepared.there is not None)
        return replace(outcome, seconds=time.monotonic() - started)


def run(loaded: Loaded, options: Options, observer: Observer) -> Outcome:
    """Run the pipeline up to its verdict, on this machine; nothing is registered, released or served."""
    with open_stores(loaded) as stores, writing(loaded, stores):
        prepared = prepare(loaded, stores, refresh=False, here=True)
        latest = stores.metadata.latest(loaded.project.name, loaded.environment)
        chosen = up_to_verdict(prepared.lowered.pipeline, options.selection, prepared.plan, latest, stores.artifacts)
        lowered = replace(prepared.lowered, pipeline=chosen.pipeline)
        started = time.monotonic()
        prepared = replace(prepared, lowered=lowered, borrowed=chosen.borrowed)
        id, all_results = execute(loaded, stores, prepared, options, observer)
        results = {step: result for step, result in all_results.items() if step not in chosen.borrowed}
        outcome = Outcome(
            id,
            loaded.environment,
            results,
            findings_of(chosen.pipeline, results, stores.artifacts),
            judged_only=True,
            partial=not options.selection.whole,
            notes=chosen.notes,
            places=lowered.places,
        )
        _finish(stores, outcome, recorded=True)
        outcome = tell_outcome(loaded, outcome)
        return replace(outcome, seconds=time.monotonic() - started)


def _allowed(loaded: Loaded, stores: Stores, prepared: Prepared) -> Intent | None:
    """The approval that this apply uses up, where the environment asks for one.

    Raises:
        ApprovalMissing: when there is none that fits.
        Refused: when something would be taken away that must stay.
    """
    follow.require_kept(loaded, prepared.plan, prepared.state)
    why = approval.asked(loaded, prepared.state, prepared.proof)
    return approval.require(loaded, stores, why, approval.seen(loaded, prepared.plan, prepared.proof)) if why else None


def _deploy(prepared: Prepared, stores: Stores, lease: Lease) -> None:
    """Make the orchestrator's side as the plan says, where it is not so already."""
    there = prepared.there
    if there is None or not any(line.kind in ENGINE_KINDS for line in prepared.plan.changes):
        return
    with intended(stores, lease, "deploy", {"pipeline": there.wanted.name, "version": there.wanted.bundle.digest}):
        for done in there.engine.deploy(there.wanted):
            _log.info("deployed", pipeline=there.wanted.name, done=done)


def _has_work(prepared: Prepared) -> bool:
    """Whether a run is needed: elsewhere only for steps, since bringing its own side in order needs none."""
    if prepared.there is None:
        return bool(prepared.plan.changes)
    return any(step.runs for step in prepared.plan.steps)


def _settled(loaded: Loaded, stores: Stores, lease: Lease, outcome: Outcome, live: Live) -> Outcome:
    evidence = (_digest(outcome.results, "evaluate", "evaluation"), _digest(outcome.results, "gate", "blessing"))
    gates = gates_json(loaded.project.evaluation.gates)
    standing = settle(loaded, stores, lease, outcome.findings, outcome.run, evidence, gates, live)
    if standing.state.gates != gates:
        stores.state.set_gates(lease, gates)
    return replace(
        outcome,
        released=standing.released,
        standing=standing.state.release,
        held=standing.state.hold,
        served=standing.url,
        notes=(*outcome.notes, *standing.notes),
    )


def _finish(stores: Stores, outcome: Outcome, *, recorded: bool) -> None:
    if recorded:
        state = "failed" if outcome.failed else "success"
        stores.metadata.finish_run(outcome.run, state, int(outcome.exit_code), now_ms())
        _log.info(
            "run ended", run=outcome.run, state=state, verdict=outcome.verdict.value, exit_code=int(outcome.exit_code)
        )


def _standing_results(prepared: Prepared) -> tuple[str, Mapping[str, StepResult]]:
    """The results of a plan without changes: everything as recorded."""
    results: dict[str, StepResult] = {}
    run = ""
    for planned in prepared.plan.steps:
        if planned.cached is None:
            results[planned.step.id] = StepResult(StepState.SKIPPED, problem=planned.skipped)
            continue
        results[planned.step.id] = reused(planned.cached)
        run = max(run, planned.cached.run)
    return run, results


def _refuse_stale(sealed: Seal | None, now: Seal) -> None:
    moved = sealed.moved(now) if sealed is not None else ()
    if moved:
        raise Locked(
            Diagnostic(
                "stale-plan",
                "the plan is stale; since it was made, these moved: " + "; ".join(moved),
                hint="make a new plan with `mlopsctl plan --out FILE`, read it, and apply that one",
            )
        )


def _digest(results: Mapping[str, StepResult], step: str, output: str) -> str:
    return results[step].outputs.get(output, "") if step in results else ""
