"""Apply: make the plan under the lock, run what it says, let the verdict decide, settle the release."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.adopt import adopting
from mlopsctl.delivery.begin import new_run, recording
from mlopsctl.delivery.driver import Setting, StepDriver, reused
from mlopsctl.delivery.elsewhere.engines import Elsewhere, elsewhere, require_images
from mlopsctl.delivery.elsewhere.lines import ENGINE_KINDS, engine_lines
from mlopsctl.delivery.elsewhere.run import Asked, bring_home, run_there, uncollected
from mlopsctl.delivery.environment import last_findings, writing
from mlopsctl.delivery.expected import expected
from mlopsctl.delivery.findings import findings_of
from mlopsctl.delivery.history import StoredHistory
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.make import Desired, make_plan
from mlopsctl.delivery.outcome import Outcome
from mlopsctl.delivery.override import Override, asked
from mlopsctl.delivery.pinned import moment
from mlopsctl.delivery.plan import Plan, Seal
from mlopsctl.delivery.policy import gates_json, read_gates
from mlopsctl.delivery.promotion import approval, follow
from mlopsctl.delivery.promotion.proof import Proof
from mlopsctl.delivery.promotion.revert import lift_lock
from mlopsctl.delivery.ready import require_step_libraries
from mlopsctl.delivery.refresh import moved_since, read_live, read_surroundings
from mlopsctl.delivery.release import bring_champion, intended, settle, take_over
from mlopsctl.delivery.select_steps import BorrowingDriver, BorrowingObserver, Selection, up_to_verdict
from mlopsctl.delivery.serving import server_kind
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.delivery.telling import tell_outcome
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import Diagnostic, ExitCode, Locked, Problem
from mlopsctl.ground.log import log_for
from mlopsctl.lowering.lower import Lowered, executable, lower, on_this_machine
from mlopsctl.metadata.records import EnvironmentState, Intent
from mlopsctl.metadata.state import Lease
from mlopsctl.orchestrators.local.run import Observer, Settings, run_pipeline
from mlopsctl.pipeline.names import model_name
from mlopsctl.step.key import Surroundings
from mlopsctl.step.task import StepResult, StepState

_log = log_for("apply")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with everything it was made from, ready to be shown or applied.

    ``borrowed`` are the results of steps that are not run, where only some are. ``there`` is the orchestrator, where
    that is not this machine. ``proof`` is the lock that the environment follows, and ``lifts`` says that the lock
    lifts the hold of a rollback, since it names another model.
    """

    lowered: Lowered
    around: Surroundings
    history: StoredHistory
    state: EnvironmentState
    live: Live
    plan: Plan
    borrowed: Mapping[str, StepResult] = field(default_factory=dict)
    there: Elsewhere | None = None
    proof: Proof | None = None
    lifts: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """How to apply.

    Attributes:
        sealed: the seal of a saved plan.
        release_hold: lift the hold of a rollback.
        broken: gates to break by hand, with the ``reason``.
        adopted: a registered model (``models:/name/3``) that takes the place of one that would be trained.
        selection: the steps to run; only :func:`run` can run some.
    """

    settings: Settings = Settings()
    sealed: Seal | None = None
    release_hold: bool = False
    reuse: bool = True
    broken: tuple[str, ...] = ()
    reason: str = ""
    adopted: str = ""
    selection: Selection = Selection()


def prepare(
    loaded: Loaded,
    stores: Stores,
    *,
    refresh: bool = True,
    lift_hold: bool = False,
    override: Override | None = None,
    adopted: str = "",
    here: bool = False,
    collecting: bool = False,
) -> Prepared:
    """Read what there is and make the plan.

    Args:
        lift_hold: make it as it will be once the hold is lifted.
        override: gates to break by hand.
        adopted: see :class:`Options`.
        here: the steps run on this machine, whatever orchestrator the environment has.
        collecting: first record what ran elsewhere meanwhile.

    Raises:
        InvalidProject: when the project asks for something this version cannot execute, or its data is missing.
    """
    proof = follow.follow(loaded)
    lowered = executable(lower(loaded))
    there = None
    if not adopted and not here:
        require_images(loaded)
        there = elsewhere(loaded, lowered, ask=refresh)
    if there is None:
        lowered = on_this_machine(lowered)
    elif collecting:
        bring_home(there, stores)
    if adopted:
        lowered = adopting(loaded, stores, lowered, adopted)
    around = read_surroundings(loaded, lowered.pipeline, stores)
    history = StoredHistory(stores.metadata, stores.artifacts, loaded.project.name, loaded.environment)
    state = stores.state.read(loaded.project.name, loaded.environment)
    follow.require_free(proof, state, lift=lift_hold)
    lifts = follow.lifts_hold(proof, state, follow.withdrawn_models(loaded, stores))
    if lift_hold or lifts:
        state = replace(state, hold="")
    not_asked: tuple[Live, tuple[str, ...]] = (Live(kind=server_kind(loaded)), ("the live systems were not asked",))
    live, notes = read_live(loaded, stores) if refresh else not_asked
    desired = Desired(
        project=loaded.project.name,
        environment=loaded.environment,
        gates=loaded.project.evaluation.gates,
        applied_gates=read_gates(state.gates),
        served=loaded.project.deployment is not None,
        now=moment(),
        override=override,
        notes=(
            *lowered.notes,
            *notes,
            *follow.notes(loaded, proof, lifts=lifts),
            *_interrupted(loaded, stores),
            *_from_elsewhere(there, stores, ask=refresh),
        ),
        elsewhere=() if there is None else tuple(engine_lines(there.wanted, there.deployed)),
    )
    plan = make_plan(desired, lowered.pipeline, around, history, state, live)
    took = expected(plan.steps, stores.metadata, loaded.project.name, loaded.environment)
    plan = replace(plan, expected=took)
    return Prepared(lowered, around, history, state, live, plan, there=there, proof=proof, lifts=lifts)


def _from_elsewhere(there: Elsewhere | None, stores: Stores, *, ask: bool) -> tuple[str, ...]:
    """What the orchestrator says beside its lines."""
    if there is None or there.deployed is None or not ask:
        return ()
    waiting = uncollected(there, stores)
    many = "1 run there is" if len(waiting) == 1 else f"{len(waiting)} runs there are"
    told = (f"{many} not recorded here yet; apply does that first",) if waiting else ()
    return (*there.deployed.notes, *told)


def _interrupted(loaded: Loaded, stores: Stores) -> tuple[str, ...]:
    """What a killed command left open and the next apply does first."""
    kinds = {intent.kind for intent in stores.state.pending(loaded.project.name, loaded.environment)}
    return ("a rollback was interrupted; apply finishes it first",) if "rollback" in kinds else ()


def plan(loaded: Loaded, *, refresh: bool = True) -> Plan:
    """What ``apply`` would do now."""
    with open_stores(loaded) as stores:
        return prepare(loaded, stores, refresh=refresh).plan


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
        recorded = _has_work(prepared) or not options.reuse
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


def execute(
    loaded: Loaded, stores: Stores, prepared: Prepared, options: Options, observer: Observer
) -> tuple[str, Mapping[str, StepResult]]:
    """Run the pipeline's steps and record them; the run's id and every step's result."""
    bring_champion(stores, model_name(loaded.project.name), prepared.plan.pinned.get("champion", ""))
    follow.bring(loaded, stores, prepared.plan.pinned)
    seal = prepared.plan.seal
    parameters = loaded.project.parameters
    record = new_run(loaded, loaded.environment, seal.pipeline, prepared.plan.digest, parameters)
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
