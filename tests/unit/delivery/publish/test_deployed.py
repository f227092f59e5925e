"""What became of an environment is told as one deployment: released, refused, failed, rolled back, or nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.environment import Status
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.publish.deployed import deployment_of
from mlopsctl.forges.contract import DeploymentState
from mlopsctl.metadata.records import EnvironmentState, GitInfo, Release, RunRecord

PENGUINS = Path(__file__).parents[4] / "examples" / "penguins"
RUN = RunRecord("r2", "penguins", "default", "p", "q", 0, GitInfo("b" * 40), finished=1, state="success", exit_code=0)
OLD = replace(RUN, id="r1", git=GitInfo("a" * 40))
FIRST = Release(1, "m1", "r1", "e", "b", "penguins", "1", 0)
SECOND = Release(2, "m2", "r2", "e", "b", "penguins", "2", 0)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_project(PENGUINS)


def standing(run: RunRecord | None, release: Release | None, hold: str = "", url: str = "http://127.0.0.1:1") -> Status:
    state = EnvironmentState("penguins", "default", "lineage", 7, release, hold=hold)
    return Status("penguins", "default", state, Live(served_url=url), run, (), Findings())


def test_a_release_is_told_with_its_address(loaded: Loaded) -> None:
    told = deployment_of(loaded, standing(RUN, SECOND), RUN)
    assert told is not None
    assert (told.commit, told.state, told.url) == ("b" * 40, DeploymentState.SUCCESS, "http://127.0.0.1:1")
    assert told.description == "Released penguins version 2 (release 2)"


@pytest.mark.parametrize(("code", "why"), [(3, "refused"), (4, "refused"), (1, "the run failed")])
def test_what_was_refused_or_failed_is_told_with_what_stays(loaded: Loaded, code: int, why: str) -> None:
    told = deployment_of(loaded, standing(replace(RUN, exit_code=code), FIRST), OLD)
    assert told is not None
    assert (told.commit, told.state, told.url) == ("b" * 40, DeploymentState.FAILURE, "")
    assert why in told.description
    assert told.description.endswith("penguins version 1 (release 1) stays")


def test_a_rollback_is_told_for_the_commit_it_went_back_to(loaded: Loaded) -> None:
    told = deployment_of(loaded, standing(RUN, FIRST, "complaints"), OLD)
    assert told is not None
    assert (told.commit, told.state) == ("a" * 40, DeploymentState.SUCCESS)
    assert told.description == "Rolled back to penguins version 1 (release 1): complaints"


def test_where_nothing_was_deployed_nothing_is_told(loaded: Loaded) -> None:
    assert deployment_of(loaded, standing(None, None), None) is None
    assert deployment_of(loaded, standing(RUN, None), None) is None
    assert deployment_of(loaded, standing(replace(RUN, state="running", exit_code=None), FIRST), OLD) is None
    assert deployment_of(loaded, standing(replace(RUN, git=GitInfo()), SECOND), RUN) is None


def test_only_addresses_that_a_browser_opens_are_told(loaded: Loaded) -> None:
    told = deployment_of(loaded, standing(RUN, SECOND, url="unix:/tmp/x"), RUN)
    assert told is not None
    assert told.url == ""


def test_a_preview_is_told_of_under_its_own_name_and_as_one_that_goes(loaded: Loaded) -> None:
    preview = replace(loaded, environment="pr-7", preview_of="dev")
    told = deployment_of(preview, standing(RUN, SECOND), RUN)
    assert told is not None
    assert (told.environment, told.url, told.transient) == ("penguins/pr-7", "http://127.0.0.1:1", True)
    usual = deployment_of(loaded, standing(RUN, SECOND), RUN)
    assert usual is not None
    assert not usual.transient
