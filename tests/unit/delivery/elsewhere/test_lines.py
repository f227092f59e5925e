"""What a plan says of the orchestrator's side: new, moved, changed by hand, no longer wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlopsctl.delivery.elsewhere.lines import engine_lines
from mlopsctl.delivery.plan import Action
from mlopsctl.orchestrators.contract import Bundle, Deployed, Schedule, Wanted

BUNDLE = Bundle({"pipeline.yaml": b"a: 1\n"}, "pipeline.yaml")
WEEKLY = Schedule("p-prod", "0 3 * * 1", "Europe/Berlin", version=BUNDLE.digest)
WANTED = Wanted("p-prod", "p", "prod", BUNDLE, (WEEKLY,))
AS_WANTED = Deployed(True, BUNDLE.digest, (WEEKLY,))


def told(wanted: Wanted, deployed: Deployed | None) -> list[tuple[str, Action, str]]:
    return [(line.kind, line.action, "; ".join(line.reasons)) for line in engine_lines(wanted, deployed)]


def test_what_is_as_wanted_changes_nothing() -> None:
    assert {action for _, action, _ in told(WANTED, AS_WANTED)} == {Action.KEEP}


def test_what_was_not_asked_is_no_change() -> None:
    assert told(WANTED, None) == [("pipeline", Action.KEEP, "not asked")]


def test_where_nothing_stands_everything_is_new() -> None:
    assert [action for _, action, _ in told(WANTED, Deployed())] == [Action.CREATE, Action.CREATE]


def test_another_version_is_named_beside_the_wanted_one() -> None:
    (_, action, why), *_ = told(WANTED, replace(AS_WANTED, version="sha256:" + "ab" * 32))
    assert action is Action.UPDATE
    assert why.startswith("version abababababab is deployed, the project compiles to ")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (replace(WEEKLY, cron="0 4 * * 1"), "it runs at 0 4 * * 1 (Europe/Berlin), the project says 0 3 * * 1"),
        (replace(WEEKLY, timezone="UTC"), "it runs at 0 3 * * 1 (UTC)"),
        (replace(WEEKLY, paused=True), "it is paused"),
        (replace(WEEKLY, max_concurrent=4), "4 runs may overlap"),
        (replace(WEEKLY, version="sha256:" + "cd" * 32), "it starts version cdcdcdcdcdcd"),
        (replace(WEEKLY, version=""), "it starts a version that is not ours"),
    ],
)
def test_a_schedule_changed_by_hand_is_told_with_both_values(found: Schedule, why: str) -> None:
    lines = told(WANTED, replace(AS_WANTED, schedules=(found,)))
    assert lines[1][:2] == ("schedule", Action.UPDATE)
    assert why in lines[1][2]


def test_a_schedule_that_the_project_no_longer_names_goes() -> None:
    lines = told(replace(WANTED, schedules=()), AS_WANTED)
    assert lines[1] == ("schedule", Action.DELETE, "no longer in the project")
