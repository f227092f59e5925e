"""How traffic moves, over a server that exists only here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.errors import StepProblem
from mlopsctl.servers.contract import Model, ServerStatus, Unfit
from mlopsctl.servers.rollout import Steps, roll_out


class Server:
    """Traffic by digest; a digest in ``bad`` fails its check, ``broken`` names calls that fail."""

    def __init__(self, traffic: dict[str, int], bad: frozenset[str] = frozenset()) -> None:
        self.shares, self.bad, self.broken = dict(traffic), bad, set[str]()
        self.present = set(traffic)
        self.steps: list[int] = []

    def status(self) -> ServerStatus:
        return ServerStatus(bool(self.shares), bool(self.shares), traffic={k: v for k, v in self.shares.items() if v})

    def bring(self, model: Model) -> None:
        self._call("bring")
        if not self.shares:
            self.shares[model.digest] = 100
        self.present.add(model.digest)

    def step(self, digest: str, percent: int) -> None:
        self._call("step")
        others = {key: share for key, share in self.shares.items() if key != digest}
        most = max(others, key=lambda key: others[key], default="")
        self.shares = {digest: percent, **({most: 100 - percent} if most else {})}
        self.steps.append(percent)

    def check(self, model: Model, percent: int) -> None:
        self._call("check")
        if model.digest in self.bad:
            raise Unfit.because("bad", "it answers wrongly")

    def withdraw(self, model: Model) -> None:
        self._call("withdraw")
        others = [key for key in self.shares if key != model.digest]
        self.shares = {others[0]: 100} if others else {}
        self.present.discard(model.digest)

    def finish(self, model: Model, previous: str) -> ServerStatus:
        self._call("finish")
        self.shares = {model.digest: 100}
        self.present = {model.digest, previous} - {""}
        return self.status()

    def stop(self) -> str:
        return ""

    def _call(self, name: str) -> None:
        if name in self.broken:
            raise StepProblem.because("down", f"{name}: no answer")


def model(digest: str) -> Model:
    return Model(digest, "1", lambda: Path())


def test_the_shares_grow_and_the_pauses_stand_between() -> None:
    server, waited = Server({"old": 100}), list[float]()
    roll_out(server, model("new"), Steps((10, 50, 100), 60.0), checked=True, wait=waited.append)
    assert (server.steps, waited, server.present) == ([10, 50, 100], [60.0, 60.0], {"new", "old"})


def test_one_that_serves_already_is_left_alone() -> None:
    server = Server({"old": 100}, bad=frozenset({"old"}))
    roll_out(server, model("old"), Steps((10, 100)), checked=True, wait=lambda seconds: None)
    assert server.steps == []


def test_a_check_that_could_not_be_made_takes_the_model_back() -> None:
    server = Server({"old": 100})
    server.broken = {"check"}
    with pytest.raises(Unfit, match=r"taken back at 10 %.*: check: no answer"):
        roll_out(server, model("new"), Steps((10, 100)), checked=True, wait=lambda seconds: None)
    assert (server.shares, server.present) == ({"old": 100}, {"old"})


def test_a_model_that_could_not_be_taken_back_is_said() -> None:
    server = Server({"old": 100}, bad=frozenset({"new"}))
    server.broken = {"withdraw"}
    with pytest.raises(Unfit, match=r"not fit to serve .it answers wrongly., and it could not be taken back: withdraw"):
        roll_out(server, model("new"), Steps((10, 100)), checked=True, wait=lambda seconds: None)


def test_a_step_whose_call_failed_is_left_for_the_next_command() -> None:
    server = Server({"old": 100})
    server.broken = {"step"}
    with pytest.raises(StepProblem, match=r"^step: no answer$"):
        roll_out(server, model("new"), Steps((10, 100)), checked=True, wait=lambda seconds: None)
    assert server.present == {"old", "new"}


@given(
    st.sampled_from([{}, {"old": 100}, {"old": 90, "new": 10}, {"old": 40, "new": 60}, {"old": 90, "other": 10}]),
    st.lists(st.integers(1, 99), unique=True, max_size=4).map(lambda steps: (*sorted(steps), 100)),
    st.booleans(),
)
def test_in_the_end_a_good_model_has_everything_and_a_bad_one_nothing(
    traffic: dict[str, int], percents: tuple[int, ...], bad: bool
) -> None:
    server = Server(traffic, frozenset({"new"}) if bad else frozenset())
    try:
        roll_out(server, model("new"), Steps(percents), checked=True, wait=lambda seconds: None)
    except Unfit:
        assert bad
        assert "new" not in server.present
        assert server.shares.get("old", 0) == (100 if "old" in traffic else 0)
    else:
        assert not bad
        assert server.shares == {"new": 100}
    assert server.steps == sorted(server.steps), "shares only grow"
