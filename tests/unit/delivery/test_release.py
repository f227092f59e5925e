"""The release stage: only proved models go, by digest; what a killed command left open is taken over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlopsctl.delivery.live import Live
from mlopsctl.delivery.make import champion_of
from mlopsctl.delivery.others import release_line
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.plan import Action
from mlopsctl.delivery.release import require_proof, roll_back, settle, take_down, take_over
from mlopsctl.evidence import Blessing, GateResult, InfraBlessing, PushedModel, Verdict
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.metadata.records import EnvironmentState, Release
from mlopsctl.metadata.state import Lease, StateStore
from mlopsctl.metadata.store import open_store
from mlopsctl.registry.records import RegisteredVersion

PASS = GateResult("floor", "threshold", "accuracy", Verdict.PASS, "fine")
LOADED: Any = SimpleNamespace(environment="prod", project=SimpleNamespace(name="p", deployment=None))


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs but what the interpreter must."""


@dataclass
class Models:
    """A registry in memory: digests by version, aliases; ``broken`` is raised when an alias is set."""

    held: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    broken: BaseException | None = None

    def versions(self, name: str) -> tuple[RegisteredVersion, ...]:
        return tuple(RegisteredVersion(name, at, digest, "", "") for at, digest in reversed(self.held.items()))

    def set_champion(self, name: str, alias: str, version: str) -> None:
        if self.broken is not None:
            raise self.broken
        self.aliases[alias] = version

    def delete_alias(self, name: str, alias: str) -> None:
        self.aliases.pop(alias, None)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Any]:
    metadata = open_store(str(tmp_path / "metadata.db"))
    registry = Models({"1": "sha256:a", "2": "sha256:b"})
    yield SimpleNamespace(home=tmp_path, state=StateStore(metadata), registry=registry)
    metadata.close()


@pytest.fixture
def lease(stores: Any, tmp_path: Path) -> Iterator[Lease]:
    with stores.state.acquire("p", "prod", "test", tmp_path / "locks") as lease:
        yield lease


def found(model: str, version: str, champion: str = "") -> Findings:
    return Findings(
        blessing=Blessing(model, champion, (PASS,)),
        infra=InfraBlessing(model, Verdict.PASS, ""),
        pushed=PushedModel(model, True, "", "p", version),
    )


def settled(stores: Any, lease: Lease, findings: Findings) -> EnvironmentState:
    return settle(LOADED, stores, lease, findings, "run", ("sha256:e", "sha256:b"), [], Live()).state


def released(stores: Any, lease: Lease) -> None:
    """Release a, then b."""
    settled(stores, lease, found("sha256:a", "1"))
    settled(stores, lease, found("sha256:b", "2", "sha256:a"))


def standing(stores: Any) -> str:
    release = stores.state.read("p", "prod").release
    return release.model if release else ""


@pytest.mark.parametrize(
    ("findings", "champion"),
    [
        (found("sha256:b", "2", "sha256:old"), "sha256:a"),
        (found("sha256:b", "2"), "sha256:a"),
        (found("sha256:b", "2", "sha256:a"), ""),
        (replace(found("sha256:b", "2"), infra=InfraBlessing("sha256:x", Verdict.PASS, "")), ""),
        (replace(found("sha256:b", "2"), blessing=Blessing("sha256:x", "", (PASS,))), ""),
    ],
)
def test_evidence_about_another_model_or_champion_releases_nothing(findings: Findings, champion: str) -> None:
    with pytest.raises(StepProblem, match="nothing is released"):
        require_proof(findings, champion)


@pytest.mark.parametrize("champion", ["sha256:a", "sha256:b"])
def test_evidence_against_the_champion_or_about_itself_is_proof(champion: str) -> None:
    require_proof(found("sha256:b", "2", "sha256:a"), champion)


def test_a_model_is_released_under_the_version_that_carries_its_digest(stores: Any, lease: Lease) -> None:
    state = settled(stores, lease, found("sha256:b", "1"))
    assert state.release is not None
    assert state.release.registry_version == "2"
    assert stores.registry.aliases == {"champion-prod": "2"}


def test_a_rollback_in_a_registry_that_was_made_anew_finds_the_model_by_its_digest(stores: Any, lease: Lease) -> None:
    released(stores, lease)
    stores.registry.held = {"1": "sha256:b", "2": "sha256:a"}
    roll_back(LOADED, stores, lease, None, "bad")
    assert standing(stores) == "sha256:a"
    assert stores.registry.aliases == {"champion-prod": "2"}


