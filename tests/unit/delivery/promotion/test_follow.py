"""When a hold ends, what needs an approval, and when one no longer counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.plan import Action, Line, Plan, Seal
from mlopsctl.delivery.policy import gates_json
from mlopsctl.delivery.promotion import approval
from mlopsctl.delivery.promotion.follow import follow, lifts_hold, require_free, require_kept, require_lock
from mlopsctl.delivery.promotion.lock_text import hold_of, lock_text
from mlopsctl.delivery.promotion.proof import Proof
from mlopsctl.delivery.promotion.revert import hold_lock, lift_lock, locked_model
from mlopsctl.ground.digest import PREFIX
from mlopsctl.ground.errors import ApprovalMissing, Refused
from mlopsctl.lowering.lower import lower
from mlopsctl.lowering.release_lock import lock_file
from mlopsctl.metadata.records import EnvironmentState, Release
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store
from tests.unit.delivery.promotion.scene import MODEL, OTHER, SECRET, key_pair, lock_of, project, promoted

SEAL = Seal("1", "flowers", "prod", "p", "g", "d", "s#1", "l")


def released(model: str, number: int = 1, withdrawn: bool = False) -> Release:
    return Release(number, model, "r", "e", "b", "flowers", "3", 0, withdrawn=withdrawn)


def state_with(**values: Any) -> EnvironmentState:
    return replace(EnvironmentState("flowers", "staging", "here"), **values)


def plan_with(*lines: Line, seal: Seal = SEAL) -> Plan:
    return Plan("flowers", "prod", (), (), lines, {"champion": "x", "clock": "now"}, seal)


@pytest.fixture
def staging(tmp_path: Path) -> Loaded:
    return project(tmp_path)


@pytest.fixture
def proof(staging: Loaded) -> Proof:
    promoted(staging, lock_of())
    found = follow(staging)
    assert found is not None
    return found


@pytest.fixture
def prod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    monkeypatch.setenv(SECRET, key_pair(tmp_path))
    loaded = project(tmp_path, "prod")
    promoted(loaded, lock_of("prod", "staging"))
    return loaded


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Any]:
    metadata = open_store(str(tmp_path / "metadata.db"))
    yield SimpleNamespace(home=tmp_path, state=StateStore(metadata))
    metadata.close()


def test_without_a_lock_nothing_is_applied(staging: Loaded) -> None:
    with pytest.raises(ApprovalMissing, match="nothing was promoted") as caught:
        require_lock(staging)
    assert "mlopsctl promote dev staging" in caught.value.diagnostics[0].hint
    assert {step.id for step in lower(staging).pipeline.steps} >= {"transform", "train-tree", "select"}


def test_with_a_lock_nothing_is_trained(staging: Loaded, proof: Proof) -> None:
    steps = {step.id: step.component for step in lower(staging).pipeline.steps}
    assert steps["select"] == "promoted"
    assert not {"train", "transform", "tune"} & set(steps.values())
    assert {"ingest", "evaluate", "gate", "preflight", "push"} <= set(steps.values())


def test_a_hold_ends_when_the_lock_names_a_model_that_was_not_withdrawn(proof: Proof) -> None:
    held = state_with(hold="bad", release=released(OTHER), history=(released(PREFIX + "9" * 64, 2, True),))
    assert lifts_hold(proof, held, frozenset())


def test_a_hold_stands_while_the_lock_names_the_withdrawn_model(proof: Proof) -> None:
    held = state_with(hold="bad", release=released(OTHER), history=(released(MODEL, 2, True),))
    assert not lifts_hold(proof, held, frozenset())


def test_a_push_of_a_model_that_waited_when_it_was_rolled_back_lifts_nothing(proof: Proof) -> None:
    assert not lifts_hold(proof, state_with(hold="bad", release=released(OTHER)), frozenset({MODEL}))


def test_a_hold_in_the_lock_alone_still_holds(staging: Loaded, proof: Proof) -> None:
    held = lock_of().model_copy(update={"evidence": proof.followed.lock.evidence, "hold": hold_of(MODEL, "complaints")})
    lock_file(staging.folder, "staging").write_bytes(lock_text(held).encode())
    found = follow(staging)
    with pytest.raises(ApprovalMissing, match="complaints"):
        require_free(found, state_with(release=released(OTHER)), lift=False)
    require_free(found, state_with(release=released(OTHER)), lift=True)


def test_a_rollback_writes_the_hold_and_lifting_takes_it_out(staging: Loaded, proof: Proof) -> None:
    before = lock_file(staging.folder, "staging").read_bytes()
    assert locked_model(staging) == MODEL
    assert hold_lock(staging, MODEL, "complaints\nsince noon")
    held = follow(staging)
    assert held is not None
    assert held.followed.lock.hold is not None
    assert "complaints" in held.followed.lock.hold.reason
    assert lift_lock(staging)
    assert lock_file(staging.folder, "staging").read_bytes() == before


def test_a_rollback_works_whatever_became_of_the_lock(staging: Loaded, proof: Proof) -> None:
    lock_file(staging.folder, "staging").write_text("version: [")
    assert hold_lock(staging, MODEL, "bad") == ()
    assert locked_model(staging) == ""


def test_a_new_model_asks_for_an_approval_where_the_mode_says_so(prod: Loaded, staging: Loaded) -> None:
    found = follow(prod)
    gates = gates_json(prod.project.evaluation.gates)
    fresh = state_with(gates=gates)
    assert approval.asked(prod, fresh, found) == ("flowers v3 of staging would be released",)
    assert approval.asked(prod, replace(fresh, release=released(MODEL)), found) == ()
    assert approval.asked(prod, replace(fresh, hold="bad"), found) == ()
    assert approval.asked(staging, fresh, None) == ()


def test_weaker_gates_ask_for_an_approval_where_the_mode_is_written_out(staging: Loaded) -> None:
    gate = staging.project.evaluation.gates[0]
    stronger = gates_json([gate.model_copy(update={"min": 0.9})])
    weaker = gates_json([gate.model_copy(update={"min": 0.1})])
    (told,) = approval.asked(staging, state_with(gates=stronger), None)
    assert told.startswith("gate floor weakened")
    assert approval.asked(staging, state_with(gates=weaker), None) == ()


def test_an_approval_counts_once(prod: Loaded, stores: Any) -> None:
    now = approval.seen(prod, plan_with(), follow(prod))
    with pytest.raises(ApprovalMissing, match="asks for an approval"):
        approval.require(prod, stores, ["why"], now)
    with stores.state.acquire("flowers", "prod", "test", stores.home / "locks") as lease:
        approval.give(stores, lease, now, "ada", 0)
        given = approval.require(prod, stores, ["why"], now)
        assert given is not None
        assert stores.state.pending("flowers", "prod") == ()
        approval.spend(stores, lease, given)
    with pytest.raises(ApprovalMissing, match="asks for an approval"):
        approval.require(prod, stores, ["why"], now)


@pytest.mark.parametrize("field", Seal.NAMES)
def test_an_approval_of_something_else_is_stale_and_says_what_moved(prod: Loaded, stores: Any, field: str) -> None:
    found = follow(prod)
    with stores.state.acquire("flowers", "prod", "test", stores.home / "locks") as lease:
        approval.give(stores, lease, approval.seen(prod, plan_with(), found), "ada", 0)
    moved: dict[str, Any] = {field: "other"}
    now = approval.seen(prod, plan_with(seal=replace(SEAL, **moved)), found)
    with pytest.raises(ApprovalMissing) as caught:
        approval.require(prod, stores, ["why"], now)
    assert Seal.NAMES[field] in str(caught.value)


@pytest.mark.parametrize(
    ("moved", "told"),
    [
        ({"commit": "f" * 40}, "the commit"),
        ({"lock": "other"}, "the lock"),
        ({"pinned": {"champion": "y"}}, "what the model is compared with"),
    ],
)
def test_an_approval_of_another_commit_lock_or_champion_is_stale(
    prod: Loaded, stores: Any, moved: dict[str, Any], told: str
) -> None:
    now = approval.seen(prod, plan_with(), follow(prod))
    with stores.state.acquire("flowers", "prod", "test", stores.home / "locks") as lease:
        approval.give(stores, lease, now, "ada", 0)
    with pytest.raises(ApprovalMissing, match=told):
        approval.require(prod, stores, ["why"], replace(now, **moved))


def test_what_serves_is_not_taken_away_where_that_is_prevented(prod: Loaded, staging: Loaded) -> None:
    gone = plan_with(Line("server", "kserve", Action.DELETE))
    serving = state_with(release=released(MODEL))
    with pytest.raises(Refused, match="kserve"):
        require_kept(prod, gone, serving)
    require_kept(prod, gone, state_with())
    require_kept(prod, plan_with(Line("server", "kserve", Action.UPDATE)), serving)
    require_kept(staging, gone, serving)


def test_no_trigger_starts_a_run_where_a_lock_is_followed(prod: Loaded, tmp_path: Path) -> None:
    text = (tmp_path / "mlops.yaml").read_text()
    (tmp_path / "mlops.yaml").write_text(text + 'triggers: [{kind: schedule, cron: "0 3 * * *"}]\n')
    from mlopsctl.config.load import load_project

    assert len(load_project(tmp_path, "dev").project.starting) == 1
    assert load_project(tmp_path, "prod").project.starting == ()
