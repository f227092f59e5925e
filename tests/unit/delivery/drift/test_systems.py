"""A hand edit of a schedule, of the alias or of traffic shows as drift on its plane."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mlopsctl.delivery.drift import look, systems
from mlopsctl.delivery.drift.finding import Drift, Finding, Plane, Standing
from mlopsctl.delivery.live import Live
from mlopsctl.ground.errors import ExitCode, StepProblem
from mlopsctl.metadata.records import EnvironmentState, Release
from mlopsctl.orchestrators.contract import Deployed, Schedule

MODEL, OTHER, VERSION = "sha256:" + "a" * 64, "sha256:" + "b" * 64, "sha256:" + "c" * 64
RELEASE = Release(1, MODEL, "r", "e", "b", "flowers", "3", 0)
LOADED: Any = SimpleNamespace(environment="prod", project=SimpleNamespace(name="flowers", deployment=object()))
GOOD = Live(
    refreshed=True, alias_version="3", alias_digest=MODEL, serving=True, healthy=True, served_digest=MODEL
)  # fmt: skip
SCHEDULE = Schedule(name="flowers-prod", cron="0 3 * * *", timezone="UTC", max_concurrent=1, version=VERSION)


def stores(release: Release | None = RELEASE) -> Any:
    state = EnvironmentState("flowers", "prod", "here", release=release)
    return SimpleNamespace(state=SimpleNamespace(read=lambda project, environment: state))


def serving(monkeypatch: pytest.MonkeyPatch, live: Live, release: Release | None = RELEASE) -> dict[str, Standing]:
    monkeypatch.setattr(systems, "read_live", lambda loaded, held: (live, ()))
    return {one.what: one.standing for one in systems.serving_findings(LOADED, stores(release))}


@pytest.mark.parametrize(
    ("moved", "what"),
    [
        ({}, None),
        ({"alias_digest": OTHER}, "alias"),
        ({"served_digest": OTHER}, "server mlflow"),
        ({"otherwise": "20 % of the traffic goes to another model"}, "server mlflow"),
        ({"serving": False}, "server mlflow"),
        ({"healthy": False}, "server mlflow"),
    ],
)
def test_what_serves_otherwise_is_drift(monkeypatch: pytest.MonkeyPatch, moved: Any, what: str | None) -> None:
    found = serving(monkeypatch, replace(GOOD, **moved))
    assert {name for name, standing in found.items() if standing is Standing.DRIFTED} == ({what} if what else set())


def test_what_serves_without_a_release_is_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(serving(monkeypatch, GOOD, None).values()) == {Standing.DRIFTED}


def test_a_registry_that_was_not_asked_is_never_green(monkeypatch: pytest.MonkeyPatch) -> None:
    assert serving(monkeypatch, replace(GOOD, refreshed=False))["registry"] is Standing.UNREAD


@pytest.mark.parametrize(
    ("there", "drifted"),
    [
        ((SCHEDULE,), False),
        ((replace(SCHEDULE, cron="0 4 * * *"),), True),
        ((replace(SCHEDULE, paused=True),), True),
        ((), True),
        ((SCHEDULE, replace(SCHEDULE, name="by-hand")), True),
    ],
)
def test_an_edited_schedule_is_drift(
    monkeypatch: pytest.MonkeyPatch, there: tuple[Schedule, ...], drifted: bool
) -> None:
    wanted = SimpleNamespace(name="flowers-prod", bundle=SimpleNamespace(digest=VERSION), schedules=(SCHEDULE,))
    deployed = Deployed(exists=True, version=VERSION, schedules=there)
    monkeypatch.setattr(systems, "is_elsewhere", lambda loaded: True)
    monkeypatch.setattr(systems, "lower", lambda loaded: None)
    monkeypatch.setattr(
        systems, "elsewhere", lambda loaded, lowered, ask: SimpleNamespace(wanted=wanted, deployed=deployed)
    )
    found = list(systems.schedule_findings(LOADED, stores()))
    assert any(one.standing is Standing.DRIFTED for one in found) is drifted


def test_a_plane_that_cannot_be_read_is_said_and_ends_with_1() -> None:
    def broken(loaded: Any, held: Any) -> Any:
        raise StepProblem.because("gone", "the engine does not answer")

    (found,) = look._looked(Plane.SCHEDULE, broken, LOADED, stores())
    assert found.standing is Standing.UNREAD
    assert Drift("flowers", "prod", (found,)).exit_code is ExitCode.FAILED
    moved = Finding(Plane.CONFIG, "lock", Standing.DRIFTED, "a", "b")
    assert Drift("flowers", "prod", (found, moved)).exit_code is ExitCode.DRIFT
    assert Drift("flowers", "prod", ()).exit_code is ExitCode.DONE
