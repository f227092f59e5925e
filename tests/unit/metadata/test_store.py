"""What every metadata store does; run on SQLite here and on PostgreSQL by `tests/integration/test_postgres.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from mlopsctl.ground.errors import Problem
from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.store import MetadataStore, open_store
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepState

from .making import artifact, digest, execution, run


@pytest.fixture
def store(address: str) -> Iterator[MetadataStore]:
    with open_store(address) as opened:
        yield opened


def count(store: MetadataStore, table: str) -> int:
    with store.database.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def table_names(store: MetadataStore) -> set[str]:
    with store.database.reading() as connection:
        return set(inspect(connection).get_table_names())


# Runs


def test_a_run_comes_back_as_it_was_begun(store: MetadataStore) -> None:
    store.begin_run(run())
    assert store.run("run-1") == run()
    assert store.runs("penguins") == [run()]


def test_a_run_says_what_started_it_and_an_older_one_says_nothing(store: MetadataStore) -> None:
    caused = run("run-2", cause="schedule: 0 3 * * 1 in UTC")
    store.begin_run(run())
    store.begin_run(caused)
    assert store.runs("penguins") == [caused, run()]
    store.finish_run("run-2", "success", 0, 1_700_000_009_000)
    found = store.run("run-2")
    assert found is not None
    assert found.cause == caused.cause
    store.tell_cause("run-1", "schedule: nightly")
    store.tell_cause("run-2", "data: rows")
    store.tell_cause("run-3", "data: rows")
    assert [one.cause for one in store.runs("penguins")] == [caused.cause, "schedule: nightly"]


def test_a_finished_run_says_how(store: MetadataStore) -> None:
    store.begin_run(run())
    store.finish_run("run-1", "failed", 3, 1_700_000_009_000)
    assert store.run("run-1") == run(state="failed", exit_code=3, finished=1_700_000_009_000)


def test_an_exit_code_of_zero_is_kept(store: MetadataStore) -> None:
    store.begin_run(run())
    store.finish_run("run-1", "success", 0, 1)
    found = store.run("run-1")
    assert found is not None
    assert found.exit_code == 0


def test_an_unknown_run_is_none_and_cannot_be_finished(store: MetadataStore) -> None:
    assert store.run("run-9") is None
    with pytest.raises(MetadataProblem, match="no run 'run-9'"):
        store.finish_run("run-9", "success", 0, 1)
    assert store.executions("run-9") == []


def test_a_run_id_is_taken_once(store: MetadataStore) -> None:
    store.begin_run(run())
    with pytest.raises(MetadataProblem, match="recorded already"):
        store.begin_run(run(environment="prod"))
    assert store.runs("penguins", "prod") == []


def test_runs_come_newest_first_and_by_environment(store: MetadataStore) -> None:
    for number in range(6):
        store.begin_run(run(f"run-{number}", environment="prod" if number % 2 else "dev"))
    store.begin_run(run("run-9", project="other", environment="dev"))
    assert [found.id for found in store.runs("penguins", "dev")] == ["run-4", "run-2", "run-0"]
    assert [found.id for found in store.runs("penguins", None, limit=3)] == ["run-5", "run-4", "run-3"]
    assert [found.id for found in store.runs("other")] == ["run-9"]
    assert store.runs("nobody") == []


def test_dead_runs_are_canceled_in_their_environment_only(store: MetadataStore) -> None:
    for id, environment in (("dead", "dev"), ("done", "dev"), ("mine", "dev"), ("elsewhere", "prod")):
        store.begin_run(run(id, environment=environment))
    store.finish_run("done", "success", 0, 5)
    assert store.sweep_dead_runs("penguins", "dev", except_run="mine") == ("dead",)
    states = {found.id: found.state for found in store.runs("penguins")}
    assert states == {"dead": "canceled", "done": "success", "mine": "running", "elsewhere": "running"}
    dead = store.run("dead")
    assert dead is not None
    assert (dead.exit_code, dead.finished is None) == (None, False)
    assert store.sweep_dead_runs("penguins", "dev", except_run="mine") == ()


# Executions


def test_an_execution_comes_back_as_it_was_recorded(store: MetadataStore) -> None:
    store.begin_run(run())
    store.record([execution()])
    assert store.executions("run-1") == [execution()]


def test_executions_of_every_state_come_back_in_order(store: MetadataStore) -> None:
    store.begin_run(run())
    records = [
        execution(f"step-{state}", state=state, problem="it broke", hint="mend it", outputs={}) for state in StepState
    ]
    store.record(records)
    store.record([execution("a-later-one", attempt=2)])
    assert store.executions("run-1") == [*records, execution("a-later-one", attempt=2)]


def test_one_artifact_under_two_names_and_directions_comes_back_whole(store: MetadataStore) -> None:
    same = artifact("same", ArtifactType.MODEL)
    record = execution(
        inputs={"models.a": same, "models.b": same, "again": artifact("same", ArtifactType.FILE)},
        outputs={"model": same, "copy": same},
    )
    store.begin_run(run())
    store.record([record])
    assert store.executions("run-1") == [record]


def test_artifacts_are_shared_between_executions_and_runs(store: MetadataStore) -> None:
    for id in ("run-1", "run-2"):
        store.begin_run(run(id))
        store.record([execution(run=id), execution("train-other", run=id)])
    assert count(store, "Artifact") == 4
    assert count(store, "Execution") == 4
    assert count(store, "mlopsctl_document") == 1


def test_an_artifact_that_moved_has_its_new_place(store: MetadataStore) -> None:
    store.begin_run(run())
    store.record([execution()])
    moved = {"model": replace(execution().outputs["model"], uri="gs://bucket/x")}
    store.record([execution(attempt=2, outputs=moved)])
    assert [found.outputs["model"].uri for found in store.executions("run-1")] == ["gs://bucket/x"] * 2


def test_an_attempt_is_recorded_once_and_a_refused_batch_leaves_nothing(store: MetadataStore) -> None:
    store.begin_run(run())
    store.record([execution()])
    with pytest.raises(MetadataProblem, match=r"run-1/train-forest/1.*already"):
        store.record([execution("new"), execution()])
    with pytest.raises(MetadataProblem, match="already"):
        store.record([execution("twice"), execution("twice")])
    assert [found.step for found in store.executions("run-1")] == ["train-forest"]
    assert list(store.latest("penguins", "default")) == ["train-forest"]


def test_executions_of_a_run_that_was_not_begun_are_refused(store: MetadataStore) -> None:
    with pytest.raises(MetadataProblem, match="no run"):
        store.record([execution()])


def test_nothing_to_record_is_no_transaction(store: MetadataStore) -> None:
    store.record([])


# The cache


def test_the_cache_finds_the_newest_success_of_a_key(store: MetadataStore) -> None:
    key = execution().key
    for number in range(3):
        store.begin_run(run(f"run-{number}"))
    newest = execution(run="run-1", outputs={"model": artifact("newer", ArtifactType.MODEL)})
    store.record([execution(run="run-0")])
    store.record([newest])
    store.record([execution(run="run-2", state=StepState.FAILED, outputs={})])
    assert store.cached([key, digest("unknown")]) == {key: newest}
    assert [found.run for found in store.executions_of_key(key)] == ["run-2", "run-1", "run-0"]


@pytest.mark.parametrize("state", [state for state in StepState if state is not StepState.SUCCESS])
def test_only_a_success_is_found_by_the_cache(state: StepState, store: MetadataStore) -> None:
    store.begin_run(run())
    store.record([execution(state=state)])
    assert store.cached([execution().key]) == {}


def test_a_step_without_a_key_is_never_found_by_the_cache(store: MetadataStore) -> None:
    store.begin_run(run())
    store.record([execution(key="")])
    assert store.cached([""]) == {}


def test_a_thousand_keys_are_looked_up_and_recorded_at_once(store: MetadataStore) -> None:
    store.begin_run(run())
    records = [execution(f"step-{number}") for number in range(1000)]
    store.record(records)
    found = store.cached({record.key for record in records})
    assert len(found) == 1000
    assert found[records[777].key] == records[777]
    store.begin_run(run("run-2"))
    store.record([replace(record, run="run-2", state=StepState.CACHED) for record in records])
    assert {record.run for record in store.latest("penguins", "default").values()} == {"run-2"}
    assert store.cached([records[777].key]) == {records[777].key: records[777]}


# The latest


def test_the_latest_of_a_step_is_its_newest_success_or_reuse(store: MetadataStore) -> None:
    for id, environment in (("run-1", "default"), ("run-2", "default"), ("run-3", "default"), ("run-4", "prod")):
        store.begin_run(run(id, environment=environment))
    store.record([execution("a"), execution("b"), execution("c", state=StepState.SKIPPED, outputs={})])
    store.record([execution("a", "run-2", state=StepState.CACHED)])
    store.record([execution("a", "run-3", state=StepState.FAILED, outputs={})])
    store.record([execution("a", "run-4")])
    assert {step: found.run for step, found in store.latest("penguins", "default").items()} == {
        "a": "run-2",
        "b": "run-1",
    }
    assert {step: found.run for step, found in store.latest("penguins", "prod").items()} == {"a": "run-4"}
    assert store.latest("penguins", "nowhere") == {}


# Transactions


def test_an_exception_inside_a_transaction_leaves_nothing(store: MetadataStore) -> None:
    def forget_and_fail() -> None:
        with store.database.writing() as connection:
            connection.execute(text("DELETE FROM mlopsctl_about"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        forget_and_fail()
    assert count(store, "mlopsctl_about") == 2


# Hostile text

HOSTILE = [
    'x\'; DROP TABLE "Execution";--',
    '"; DELETE FROM mlopsctl_about; --',
    "%_\\",
    "😀 ünïcödé ‮ rtl",
    "null\0byte",
    "line\nbreak\x1b[31m",
    "lone \ud800 surrogate",
    "🧨" * 5000,
    "",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_comes_back_or_is_refused(hostile: str, store: MetadataStore) -> None:
    tables = table_names(store)
    begun = run(hostile, project=hostile, environment=hostile)
    made = execution(hostile, hostile, component=hostile)
    acceptable = hostile.isprintable() and 0 < len(hostile) <= 100
    if not acceptable:
        with pytest.raises(Problem, match="cannot be a name"):
            store.begin_run(begun)
    else:
        store.begin_run(begun)
        store.record([made])
        assert store.run(hostile) == begun
        assert store.executions(hostile) == [made]
        assert store.latest(hostile, hostile) == {hostile: made}
        assert store.runs(hostile, hostile) == [begun]
    assert table_names(store) == tables
    assert count(store, "mlopsctl_about") == 2


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_never_loses_an_execution(hostile: str, store: MetadataStore) -> None:
    store.begin_run(run(parameters={"hostile": hostile}))
    store.record(
        [
            execution(
                material={"x": hostile},
                notes={hostile: hostile},
                state_inputs={"champion": hostile},
                line=hostile,
                problem=hostile,
                hint=hostile,
                log=hostile,
            )
        ]
    )
    (found,) = store.executions("run-1")
    assert found.material == {"x": hostile}
    assert found.notes == {hostile: hostile}
    assert found.state_inputs == {"champion": hostile}
    begun = store.run("run-1")
    assert begun is not None
    assert begun.parameters == {"hostile": hostile}
    for shown in (found.line, found.problem, found.hint, found.log):
        if "\0" in hostile or "\ud800" in hostile:
            assert shown == hostile.replace("\0", "\\x00").replace("\ud800", "\\ud800")
        else:
            assert shown == hostile


def test_a_note_that_is_no_number_does_not_lose_the_execution(store: MetadataStore) -> None:
    store.begin_run(run())
    store.record([execution(notes={"loss": float("nan")})])
    assert json.dumps(store.executions("run-1")[0].notes["loss"]) == "NaN"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(material=json_values, notes=st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_any_json_comes_back_equal(store: MetadataStore, material: object, notes: dict[str, object]) -> None:
    id = f"run-{count(store, 'Context')}"
    store.begin_run(run(id))
    record = execution(run=id, material=material, notes=notes)
    store.record([record])
    assert store.executions(id) == [record]
