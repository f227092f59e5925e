"""The plane of configuration: the project and the lock in git against what was applied."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.drift.finding import Finding, Plane, Standing
from mlopsctl.delivery.elsewhere.engines import is_elsewhere
from mlopsctl.delivery.elsewhere.lines import short
from mlopsctl.delivery.policy import read_gates
from mlopsctl.delivery.promotion.follow import follow
from mlopsctl.delivery.stores import Stores
from mlopsctl.gates.policy import compare_policies
from mlopsctl.ground.errors import Undecided
from mlopsctl.lowering.lower import lower, on_this_machine
from mlopsctl.lowering.release_lock import ReleaseLock
from mlopsctl.metadata.records import EnvironmentState


def config_findings(loaded: Loaded, stores: Stores) -> Iterator[Finding]:
    """The lock, the gates and the pipeline."""
    state = stores.state.read(loaded.project.name, loaded.environment)
    if loaded.project.follows_lock:
        try:
            proof = follow(loaded)
        except Undecided as problem:
            # Nothing that depends on a lock which is not proved can be compared.
            told = str(problem).removeprefix("nothing is released: ")
            yield _finding("lock", False, "as it was promoted", told)
            return
        yield from _lock(state, proof.followed.lock if proof is not None else None)
    yield from _gates(loaded, state)
    yield from _pipeline(loaded, stores, state)


def _lock(state: EnvironmentState, lock: ReleaseLock | None) -> Iterator[Finding]:
    release = state.release
    now = f"{release.registry_name} {short(release.model)}" if release is not None else "nothing"
    if lock is None:
        yield _finding("lock", release is None, "nothing promoted yet", f"{now} is released")
        return
    wanted = f"{lock.model.name} {short(lock.model.digest)}"
    if lock.hold is not None:
        free = release is not None and release.model != lock.hold.model and bool(state.hold)
        told = f"{now} is released, {'held' if state.hold else 'not held'}"
        yield _finding("lock", free, f"held: {lock.hold.reason}", told)
        return
    same = release is not None and release.model == lock.model.digest
    yield _finding("lock", same, wanted, f"{now} is released")
    if state.hold:
        yield _finding("hold", False, "no hold in the lock", f"held: {state.hold}")


def _gates(loaded: Loaded, state: EnvironmentState) -> Iterator[Finding]:
    if state.gates is None:
        return
    changes = compare_policies(read_gates(state.gates), loaded.project.evaluation.gates)
    for change in changes:
        yield _finding(f"gate {change.name}", False, f"{change.change}: {change.reason}", "not applied")
    if not changes:
        yield _finding("gates", True, "as applied", "as applied")


def _pipeline(loaded: Loaded, stores: Stores, state: EnvironmentState) -> Iterator[Finding]:
    """The pipeline that ran last, or that made the release; a model that was adopted had one of its own."""
    runs = stores.metadata.runs(loaded.project.name, loaded.environment, limit=1)
    if not runs or any(one.component == "adopt" for one in stores.metadata.executions(runs[0].id)):
        return
    lowered = lower(loaded)
    wanted = (lowered if is_elsewhere(loaded) else on_this_machine(lowered)).pipeline.digest
    found = runs[0].pipeline_digest
    made = stores.metadata.run(state.release.run) if state.release is not None else None
    same = wanted == found or (made is not None and made.pipeline_digest == wanted)
    yield _finding("pipeline", same, short(wanted), f"{short(found)} ran last")


def _finding(what: str, same: bool, wanted: str, found: str) -> Finding:
    return Finding(Plane.CONFIG, what, Standing.SAME if same else Standing.DRIFTED, wanted, found)
