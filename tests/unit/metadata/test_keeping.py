"""What garbage collection keeps, and what the history says afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsctl.ground.errors import Problem
from mlopsctl.metadata import checkup, keeping
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import MetadataStore, open_store
from mlopsctl.step.task import StepState

from .making import artifact, digest, execution, release, run


@pytest.fixture
def store(address: str) -> Iterator[MetadataStore]:
    with open_store(address) as opened:
        yield opened


def ran(store: MetadataStore, number: int, state: str = "success", environment: str = "default") -> str:
    """A run that made one model of its own; the digest of that."""
    id = f"run-{number}"
    made = artifact(f"made {number}")
    store.begin_run(run(id, environment=environment))
    step = StepState.SUCCESS if state == "success" else StepState.FAILED
    outputs = {"model": made}
    store.record([execution(run=id, state=step, key=digest(number), inputs={}, outputs=outputs, state_inputs={})])
    if state != "running":
        store.finish_run(id, state, 0, 1)
    return made.digest


def test_the_newest_runs_of_each_environment_stay_whole(store: MetadataStore) -> None:
    made = [ran(store, number) for number in range(5)]
    other = ran(store, 9, environment="prod")
    assert keeping.needed(store, 2) == {made[3], made[4], other}
    assert keeping.known(store) == {*made, other}


def test_the_newest_run_that_succeeded_stays(store: MetadataStore) -> None:
    good = ran(store, 1)
    for number in range(2, 5):
        ran(store, number, "failed")
    assert good in keeping.needed(store, 1)


def test_a_running_run_and_a_pinned_one_stay(store: MetadataStore) -> None:
    running, pinned = ran(store, 1, "running"), ran(store, 2)
    made = [ran(store, number) for number in range(3, 6)]
    keeping.pin(store, "run-2", "for the audit")
    keeping.pin(store, "run-2", "again")
    assert keeping.pins(store) == {"run-2": "again"}
    assert keeping.needed(store, 1) == {running, pinned, made[-1]}
    keeping.unpin(store, "run-2")
    keeping.unpin(store, "run-2")
    assert keeping.pins(store) == {}
    assert pinned not in keeping.needed(store, 1)
    found = store.run("run-2")
    assert found is not None
    assert found.state == "success"


def test_an_unknown_run_cannot_be_pinned(store: MetadataStore) -> None:
    with pytest.raises(Problem, match="no run"):
        keeping.pin(store, "run-9", "")


def test_what_is_released_or_was_stays_for_a_rollback(store: MetadataStore, tmp_path: Path) -> None:
    made = [ran(store, number) for number in range(1, 5)]
    state = StateStore(store)
    with state.acquire("penguins", "default", "test", tmp_path / "locks") as lease:
        state.release(lease, release(1), None)
        state.release(lease, release(2), None)
    kept = keeping.needed(store, 1)
    assert {release(1).model, release(1).blessing, release(1).evaluation, release(2).model} <= kept
    assert made[1] in kept, "the run of the current release"
    assert made[0] not in kept, "the run of an earlier one"


def test_what_a_kept_run_read_or_was_compared_with_stays(store: MetadataStore) -> None:
    store.begin_run(run())
    record = execution(state=StepState.CACHED)
    store.record([record])
    store.finish_run("run-1", "success", 0, 1)
    kept = keeping.needed(store, 1)
    assert {a.digest for a in (*record.inputs.values(), *record.outputs.values())} <= kept
    assert digest("champion") in kept


def test_a_forgotten_artifact_makes_its_step_run_again_and_lives_when_it_returns(store: MetadataStore) -> None:
    store.begin_run(run())
    record = execution()
    store.record([record])
    model = record.outputs["model"].digest
    keeping.forget(store, {model})
    assert store.cached([record.key]) == {}
    assert model not in keeping.known(store)
    assert model in keeping.recorded(store)
    assert store.executions("run-1") == [record], "the history stays"
    again = execution(attempt=2)
    store.record([again])
    assert model in keeping.known(store)
    assert store.cached([record.key]) == {record.key: again}


def test_a_store_in_use_has_no_flaw(store: MetadataStore, tmp_path: Path) -> None:
    ran(store, 1)
    state = StateStore(store)
    with state.acquire("penguins", "default", "test", tmp_path / "locks") as lease:
        state.release(lease, release(1), None)
        state.release(lease, release(2), [{"a": 1}])
        state.rollback(lease, None, "bad")
    assert list(checkup.check(store)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("DELETE FROM Execution", "dangling-reference"),
        ("DELETE FROM Artifact", "dangling-reference"),
        ("UPDATE mlopsctl_document SET body = '1'", "changed-document"),
        ("UPDATE mlopsctl_release SET left_at = NULL", "broken-state"),
        ("UPDATE mlopsctl_release SET number = 7 WHERE number = 2", "broken-state"),
        ("UPDATE mlopsctl_release SET left_at = 99 WHERE number = 1", "broken-state"),
        ("UPDATE mlopsctl_release SET body = '{' WHERE number = 1", "broken-state"),
        ("DELETE FROM mlopsctl_environment", "broken-state"),
        ("UPDATE mlopsctl_environment SET gates = '{'", "broken-state"),
    ],
)
def test_a_flaw_of_the_records_is_found(change: str, found: str, store: MetadataStore, tmp_path: Path) -> None:
    ran(store, 1)
    state = StateStore(store)
    with state.acquire("penguins", "default", "test", tmp_path / "locks") as lease:
        state.release(lease, release(1), None)
        state.release(lease, release(2), None)
    with store.database.writing() as connection:
        connection.exec_driver_sql(change)
    assert found in {flaw.id for flaw in checkup.check(store)}


def test_a_look_up_that_leads_nowhere_is_removed_by_a_repair(store: MetadataStore) -> None:
    ran(store, 1)
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE mlopsctl_step_cache SET execution_id = 99")
    assert [(flaw.id, flaw.repaired) for flaw in checkup.check(store)] == [("dangling-look-up", False)]
    assert [flaw.repaired for flaw in checkup.check(store, repair=True)] == [True]
    assert list(checkup.check(store)) == []
