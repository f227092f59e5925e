"""Approvals: bound to what was seen (plan, commit, gates, lock), recorded beside the release state, used once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.git import read_git
from mlopsctl.delivery.plan import Plan, Seal
from mlopsctl.delivery.policy import read_gates
from mlopsctl.delivery.promotion.proof import Proof
from mlopsctl.delivery.stores import Stores
from mlopsctl.gates.policy import compare_policies
from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.ground.errors import ApprovalMissing
from mlopsctl.metadata.records import EnvironmentState, Intent
from mlopsctl.metadata.state import Lease
from mlopsctl.step.pinned import CLOCK

APPROVAL = "approval"
_GIVEN = "given"


@dataclass(frozen=True, slots=True)
class Seen:
    """What an approval is about: everything that, once it moves, needs another look."""

    seal: Mapping[str, str]
    commit: str
    lock: str
    pinned: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The identity of what was seen; clocks are no part of it."""
        return digest_json("mlopsctl/approval/v1", self.as_json())

    def as_json(self) -> Mapping[str, Json]:
        """The same as data."""
        return {"seal": self.seal, "commit": self.commit, "lock": self.lock, "pinned": self.pinned}

    def moved(self, payload: Mapping[str, Json]) -> Sequence[str]:
        """What is not as it was when it was approved, in words."""
        moved = []
        before = payload.get("seal")
        seal = before if isinstance(before, Mapping) else {}
        moved += [words for name, words in Seal.NAMES.items() if seal.get(name) != self.seal.get(name)]
        if payload.get("commit") != self.commit:
            moved.append("the commit")
        if payload.get("lock") != self.lock:
            moved.append("the lock")
        if payload.get("pinned") != dict(self.pinned):
            moved.append("what the model is compared with")
        return moved


def seen(loaded: Loaded, plan: Plan, proof: Proof | None) -> Seen:
    """What somebody who reads this plan now sees."""
    return Seen(
        seal={name: getattr(plan.seal, name) for name in Seal.NAMES},
        commit=read_git(loaded.folder).commit,
        lock=proof.followed.lock.digest if proof is not None else "",
        pinned={name: value for name, value in plan.pinned.items() if name != CLOCK},
    )


def asked(loaded: Loaded, state: EnvironmentState, proof: Proof | None) -> tuple[str, ...]:
    """Why this environment wants an approval now; empty when it does not."""
    promotion, reasons = loaded.project.promotion, []
    if promotion is None:
        return ()
    if promotion.asks and proof is not None and not state.hold:
        model = proof.followed.lock.model
        if state.release is None or state.release.model != model.digest:
            reasons.append(f"{model.name} v{model.version} of {proof.followed.lock.source} would be released")
    if promotion.guards_gates:
        changes = compare_policies(read_gates(state.gates), loaded.project.evaluation.gates)
        reasons += [f"gate {one.name} {one.change}: {one.reason}" for one in changes if one.may_weaken]
    return tuple(reasons)


def require(loaded: Loaded, stores: Stores, why: Sequence[str], now: Seen) -> Intent | None:
    """The approval that fits; ``None`` where none is wanted.

    Raises:
        ApprovalMissing: when there is none, or something moved since, naming it.
    """
    if not why:
        return None
    given = standing(loaded, stores)
    environment = loaded.environment
    if given is None:
        raise ApprovalMissing.because(
            "approval-missing",
            f"{environment} asks for an approval: {'; '.join(why)}",
            hint=f"read `mlopsctl plan -e {environment}`, then `mlopsctl approve -e {environment}`",
        )
    payload = _payload(given)
    moved = now.moved(payload)
    if moved:
        raise ApprovalMissing.because(
            "stale-approval",
            f"the approval by {payload.get('by')} is stale; since it was given, these moved: {'; '.join(moved)}",
            hint=f"read `mlopsctl plan -e {environment}`, then `mlopsctl approve -e {environment}` again",
        )
    return given


def standing(loaded: Loaded, stores: Stores) -> Intent | None:
    """The newest approval, unless it was used already."""
    found = stores.state.happened(loaded.project.name, loaded.environment, APPROVAL)
    return found[-1] if found and _outcome(found[-1]) == _GIVEN else None


def given_by(loaded: Loaded, stores: Stores, now: Seen) -> str:
    """Who approved just this, where nobody used that yet; empty where nobody did."""
    given = standing(loaded, stores)
    if given is None or now.moved(_payload(given)):
        return ""
    return str(_payload(given).get("by", ""))


def give(stores: Stores, lease: Lease, now: Seen, by: str, when: int) -> None:
    """Record an approval; an earlier one that nobody used no longer counts."""
    key = f"{APPROVAL}-{lease.token}"
    stores.state.intend(lease, key, APPROVAL, {**now.as_json(), "digest": now.digest, "by": by, "when": when})
    stores.state.complete(lease, key, {"outcome": _GIVEN})


def spend(stores: Stores, lease: Lease, given: Intent | None) -> None:
    """Let an approval be used up, before the first effect."""
    if given is not None:
        stores.state.complete(lease, given.key, {"outcome": "used"})


def _payload(intent: Intent) -> Mapping[str, Json]:
    return intent.payload if isinstance(intent.payload, Mapping) else {}


def _outcome(intent: Intent) -> str:
    outcome = intent.outcome
    return str(outcome.get("outcome", "")) if isinstance(outcome, Mapping) else ""
