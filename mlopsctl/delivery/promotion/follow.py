"""Follow the lock: what an apply must be sure of before it does anything, and where the model is brought from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.plan import Action, Plan
from mlopsctl.delivery.promotion.proof import Proof, prove
from mlopsctl.delivery.release import bring_champion
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.errors import ApprovalMissing, Problem, Refused, StepProblem
from mlopsctl.lowering.release_lock import ReleaseLock, lock_file, read_release_lock
from mlopsctl.metadata.records import EnvironmentState
from mlopsctl.pipeline.names import model_name
from mlopsctl.step.pinned import PROMOTED

HOLD = "hold"
"""The kind of the intents that say which models a rollback withdrew, or found waiting in the lock."""


def follow(loaded: Loaded) -> Proof | None:
    """The lock that the environment follows, proved; ``None`` where it follows none, or there is none yet.

    Raises:
        Undecided: when the lock or its evidence is not as it was promoted.
    """
    if not loaded.project.follows_lock:
        return None
    found = read_release_lock(loaded.folder, loaded.environment)
    return None if found is None else prove(loaded, found)


def require_lock(loaded: Loaded) -> None:
    """Do nothing where the environment has the lock that it follows, or follows none.

    Raises:
        ApprovalMissing: when nothing was promoted into it yet.
    """
    promotion = loaded.project.promotion
    file = lock_file(loaded.folder, loaded.environment)
    if promotion is None or not promotion.follows_lock or file.exists():
        return
    raise ApprovalMissing.because(
        "nothing-promoted",
        f"{loaded.environment} follows a lock, and nothing was promoted into it yet",
        hint=f"mlopsctl promote {promotion.source} {loaded.environment}",
        span=loaded.span(("promotion",)),
    )


def notes(loaded: Loaded, proof: Proof | None, *, lifts: bool) -> tuple[str, ...]:
    """What a plan says of the lock: what it names, that it lifts a hold, or that there is none yet."""
    if proof is not None:
        lock = proof.followed.lock
        signed = "signed evidence" if proof.signed else "evidence"
        line = f"follows {lock.model.name} v{lock.model.version} of {lock.source}, by a lock with {signed}"
        return (line, "the lock names another model than the one withdrawn: the hold ends") if lifts else (line,)
    try:
        require_lock(loaded)
    except ApprovalMissing as problem:
        told = problem.diagnostics[0]
        return (f"{told.message}, so apply does nothing; first: {told.hint}",)
    return ()


def lifts_hold(proof: Proof | None, state: EnvironmentState, withdrawn: frozenset[str]) -> bool:
    """Whether the lock names a model that lifts the state's hold: another one than any that was withdrawn."""
    if proof is None or not state.hold or proof.followed.lock.hold is not None:
        return False
    gone = {release.model for release in state.history if release.withdrawn} | withdrawn
    return proof.followed.lock.model.digest not in gone


def withdrawn_models(loaded: Loaded, stores: Stores) -> frozenset[str]:
    """What the last rollback withdrew, and what waited in the lock at that time."""
    found = stores.state.happened(loaded.project.name, loaded.environment, HOLD)
    payload = found[-1].payload if found else None
    models = payload.get("models") if isinstance(payload, Mapping) else None
    return frozenset(str(model) for model in models) if isinstance(models, list | tuple) else frozenset()


def require_free(proof: Proof | None, state: EnvironmentState, *, lift: bool) -> None:
    """Be sure that a hold that stands only in the lock, because the records were lost, is kept.

    Raises:
        ApprovalMissing: when the lock holds the very model that would be released.
    """
    hold = None if proof is None else proof.followed.lock.hold
    if proof is None or hold is None or lift or state.hold or hold.model != proof.followed.lock.model.digest:
        return
    if state.release is None or state.release.model != hold.model:
        raise ApprovalMissing.because(
            "on-hold",
            f"the lock holds {state.environment}: {hold.reason}",
            hint="promote another model, or lift the hold with apply --release-hold",
            span=proof.followed.span(("hold",)),
        )


def require_kept(loaded: Loaded, plan: Plan, state: EnvironmentState) -> None:
    """Be sure that an apply takes nothing away that serves, where ``prevent_destroy`` says so.

    Raises:
        Refused: naming what would be removed.
    """
    gone = [line.name for line in plan.changes if line.kind == "server" and line.action is Action.DELETE]
    if gone and state.release is not None:
        refuse_destroy(loaded, f"this apply would remove the server {', '.join(gone)}")


def refuse_destroy(loaded: Loaded, what: str) -> None:
    """Do nothing, but where the environment's promotion says ``prevent_destroy``.

    Raises:
        Refused: there, naming ``what`` would happen.
    """
    promotion = loaded.project.promotion
    if promotion is not None and promotion.prevent_destroy:
        raise Refused.because(
            "prevent-destroy",
            f"nothing may be taken away in {loaded.environment}: {what}",
            hint="set `promotion.prevent_destroy` to false first, where everybody can see it",
            span=loaded.span(("promotion", "prevent_destroy")),
        )


def bring(loaded: Loaded, stores: Stores, pinned: Mapping[str, str]) -> None:
    """Have the locked model in this environment's artifact store, verified by digest.

    Raises:
        Problem: when neither this environment nor the one it comes from has it.
    """
    model = pinned.get(PROMOTED, "")
    if not model or model in stores.artifacts.has_many({model}):
        return
    name = model_name(loaded.project.name)
    if stores.registry.find(name, model) is not None:
        bring_champion(stores, name, model)
        return
    promotion = loaded.project.promotion
    source = load_project(loaded.file, promotion.source if promotion is not None else None)
    try:
        with open_stores(source) as there, tempfile.TemporaryDirectory(prefix="mlopsctl-") as folder:
            bring_champion(there, name, model)
            there.artifacts.fetch(model, Path(folder) / "model")
            found = stores.artifacts.put(Path(folder) / "model")
    except Problem as problem:
        raise StepProblem.because(
            "model-not-brought",
            f"the locked model {model} cannot be brought from {source.environment}: {problem}",
            hint=f"run this where the stores of {source.environment} can be reached, or promote again",
        ) from problem
    if found != model:
        raise StepProblem.because("wrong-model", f"{source.environment} gave {found} in place of the model {model}")


def without_hold(lock: ReleaseLock) -> ReleaseLock:
    """The lock once its hold is lifted."""
    return lock.model_copy(update={"hold": None})
