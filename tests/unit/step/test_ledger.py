"""The ledger: numbers that nobody shares, records that are believed only where they belong, keys and places."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.errors import StepProblem
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step import ledger
from mlopsctl.step.task import StepState

KEY = "sha256:" + "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


def record(store: ArtifactStore, tmp_path: Path, **changes: object) -> ExecutionRecord:
    folder = tmp_path / "made"
    folder.mkdir(exist_ok=True)
    (folder / "a").write_text("a")
    digest = store.put(folder)
    plain = ExecutionRecord(
        run="run-1",
        step="train",
        component="own",
        state=StepState.SUCCESS,
        key=KEY,
        material={"seed": 1},
        started=1,
        finished=2,
        outputs={"model": ArtifactRecord(digest, ArtifactType.MODEL, store.uri(digest))},
        state_inputs={"champion": ""},
        notes={"rows": 3},
        line="fine",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_record_comes_back_as_it_was(store: ArtifactStore, tmp_path: Path) -> None:
    kept = record(store, tmp_path)
    ledger.keep(store, kept)
    assert list(ledger.records(store, "run-1")) == [kept]
    assert ledger.known(store, KEY) == kept


def test_attempts_that_begin_at_the_same_time_have_different_numbers(store: ArtifactStore) -> None:
    numbers: list[int] = []
    begun = threading.Barrier(8)

    def begin() -> None:
        begun.wait()
        numbers.append(ledger.begin_attempt(store, "run-1", "train", "own", 0))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 9))


def test_attempts_count_by_step(store: ArtifactStore) -> None:
    assert ledger.begin_attempt(store, "run-1", "train", "own", 0) == 1
    assert ledger.begin_attempt(store, "run-1", "train-b", "own", 0) == 1
    assert ledger.begin_attempt(store, "run-1", "train", "own", 0) == 2


def test_attempts_are_read_in_the_order_of_their_numbers(store: ArtifactStore, tmp_path: Path) -> None:
    for number in (10, 9, 1):
        ledger.keep(store, record(store, tmp_path, attempt=number), findable=False)
    assert [one.attempt for one in ledger.records(store, "run-1")] == [1, 9, 10]


def test_what_began_and_never_ended_is_silent(store: ArtifactStore, tmp_path: Path) -> None:
    for _ in range(2):
        ledger.begin_attempt(store, "run-1", "train", "own", 7)
    ledger.keep(store, record(store, tmp_path))
    assert list(ledger.silent(store, "run-1")) == [ledger.Begun("train", 2, "own", 7)]


def test_a_failure_and_a_hidden_success_are_not_found_by_their_key(store: ArtifactStore, tmp_path: Path) -> None:
    ledger.keep(store, record(store, tmp_path, state=StepState.FAILED, outputs={}))
    ledger.keep(store, record(store, tmp_path), findable=False)
    assert ledger.known(store, KEY) is None


def test_a_result_whose_artifact_is_gone_is_not_known(store: ArtifactStore, tmp_path: Path) -> None:
    kept = record(store, tmp_path)
    ledger.keep(store, kept)
    store.discard(kept.outputs["model"].digest)
    assert ledger.known(store, KEY) is None


def test_a_result_of_one_environment_is_not_found_in_another(store: ArtifactStore, tmp_path: Path) -> None:
    here, there = ledger.place_of("demo", "dev"), ledger.place_of("demo", "prod")
    ledger.keep(store, record(store, tmp_path), place=here)
    assert ledger.known(store, KEY, here) is not None
    assert ledger.known(store, KEY, there) is None
    assert ledger.known(store, KEY) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run": 1}', b"\xff\xfe", b"null"])
def test_what_is_no_record_is_none(store: ArtifactStore, content: bytes) -> None:
    store.note("runs/run-1/train.1.json", content)
    assert list(ledger.records(store, "run-1")) == []


def test_a_record_under_another_name_is_not_believed(store: ArtifactStore, tmp_path: Path) -> None:
    ledger.keep(store, record(store, tmp_path))
    content = store.noted("runs/run-1/train.1.json") or b""
    store.note("runs/run-2/train.1.json", content)
    store.note("runs/run-1/other.1.json", content)
    assert [one.step for one in ledger.records(store, "run-1")] == ["train"]
    assert list(ledger.records(store, "run-2")) == []


def test_a_known_result_is_recorded_again_under_its_new_step(store: ArtifactStore, tmp_path: Path) -> None:
    again = ledger.again(record(store, tmp_path, log="x"), "run-2", "train-b", 3, 50)
    assert (again.run, again.step, again.attempt, again.state, again.log) == (
        "run-2",
        "train-b",
        3,
        StepState.CACHED,
        "",
    )


def test_the_end_comes_back_as_it_was(store: ArtifactStore) -> None:
    assert ledger.end_of(store, "run-1") is None
    ended = ledger.Ended("failed", 5, "job-1", "a node went away", ("nobody was told",))
    ledger.keep_end(store, "run-1", ended)
    assert ledger.end_of(store, "run-1") == ended


@pytest.mark.parametrize(
    ("given", "job", "expected"),
    [("run-1", "x", "run-1"), ("", "job-1", "job-1"), ("", "projects/1/pipelineJobs/nightly", "nightly")],
)
def test_the_run_is_named_by_whoever_started_it_else_by_the_engine(given: str, job: str, expected: str) -> None:
    assert ledger.run_id(given, job) == expected


@pytest.mark.parametrize("given", ["../x", "a/b", ".hidden", "x" * 300, "a b", "a\n"])
def test_a_run_that_is_no_name_is_refused(given: str) -> None:
    with pytest.raises(StepProblem, match="no usable id"):
        ledger.run_id(given, "")
