"""What git can mend of a drift of its lock: the lock of what is released, where there is evidence for it.

What is live and was proved is brought into git; everything else `apply` brings to what git says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.drift.finding import Drift, Plane
from mlopsctl.delivery.promotion.follow import follow
from mlopsctl.delivery.promotion.lock_text import hold_of, lock_text
from mlopsctl.delivery.promotion.promote import promote
from mlopsctl.delivery.promotion.proof import Proof, prove
from mlopsctl.delivery.promotion.proposal import Proposal, earlier_texts
from mlopsctl.delivery.report.value import Prose, Said
from mlopsctl.delivery.stores import open_stores
from mlopsctl.ground.errors import Problem, Undecided
from mlopsctl.lowering.release_lock import evidence_file, lock_file, parse_release_lock
from mlopsctl.metadata.records import EnvironmentState, Release

_LOCK = ("lock", "hold")


@dataclass(frozen=True, slots=True)
class Mend:
    """Files that would let git say what is live, and why they do; no files where only ``apply`` mends it."""

    found: Drift
    files: Mapping[Path, bytes]
    why: Prose

    def proposal(self, body: str) -> Proposal:
        """The pull request; always on the same branch."""
        found = self.found
        return Proposal(
            branch=f"mlopsctl/drift-{found.project}-{found.environment}",
            title=f"Let the lock of {found.environment} say what is released",
            body=body,
            files=self.files,
            once=True,
        )


def mend(loaded: Loaded, found: Drift) -> Mend:
    """What a pull request can mend of what drifted on the planes beside that of data."""
    others = [one for one in found.drifted if one.plane is not Plane.DATA]
    apply = f"`mlopsctl apply -e {loaded.environment}` mends it"
    named = [one for one in others if one.plane is Plane.CONFIG and one.what in _LOCK]
    if not named:
        what = ", ".join(dict.fromkeys(one.plane.value for one in others))
        return Mend(found, {}, (f"git says what is wanted ({what}); {apply}",))
    with open_stores(loaded) as stores:
        state = stores.state.read(loaded.project.name, loaded.environment)
    if state.release is None:
        return Mend(found, {}, (f"nothing is released, so there is nothing to bring into git; {apply}",))
    try:
        proof = follow(loaded)
    except Undecided:
        proof = None
    if proof is None:
        return _proved_lock(loaded, found, state.release)
    if state.hold and proof.followed.lock.hold is None:
        return _held_lock(loaded, found, state, proof)
    model = proof.followed.lock.model
    locked = Said(f"{model.name} v{model.version}")
    return Mend(found, {}, ("the lock names ", locked, f" and is proved; {apply}"))


def _proved_lock(loaded: Loaded, found: Drift, release: Release) -> Mend:
    """The lock in git proves nothing, or is gone: one that does for what is released."""
    what = Said(_named(release))
    earlier = _earlier(loaded, release.model)
    if earlier:
        return Mend(found, earlier, ("git had a lock with evidence for ", what, ", which is released: it comes back"))
    promotion = loaded.project.promotion
    try:
        source = load_project(loaded.file, promotion.source if promotion is not None else None)
        promoted = promote(source, loaded)
    except Problem as problem:
        why = ("git has no lock with evidence for ", what, ", which is released, and none can be made: ")
        return Mend(found, {}, (*why, Said(str(problem))))
    if promoted.release.model != release.model:
        again = f"`mlopsctl promote {source.environment} {loaded.environment}`"
        why = ("git has no lock with evidence for ", what, f", which is released, and {source.environment} has ")
        return Mend(found, {}, (*why, f"another model by now; promote that one: {again}"))
    why = ("the evidence for ", what, f", which is released, is in {source.environment}: its lock is written again")
    return Mend(found, promoted.files, why)


def _held_lock(loaded: Loaded, found: Drift, state: EnvironmentState, proof: Proof) -> Mend:
    """Somebody rolled back, and the lock does not say so: the lock of the earlier model, or this one with its hold."""
    lock, release = proof.followed.lock, state.release
    hold = Said(state.hold)
    earlier = _earlier(loaded, release.model) if release is not None else {}
    if release is not None and earlier and release.model != lock.model.digest:
        back = ("it was rolled back to ", Said(_named(release)), " (", hold, "): its lock comes back")
        return Mend(found, earlier, back)
    held = lock.model_copy(update={"hold": hold_of(lock.model.digest, state.hold)})
    files = {lock_file(loaded.folder, loaded.environment): lock_text(held).encode()}
    return Mend(found, files, ("it is held (", hold, "), and the lock says so with this"))


def _named(release: Release) -> str:
    return f"{release.registry_name} v{release.registry_version}"


def _earlier(loaded: Loaded, model: str) -> Mapping[Path, bytes]:
    """The newest lock in the history of git that names a model and is proved by the evidence of that commit."""
    file, evidence = (make(loaded.folder, loaded.environment) for make in (lock_file, evidence_file))
    for lock_bytes, evidence_bytes in earlier_texts(loaded.folder, file, evidence):
        try:
            followed = parse_release_lock(lock_bytes, file, loaded.environment)
            if followed.lock.model.digest != model or followed.lock.hold is not None:
                continue
            prove(loaded, followed, evidence_bytes)
        except Undecided:
            continue
        return {evidence: evidence_bytes, file: lock_bytes}
    return {}
