"""The release and server lines of a plan: what stands, what is due, what drifted."""

from dataclasses import replace

import pytest

from mlopsctl.delivery.live import Live
from mlopsctl.delivery.others import release_line, server_lines
from mlopsctl.delivery.plan import Action, Line, StepPlan
from mlopsctl.metadata.records import EnvironmentState, Release
from mlopsctl.pipeline.ir import Step

ONE = Release(1, "sha256:one", "r1", "sha256:e", "sha256:b", "p", "1", 0)
NOTHING = EnvironmentState("p", "default", "lineage")
RELEASED = EnvironmentState("p", "default", "lineage", release=ONE)
HELD = EnvironmentState("p", "default", "lineage", release=ONE, hold="complaints")
LIVE = Live(refreshed=True, alias_version="1", alias_digest="sha256:one", serving=True, healthy=True,
            served_digest="sha256:one", served_url="http://127.0.0.1:8080")  # fmt: skip
EVALUATE = (StepPlan(Step("evaluate", "evaluate", 1, {}, {}, {}), ("new",)),)


@pytest.mark.parametrize(
    ("steps", "challenger", "refused", "state", "live", "action", "told"),
    [
        (EVALUATE, "", "", NOTHING, LIVE, Action.CREATE, "nothing now; the gates decide"),
        (EVALUATE, "", "", RELEASED, LIVE, Action.UPDATE, "v1 now; the gates decide"),
        (EVALUATE, "", "", HELD, LIVE, Action.KEEP, "held at v1: complaints"),
        ((), "sha256:one", "", RELEASED, LIVE, Action.KEEP, "v1 is the challenger"),
        ((), "sha256:two", "", RELEASED, LIVE, Action.UPDATE, "v1 now; the gates let the challenger go"),
        ((), "sha256:two", "", NOTHING, LIVE, Action.CREATE, "first release"),
        ((), "sha256:two", "floor: 0.5 < 0.6", RELEASED, LIVE, Action.KEEP, "v1 stays: floor: 0.5 < 0.6"),
        ((), "", "", RELEASED, LIVE, Action.KEEP, "no challenger"),
        ((), "sha256:one", "", RELEASED, Live(refreshed=True), Action.UPDATE, "alias points to nothing, not to v1"),
        ((), "sha256:one", "", RELEASED, Live(), Action.KEEP, "v1 is the challenger"),
    ],
)
def test_the_release_line_says_what_happens(
    steps: tuple[StepPlan, ...],
    challenger: str,
    refused: str,
    state: EnvironmentState,
    live: Live,
    action: Action,
    told: str,
) -> None:
    line = release_line(steps, challenger, refused, state, live)
    assert line.action is action
    assert told in line.reasons[0]


@pytest.mark.parametrize(
    ("wanted", "release", "state", "live", "action", "told"),
    [
        (True, Action.KEEP, RELEASED, LIVE, Action.KEEP, "http://127.0.0.1:8080"),
        (True, Action.UPDATE, RELEASED, LIVE, Action.UPDATE, "follows the release"),
        (True, Action.CREATE, NOTHING, Live(refreshed=True), Action.CREATE, "follows the release"),
        (True, Action.KEEP, RELEASED, Live(refreshed=True), Action.CREATE, "released and not served"),
        (True, Action.KEEP, NOTHING, Live(refreshed=True), Action.KEEP, "nothing is released"),
        (False, Action.KEEP, RELEASED, LIVE, Action.DELETE, "deployment is gone"),
    ],
)
def test_the_server_line_says_what_happens(
    wanted: bool, release: Action, state: EnvironmentState, live: Live, action: Action, told: str
) -> None:
    (line,) = server_lines(wanted, Line("release", "champion", release), state, live)
    assert line.action is action
    assert told in line.reasons[0]


def test_no_server_is_wanted_and_none_runs() -> None:
    assert list(server_lines(False, Line("release", "champion", Action.KEEP), RELEASED, Live(refreshed=True))) == []


@pytest.mark.parametrize(
    ("live", "action", "told"),
    [
        (replace(LIVE, kind="vertex", otherwise="10 % of its traffic goes to another model"), Action.UPDATE, "10 %"),
        (replace(LIVE, kind="vertex", healthy=False), Action.UPDATE, "does not answer"),
        (replace(LIVE, kind="kserve", healthy=False, observed=False, note="somebody has to apply it"), Action.KEEP,
         "http://127.0.0.1:8080"),
        (replace(LIVE, kind="kserve", served_digest=""), Action.UPDATE, "another model than the release"),
    ],
)  # fmt: skip
def test_a_server_elsewhere_is_looked_at_more_closely(live: Live, action: Action, told: str) -> None:
    (line,) = server_lines(True, Line("release", "champion", Action.KEEP), RELEASED, live)
    assert (line.name, line.action) == (live.kind, action)
    assert told in line.reasons[0]
    assert line.reasons[1:] == ((live.note,) if live.note else ())


def test_a_server_that_the_project_left_is_removed() -> None:
    live = replace(LIVE, left=("the endpoint birds of acme in europe-west4",))
    left, _ = server_lines(True, Line("release", "champion", Action.KEEP), RELEASED, live)
    assert (left.action, left.name) == (Action.DELETE, "the endpoint birds of acme in europe-west4")
