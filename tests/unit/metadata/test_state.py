"""What every state store does; run on SQLite here and on PostgreSQL by `tests/integration/test_postgres.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.ground.errors import ExitCode, Locked, Problem, Refused
from mlopsctl.metadata.lease import Lease
from mlopsctl.metadata.records import EnvironmentState, Intent
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store

from .making import release

GATES = [{"kind": "threshold", "metric": "accuracy", "min": 0.9}]


@pytest.fixture
def state(address: str) -> Iterator[StateStore]:
    with open_store(address) as store:
        yield StateStore(store)


@pytest.fixture
def lease(state: StateStore, tmp_path: Path) -> Iterator[Lease]:
    with state.acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks") as lease:
        yield lease


def released(state: StateStore, lease: Lease, count: int) -> EnvironmentState:
    found = state.read(lease.project, lease.environment)
    for _ in range(count):
        found = state.release(lease, release(found.next_number), GATES)
    return found


def test_an_environment_that_never_had_a_release_is_empty(state: StateStore) -> None:
    found = state.read("penguins", "prod")
    assert found == EnvironmentState("penguins", "prod", found.lineage)
    assert found.lineage
    assert found.next_number == 1


def test_a_release_is_followed_and_the_one_before_is_history(state: StateStore, lease: Lease) -> None:
    first = state.release(lease, release(1), GATES)
    assert (first.serial, first.release, first.history, first.gates) == (1, release(1), (), GATES)
    second = state.release(lease, release(2), None)
    assert (second.serial, second.release, second.history, second.gates) == (2, release(2), (release(1),), None)
    assert state.read("penguins", "prod") == second
    assert state.read("penguins", "dev").release is None
    assert state.read("other", "prod").serial == 0


@pytest.mark.parametrize("number", [0, 1, 3])
def test_release_numbers_follow_each_other(number: int, state: StateStore, lease: Lease) -> None:
    before = released(state, lease, 1)
    with pytest.raises(ValueError, match="has number 2"):
        state.release(lease, release(number), GATES)
    assert state.read("penguins", "prod") == before


def test_a_rollback_returns_to_the_release_before_and_holds_it(state: StateStore, lease: Lease) -> None:
    released(state, lease, 3)
    found = state.rollback(lease, None, "wrong answers")
    assert found.release == release(2)
    assert found.history == (release(1), release(3, withdrawn=True))
    assert (found.hold, found.serial, found.next_number) == ("wrong answers", 4, 4)


def test_a_second_rollback_goes_further_back_and_not_to_the_bad_one(state: StateStore, lease: Lease) -> None:
    released(state, lease, 3)
    state.rollback(lease, None, "bad")
    found = state.rollback(lease, None, "worse")
    assert found.release == release(1)
    with pytest.raises(Problem, match="no earlier release") as caught:
        state.rollback(lease, None, "still")
    assert "2, 3" in caught.value.diagnostics[0].hint
    assert state.read("penguins", "prod") == found


def test_a_rollback_after_a_new_release_returns_to_what_was_served_before_it(state: StateStore, lease: Lease) -> None:
    released(state, lease, 3)
    state.rollback(lease, None, "3 is bad")
    state.release_hold(lease)
    state.release(lease, release(4), GATES)
    assert state.rollback(lease, None, "4 is bad").release == release(2)


def test_a_rollback_to_a_number_may_return_to_a_withdrawn_release(state: StateStore, lease: Lease) -> None:
    released(state, lease, 3)
    state.rollback(lease, 1, "bad")
    found = state.rollback(lease, 3, "it was good")
    assert found.release == release(3)
    assert found.history == (release(2), release(1, withdrawn=True))


@pytest.mark.parametrize("to", [2, 7, 0, -1])
def test_a_rollback_to_the_current_or_an_unknown_number_is_refused(to: int, state: StateStore, lease: Lease) -> None:
    before = released(state, lease, 2)
    with pytest.raises(Problem, match=f"no earlier release number {to}"):
        state.rollback(lease, to, "")
    assert state.read("penguins", "prod") == before


def test_a_rollback_of_nothing_is_refused(state: StateStore, lease: Lease) -> None:
    with pytest.raises(Problem, match="nothing is released"):
        state.rollback(lease, None, "")


def test_a_rollback_without_a_reason_holds_too(state: StateStore, lease: Lease) -> None:
    released(state, lease, 2)
    assert state.rollback(lease, None, "").hold


def test_nothing_is_released_while_a_rollback_holds(state: StateStore, lease: Lease) -> None:
    released(state, lease, 2)
    held = state.rollback(lease, None, "wrong answers")
    with pytest.raises(Refused, match="wrong answers") as caught:
        state.release(lease, release(3), GATES)
    assert "--release-hold" in caught.value.diagnostics[0].hint
    assert state.read("penguins", "prod") == held
    assert state.release_hold(lease).hold == ""
    assert state.release(lease, release(3), GATES).release == release(3)


def test_clearing_forgets_the_release_and_keeps_the_history_and_the_hold(state: StateStore, lease: Lease) -> None:
    released(state, lease, 2)
    state.rollback(lease, None, "bad")
    found = state.clear(lease)
    assert (found.release, found.gates, found.hold, found.serial) == (None, None, "bad", 4)
    assert found.history == (release(2, withdrawn=True), release(1))
    assert found.next_number == 3
    state.release_hold(lease)
    assert state.release(lease, release(3), GATES).release == release(3)


def test_gates_are_recorded_by_themselves(state: StateStore, lease: Lease) -> None:
    released(state, lease, 1)
    found = state.set_gates(lease, {"a": [1, None]})
    assert (found.gates, found.release, found.serial) == ({"a": [1, None]}, release(1), 2)


# Intents


def test_an_intent_is_pending_until_it_is_completed(state: StateStore, lease: Lease) -> None:
    assert state.intend(lease, "register-1", "register", {"model": "m"}) == Intent(
        "register-1", "register", {"model": "m"}
    )
    state.intend(lease, "serve-1", "serve", None)
    assert [intent.key for intent in state.pending("penguins", "prod")] == ["register-1", "serve-1"]
    state.complete(lease, "register-1", {"version": 7})
    assert state.pending("penguins", "prod") == (Intent("serve-1", "serve", None),)
    assert state.pending("penguins", "dev") == ()


def test_an_intent_of_the_same_key_comes_back_with_its_outcome(state: StateStore, lease: Lease) -> None:
    first = state.intend(lease, "register-1", "register", {"model": "m"})
    assert state.intend(lease, "register-1", "register", {"model": "other"}) == first
    state.complete(lease, "register-1", {"version": 7})
    assert state.intend(lease, "register-1", "register", {}) == replace(first, outcome={"version": 7}, done=True)


def test_an_outcome_without_an_intent_is_a_mistake(state: StateStore, lease: Lease) -> None:
    with pytest.raises(KeyError):
        state.complete(lease, "unknown", None)


def test_intents_do_not_move_the_serial(state: StateStore, lease: Lease) -> None:
    before = released(state, lease, 1)
    state.intend(lease, "k", "register", None)
    state.complete(lease, "k", None)
    assert state.read("penguins", "prod") == before


# The lease


def test_a_second_writer_is_told_who_writes(state: StateStore, lease: Lease, tmp_path: Path) -> None:
    with pytest.raises(
        Locked, match=r"'prod' of 'penguins' is being changed by mlopsctl apply \(process \d+ on "
    ) as caught:
        state.acquire("penguins", "prod", "mlopsctl rollback", tmp_path / "locks")
    assert caught.value.exit_code == ExitCode.LOCKED
    assert caught.value.diagnostics[0].hint


def test_another_environment_is_free(state: StateStore, lease: Lease, tmp_path: Path) -> None:
    for project, environment in (("penguins", "dev"), ("other", "prod"), ("penguin", "sprod")):
        state.acquire(project, environment, "mlopsctl apply", tmp_path / "locks").close()


def test_a_lease_given_back_can_be_taken_and_grows_its_token(state: StateStore, tmp_path: Path) -> None:
    tokens = []
    for _ in range(3):
        with state.acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks") as lease:
            tokens.append(lease.token)
    assert tokens == [1, 2, 3]


def test_taking_a_lease_does_not_make_plans_stale(state: StateStore, lease: Lease) -> None:
    assert state.read("penguins", "prod").serial == 0


def test_a_lease_given_back_writes_nothing_more(state: StateStore, lease: Lease) -> None:
    lease.close()
    lease.close()
    with pytest.raises(Locked):
        state.release(lease, release(1), GATES)
    assert state.read("penguins", "prod").serial == 0


def test_a_superseded_writer_writes_nothing(state: StateStore, lease: Lease, tmp_path: Path) -> None:
    """As after `state unlock --force`."""
    before = released(state, lease, 2)
    state.unlock("penguins", "prod", tmp_path / "locks")
    with state.acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks") as newer:
        attempts = (
            lambda: state.release(lease, release(3), GATES),
            lambda: state.rollback(lease, None, ""),
            lambda: state.release_hold(lease),
            lambda: state.set_gates(lease, None),
            lambda: state.clear(lease),
            lambda: state.intend(lease, "k", "register", None),
            lambda: state.complete(lease, "k", None),
        )
        for attempt in attempts:
            with pytest.raises(Locked, match="took over"):
                attempt()
        assert state.read("penguins", "prod") == before
        assert state.pending("penguins", "prod") == ()
        assert state.release(newer, release(3), GATES).serial == 3


def test_an_unlocked_holder_writes_nothing_even_before_somebody_else_came(
    state: StateStore, lease: Lease, tmp_path: Path
) -> None:
    state.unlock("penguins", "prod", tmp_path / "locks")
    with pytest.raises(Locked, match="took over"):
        state.set_gates(lease, None)


def test_who_holds_a_lease_is_known_while_it_is_held(state: StateStore, tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    assert state.tenure("penguins", "prod", locks).token == 0
    with state.acquire("penguins", "prod", "mlopsctl apply", locks):
        found = state.tenure("penguins", "prod", locks)
        assert (found.token, found.held) == (1, True)
        assert found.holder is not None
        assert (found.holder.command, found.holder.known_dead) == ("mlopsctl apply", False)
    assert not state.tenure("penguins", "prod", locks).held
    assert state.environments() == (("penguins", "prod"),)


def test_unlocking_what_was_never_locked_does_nothing(state: StateStore, tmp_path: Path) -> None:
    state.unlock("penguins", "prod", tmp_path / "locks")
    assert state.environments() == ()


def test_a_lock_folder_that_cannot_be_made_says_so(state: StateStore, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match=r"lock file .* cannot be made"):
        state.acquire("penguins", "prod", "mlopsctl apply", tmp_path / "file" / "locks")


@pytest.mark.parametrize("hostile", ["../../x", "a\0b", "", "x" * 500])
def test_a_hostile_name_never_becomes_a_path(hostile: str, state: StateStore, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be a name"):
        state.acquire("penguins", hostile, "mlopsctl apply", tmp_path / "locks")
    assert not (tmp_path / "locks").exists()


def test_names_that_look_alike_have_locks_of_their_own(state: StateStore, tmp_path: Path) -> None:
    for project, environment in (
        ("a@b", "c"),
        ("a", "b@c"),
        ("ä" * 90, "x"),
        ("ä" * 90 + "z", "x"),
        ("%", "x"),
        ("%25", "x"),
    ):
        state.acquire(project, environment, "mlopsctl apply", tmp_path / "locks").close()
    assert len(list((tmp_path / "locks").iterdir())) == 6


def test_the_same_state_store_opened_twice_agrees(state: StateStore, lease: Lease, address: str) -> None:
    written = released(state, lease, 2)
    with open_store(address) as again:
        assert StateStore(again).read("penguins", "prod") == written
