"""Any sequence of operations leaves the state store and a model in memory with the same state."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Locked, Problem, Refused
from mlopsctl.metadata.lease import Lease
from mlopsctl.metadata.records import Intent, Release
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store

from .making import release

gates = st.none() | st.lists(st.integers(0, 3), max_size=2)
keys = st.sampled_from(["a", "b", "c"])


class Model:
    """What the state store promises, in the plainest words."""

    def __init__(self) -> None:
        self.serial = 0
        self.current: Release | None = None
        self.history: list[Release] = []
        self.gates: Json = None
        self.hold = ""
        self.intents: dict[str, Intent] = {}
        self.made = 0

    def leave(self, *, withdrawn: bool) -> None:
        if self.current is not None:
            self.history.append(replace(self.current, withdrawn=withdrawn))
            self.current = None

    def earlier(self, to: int | None) -> Release | None:
        for past in reversed(self.history):
            if (to is None and not past.withdrawn) or past.number == to:
                return past
        return None


class StateMachine(RuleBasedStateMachine):
    def address(self) -> str:
        """Where the store is kept; another one for each example."""
        return str(self.folder / "metadata.db")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.at = self.address()
        self.store = open_store(self.at)
        self.state = StateStore(self.store)
        self.model = Model()
        self.lease: Lease = self.take()

    def take(self) -> Lease:
        return self.state.acquire("penguins", "prod", "test", self.folder / "locks")

    def teardown(self) -> None:
        self.lease.close()
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(gates=gates)
    def release(self, gates: Json) -> None:
        new = release(self.model.made + 1)
        if self.model.hold:
            with pytest.raises(Refused):
                self.state.release(self.lease, new, gates)
            return
        self.state.release(self.lease, new, gates)
        self.model.leave(withdrawn=False)
        self.model.current, self.model.gates = new, gates
        self.model.made += 1
        self.model.serial += 1

    @rule(to=st.none() | st.integers(0, 6), reason=st.sampled_from(["bad", "worse"]))
    def rollback(self, to: int | None, reason: str) -> None:
        target = self.model.earlier(to)
        if self.model.current is None or target is None:
            with pytest.raises(Problem):
                self.state.rollback(self.lease, to, reason)
            return
        self.state.rollback(self.lease, to, reason)
        self.model.history.remove(target)
        self.model.leave(withdrawn=True)
        self.model.current, self.model.hold = replace(target, withdrawn=False), reason
        self.model.serial += 1

    @rule()
    def release_hold(self) -> None:
        self.state.release_hold(self.lease)
        self.model.hold = ""
        self.model.serial += 1

    @rule(gates=gates)
    def set_gates(self, gates: Json) -> None:
        self.state.set_gates(self.lease, gates)
        self.model.gates = gates
        self.model.serial += 1

    @rule()
    def clear(self) -> None:
        self.state.clear(self.lease)
        self.model.leave(withdrawn=False)
        self.model.gates = None
        self.model.serial += 1

    @rule(key=keys, payload=gates)
    def intend(self, key: str, payload: Json) -> None:
        expected = self.model.intents.setdefault(key, Intent(key, "register", payload))
        assert self.state.intend(self.lease, key, "register", payload) == expected

    @rule(key=keys, outcome=gates)
    def complete(self, key: str, outcome: Json) -> None:
        if key not in self.model.intents:
            with pytest.raises(KeyError):
                self.state.complete(self.lease, key, outcome)
            return
        self.state.complete(self.lease, key, outcome)
        self.model.intents[key] = replace(self.model.intents[key], outcome=outcome, done=True)

    @rule()
    def reopen(self) -> None:
        self.lease.close()
        self.store.close()
        self.store = open_store(self.at)
        self.state = StateStore(self.store)
        self.lease = self.take()

    @rule()
    def collide(self) -> None:
        with pytest.raises(Locked):
            self.take()

    @precondition(lambda self: self.model.current is not None)
    @rule()
    def lose_the_lock(self) -> None:
        old = self.lease
        self.state.unlock("penguins", "prod", self.folder / "locks")
        self.lease = self.take()
        with pytest.raises(Locked):
            self.state.clear(old)
        old.close()

    @invariant()
    def agree(self) -> None:
        found, model = self.state.read("penguins", "prod"), self.model
        assert (found.serial, found.release, found.history) == (model.serial, model.current, tuple(model.history))
        assert (found.gates, found.hold, found.next_number) == (model.gates, model.hold, model.made + 1)
        open_intents = tuple(intent for intent in model.intents.values() if not intent.done)
        assert self.state.pending("penguins", "prod") == open_intents


TestStateMachine = StateMachine.TestCase
TestStateMachine.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
