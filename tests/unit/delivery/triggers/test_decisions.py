"""Each trigger's decision, from a clock that the test sets and runs that are recorded by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.stores import Stores
from mlopsctl.delivery.triggers.check import check_triggers
from mlopsctl.delivery.triggers.value import Decision, State
from mlopsctl.evidence import Verdict
from mlopsctl.ground.errors import ExitCode
from tests.unit.delivery.triggers.recorded import (
    PROJECT,
    at,
    begin,
    ingested,
    looked,
    measured,
    released,
    whole,
)

MONDAYS = "{kind: schedule, cron: '0 3 * * 1', timezone: Europe/Berlin}"
FAILED, PASSED, OPEN = Verdict.FAIL, Verdict.PASS, Verdict.ERROR


def decided(loaded: Loaded, trigger: str, now: str = "2026-11-25T12:00Z") -> Decision:
    """The decision on the only trigger."""
    (loaded.folder / "mlops.yaml").write_text(f"{PROJECT}\ntriggers:\n  - {trigger}\n")
    checked = check_triggers(load_project(loaded.folder), at(now))
    return checked.triggers[0].decision


@pytest.mark.parametrize(
    ("ran", "now", "state"),
    [
        ("2026-11-23T01:59Z", "2026-11-23T02:00Z", State.DUE),
        ("2026-11-23T02:00Z", "2026-11-29T23:00Z", State.WAITING),
        ("2026-11-23T02:00Z", "2026-11-30T02:00Z", State.DUE),
        ("2026-11-23T01:00Z", "2026-11-23T01:59Z", State.WAITING),
    ],
)
def test_a_schedule_is_due_once_its_time_came_after_the_last_run(
    loaded: Loaded, stores: Stores, ran: str, now: str, state: State
) -> None:
    whole(stores, begin(stores, "r1", ran, state="failed"))
    decision = decided(loaded, MONDAYS, now)
    assert decision.state is state
    assert decision.next is not None
    assert decision.next > at(now)


def test_a_run_that_starts_now_has_the_first_trigger_that_is_due_as_its_cause(loaded: Loaded, stores: Stores) -> None:
    whole(stores, begin(stores, "r1", "2026-11-23T02:00Z"))
    both = f"{PROJECT}\ntriggers:\n  - {MONDAYS}\n  - {{kind: data, dataset: rows}}\n"
    (loaded.folder / "mlops.yaml").write_text(both)
    project = load_project(loaded.folder)
    assert check_triggers(project, at("2026-11-30T02:00Z")).cause == "schedule: 0 3 * * 1 in Europe/Berlin"
    assert check_triggers(project, at("2026-11-23T03:00Z")).cause == "data: rows"
    ingested(project, stores, "r1")
    assert check_triggers(project, at("2026-11-23T03:00Z")).cause == ""


def test_a_schedule_without_any_run_is_due(loaded: Loaded) -> None:
    assert decided(loaded, "{kind: schedule, cron: 0 0 29 2 *}").reason.endswith("2024-02-29T00:00:00+00:00")


def test_a_run_that_goes_on_counts_and_a_look_does_not(loaded: Loaded, stores: Stores) -> None:
    looked(stores, begin(stores, "r1", "2026-11-25T11:00Z"), PASSED)
    assert decided(loaded, MONDAYS).state is State.DUE
    begin(stores, "r2", "2026-11-25T11:30Z", state="running")
    assert decided(loaded, MONDAYS).state is State.WAITING


def test_new_data_is_due_until_a_run_read_it(loaded: Loaded, stores: Stores) -> None:
    trigger = "{kind: data, dataset: rows}"
    assert decided(loaded, trigger).state is State.DUE
    run = begin(stores, "r1", "2026-11-25T11:00Z")
    whole(stores, run)
    ingested(loaded, stores, run)
    assert decided(loaded, trigger).state is State.WAITING
    with (loaded.folder / "rows.csv").open("a") as stream:
        stream.write("2,y\n" * 5)
    assert decided(loaded, trigger).state is State.DUE
    assert decided(loaded, "{kind: data, dataset: rows, min_new_rows: 5}").state is State.DUE
    few = decided(loaded, "{kind: data, dataset: rows, min_new_rows: 6}")
    assert few.state is State.WAITING
    assert "15 rows, +5 since then, of 6" in few.reason


def test_data_that_a_look_read_is_still_new(loaded: Loaded, stores: Stores) -> None:
    run = begin(stores, "r1", "2026-11-25T11:00Z")
    ingested(loaded, stores, run)
    assert decided(loaded, "{kind: data, dataset: rows}").state is State.DUE


def test_within_its_pause_the_source_is_not_asked(loaded: Loaded, stores: Stores) -> None:
    run = begin(stores, "r1", "2026-11-25T11:30Z")
    whole(stores, run)
    ingested(loaded, stores, run)
    (loaded.folder / "rows.csv").unlink()
    waiting = decided(loaded, "{kind: data, dataset: rows, every: 1h}")
    assert (waiting.state, waiting.next) == (State.WAITING, at("2026-11-25T12:30Z"))
    assert decided(loaded, "{kind: data, dataset: rows, every: 30m}").state is State.UNREADABLE


@pytest.mark.parametrize(
    ("looks", "times", "of", "state"),
    [
        ([], 1, 1, State.WAITING),
        ([FAILED], 1, 1, State.DUE),
        ([FAILED, PASSED], 1, 1, State.WAITING),
        ([FAILED, PASSED], 1, 2, State.DUE),
        ([FAILED], 2, 3, State.WAITING),
        ([FAILED, PASSED, FAILED], 2, 3, State.DUE),
        ([FAILED, FAILED, PASSED, PASSED], 2, 3, State.WAITING),
        ([OPEN], 1, 1, State.UNDECIDED),
        ([FAILED, OPEN], 1, 2, State.DUE),
    ],
)
def test_drift_is_due_when_enough_of_the_newest_looks_failed(
    loaded: Loaded, stores: Stores, looks: list[Verdict], times: int, of: int, state: State
) -> None:
    trained = begin(stores, "r0", "2026-11-20T00:00Z")
    looked(stores, trained, FAILED)
    whole(stores, trained)
    for number, verdict in enumerate(looks, 1):
        looked(stores, begin(stores, f"r{number}", f"2026-11-2{number}T00:00Z"), verdict)
    decision = decided(loaded, f"{{kind: drift, dataset: rows, check: stable, times: {times}, of: {of}}}")
    assert decision.state is state, decision


def test_the_same_data_looked_at_twice_is_one_look(loaded: Loaded, stores: Stores) -> None:
    for number in (1, 2, 3):
        looked(stores, begin(stores, f"r{number}", f"2026-11-2{number}T00:00Z"), FAILED, key="the same")
    assert "1 of the last 1 look failed" in decided(loaded, "{kind: drift, dataset: rows, times: 2, of: 3}").reason


def test_data_that_nobody_looked_at_is_undecided(loaded: Loaded) -> None:
    decision = decided(loaded, "{kind: drift, dataset: rows}")
    assert decision.state is State.UNDECIDED
    assert "run --until validate-rows" in decision.hint


@pytest.mark.parametrize(("value", "state"), [(0.69, State.DUE), (0.7, State.WAITING)])
def test_a_metric_is_due_when_the_released_model_left_its_bounds(
    loaded: Loaded, stores: Stores, value: float, state: State
) -> None:
    released(stores, "sha256:old")
    measured(stores, begin(stores, "r1", "2026-11-01T00:00Z"), model="sha256:old", value=0.9)
    newer = begin(stores, "r2", "2026-11-24T00:00Z")
    measured(stores, newer, model="sha256:new", champion="sha256:old", value=0.99, then=value)
    assert decided(loaded, "{kind: metric, metric: accuracy, min: 0.7}").state is state


def test_a_measurement_out_of_the_window_decides_nothing(loaded: Loaded, stores: Stores) -> None:
    assert decided(loaded, "{kind: metric, metric: accuracy, min: 0.7}").state is State.WAITING
    released(stores, "sha256:old")
    measured(stores, begin(stores, "r1", "2026-11-01T00:00Z"), model="sha256:old", value=0.1)
    assert decided(loaded, "{kind: metric, metric: accuracy, min: 0.7, window: 7d}").state is State.UNDECIDED
    assert decided(loaded, "{kind: metric, metric: accuracy, max: 0.05}").state is State.DUE


def test_what_cannot_be_read_is_never_nothing_due(
    loaded: Loaded, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from mlopsctl.cli import door
    from mlopsctl.cli.main import app

    (tmp_path / "rows.csv").unlink()
    (tmp_path / "mlops.yaml").write_text(f"{PROJECT}\ntriggers:\n  - {{kind: data, dataset: rows}}\n  - {MONDAYS}\n")
    checked = check_triggers(load_project(tmp_path), at("2026-11-25T12:00Z"))
    assert [one.decision.state for one in checked.triggers] == [State.UNREADABLE, State.DUE]
    assert checked.exit_code is ExitCode.FAILED
    assert door.run(app, ["-C", str(tmp_path), "trigger", "check", "--at", "2026-11-25T12:00:00+00:00"]) == 1
    assert "unreadable data rows" in capsys.readouterr().out


def test_the_command_ends_with_2_when_a_run_is_due(
    loaded: Loaded, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import json

    from mlopsctl.cli import door
    from mlopsctl.cli.main import app

    (tmp_path / "mlops.yaml").write_text(f"{PROJECT}\ntriggers:\n  - {MONDAYS}\n")
    assert door.run(app, ["-C", str(tmp_path), "trigger", "check", "-o", "json"]) == 2
    assert json.loads(capsys.readouterr().out)["triggers"][0]["state"] == "due"
    assert door.run(app, ["-C", str(tmp_path), "trigger", "check", "--at", "noon"]) == ExitCode.USAGE