def test_a_registry_without_the_released_model_is_told_and_nothing_else_gets_the_alias(
    stores: Any, lease: Lease
) -> None:
    released(stores, lease)
    stores.registry.held, stores.registry.aliases = {"2": "sha256:x"}, {}
    with pytest.raises(StepProblem, match="no longer has the released model sha256:b"):
        settled(stores, lease, found("sha256:b", "2", "sha256:a"))
    assert stores.registry.aliases == {}


def test_a_finished_command_leaves_nothing_pending(stores: Any, lease: Lease) -> None:
    released(stores, lease)
    roll_back(LOADED, stores, lease, None, "bad")
    take_down(LOADED, stores, lease)
    assert stores.state.pending("p", "prod") == ()


def test_a_failed_release_is_closed_and_said_to_have_failed(stores: Any, lease: Lease) -> None:
    stores.registry.broken = StepProblem.because("registry-failed", "the registry is away")
    with pytest.raises(Problem):
        settled(stores, lease, found("sha256:a", "1"))
    assert (stores.state.pending("p", "prod"), standing(stores)) == ((), "")


def test_a_killed_release_is_taken_over_and_made_once(stores: Any, lease: Lease) -> None:
    stores.registry.broken = Killed()
    with pytest.raises(Killed):
        settled(stores, lease, found("sha256:a", "1"))
    assert [intent.kind for intent in stores.state.pending("p", "prod")] == ["release"]
    stores.registry.broken = None
    take_over(stores, lease)
    state = settled(stores, lease, found("sha256:a", "1"))
    assert (stores.state.pending("p", "prod"), state.history) == ((), ())
    assert state.release is not None


def test_a_killed_rollback_is_finished_before_anything_is_released_again(stores: Any, lease: Lease) -> None:
    released(stores, lease)
    stores.registry.broken = Killed()
    with pytest.raises(Killed):
        roll_back(LOADED, stores, lease, None, "complaints")
    assert standing(stores) == "sha256:b"
    stores.registry.broken = None
    take_over(stores, lease)
    state = settled(stores, lease, found("sha256:b", "2", "sha256:a"))
    assert (standing(stores), state.hold) == ("sha256:a", "complaints")
    assert (stores.registry.aliases, stores.state.pending("p", "prod")) == ({"champion-prod": "1"}, ())


def test_a_rollback_killed_after_its_state_was_written_is_not_done_twice(
    stores: Any, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    released(stores, lease)
    with monkeypatch.context() as patch:
        patch.setattr(stores.state, "complete", lambda *given: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            roll_back(LOADED, stores, lease, None, "complaints")
    before = stores.state.read("p", "prod")
    take_over(stores, lease)
    assert stores.state.read("p", "prod") == before


def test_a_rollback_that_is_asked_again_after_a_kill_goes_back_once(stores: Any, lease: Lease) -> None:
    stores.registry.held["3"] = "sha256:c"
    released(stores, lease)
    settled(stores, lease, found("sha256:c", "3", "sha256:b"))
    stores.registry.broken = Killed()
    with pytest.raises(Killed):
        roll_back(LOADED, stores, lease, None, "complaints")
    stores.registry.broken = None
    roll_back(LOADED, stores, lease, None, "complaints")
    assert standing(stores) == "sha256:b"


def test_without_a_history_the_registry_says_which_model_is_to_beat() -> None:
    nothing = EnvironmentState("p", "prod", "lineage")
    one = Release(1, "sha256:a", "r", "sha256:e", "sha256:b", "p", "1", 0)
    live = Live(refreshed=True, alias_version="9", alias_digest="sha256:z")
    assert champion_of(nothing, live) == "sha256:z"
    assert champion_of(nothing, Live()) == ""
    assert champion_of(replace(nothing, release=one), live) == "sha256:a"
    assert champion_of(replace(nothing, history=(one,)), live) == "sha256:a"


@pytest.mark.parametrize(("hold", "refused"), [("complaints", ""), ("", "floor: 0.5 < 0.6")])
def test_an_alias_moved_by_hand_is_in_the_plan_also_when_nothing_else_may_go(hold: str, refused: str) -> None:
    one = Release(1, "sha256:a", "r", "sha256:e", "sha256:b", "p", "1", 0)
    state = EnvironmentState("p", "prod", "lineage", release=one, hold=hold)
    line = release_line((), "sha256:b", refused, state, Live(refreshed=True, alias_version="2", alias_digest="x"))
    assert (line.action, line.reasons) == (Action.UPDATE, ("the registry's alias points to v2, not to v1",))
