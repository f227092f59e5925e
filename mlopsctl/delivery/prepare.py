"""A plan with everything that it was made from: what the project asks for, what there is, and what is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.adopt import adopting
from mlopsctl.delivery.cost import cost
from mlopsctl.delivery.elsewhere.engines import Elsewhere, elsewhere, require_images
from mlopsctl.delivery.elsewhere.lines import engine_lines
from mlopsctl.delivery.elsewhere.run import bring_home, uncollected
from mlopsctl.delivery.expected import expected
from mlopsctl.delivery.history import StoredHistory
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.make import Desired, make_plan
from mlopsctl.delivery.override import Override
from mlopsctl.delivery.pinned import moment
from mlopsctl.delivery.plan import Plan
from mlopsctl.delivery.policy import read_gates
from mlopsctl.delivery.promotion import follow
from mlopsctl.delivery.promotion.proof import Proof
from mlopsctl.delivery.refresh import read_live, read_surroundings
from mlopsctl.delivery.serving import server_kind
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.lowering.lower import Lowered, executable, lower, on_this_machine
from mlopsctl.metadata.records import EnvironmentState
from mlopsctl.step.key import Surroundings
from mlopsctl.step.task import StepResult


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
    running = {one.step.id: took.get(one.step.id) for one in plan.steps if one.runs}
    plan = replace(plan, expected=took, cost=cost(loaded.project, lowered.pipeline, running))
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
