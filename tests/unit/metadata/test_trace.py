"""Look-ups in what happened: by the beginning of a name, and counts over many runs at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.metadata.records import RunRecord
from mlopsctl.metadata.store import MetadataStore, open_store
from mlopsctl.metadata.trace import (
    Tally,
    artifacts_that_begin,
    before,
    environments,
    makers,
    readers,
    runs_of,
    runs_that_begin,
    tallies,
)
from mlopsctl.step.task import StepState
from tests.unit.delivery.answers.histories import chain, digest, execution, record_run

R1, R2 = "20260101T000001-aaa", "20260101T000002-bbb"


@pytest.fixture
def metadata(tmp_path: Path) -> Iterator[MetadataStore]:
    store = open_store(str(tmp_path / "metadata.db"))
    yield store
    store.close()


def test_steps_are_counted_once_however_many_attempts_they_took(metadata: MetadataStore) -> None:
    ingest, train, gate = chain(R1)
    failed = execution(R1, "train", state=StepState.FAILED)
    record_run(metadata, R1, ingest, failed, replace(train, attempt=2), replace(gate, line="all gates pass"))
    record_run(metadata, R2, *chain(R2, reused=True)[:2])
    counted = tallies(metadata, [R1, R2, "20260101T000003-none"])
    assert counted == {
        R1: Tally(steps=3, ran=3, reused=0, failed_attempts=1, judged=True),
        R2: Tally(steps=2, ran=0, reused=2),
    }


def test_the_line_of_the_evaluation_is_told(metadata: MetadataStore) -> None:
    one = replace(execution(R1, "train", line="accuracy 0.9 on 10 rows"), component="evaluate")
    record_run(metadata, R1, one)
    assert tallies(metadata, [R1])[R1].said == "accuracy 0.9 on 10 rows"


def test_runs_and_artifacts_are_found_by_how_they_begin(metadata: MetadataStore) -> None:
    steps = chain(R1)
    record_run(metadata, R1, *steps)
    record_run(metadata, R2, environment="prod")
    record_run(metadata, "20260101T000009-zzz", project="other")
    assert [run.id for run in runs_that_begin(metadata, "p", "20260101")] == [R2, R1]
    assert [run.id for run in runs_that_begin(metadata, "p", "%")] == []
    assert set(runs_of(metadata, [R1, "none"])) == {R1}
    assert environments(metadata, "p") == ("dev", "prod")
    model = steps[1].outputs["out"].digest
    assert [artifact.digest for artifact in artifacts_that_begin(metadata, model[:20])] == [model]
    assert artifacts_that_begin(metadata, "sha256:%") == []


def test_makers_and_readers_tell_reuse_from_work(metadata: MetadataStore) -> None:
    steps = chain(R1)
    record_run(metadata, R1, *steps)
    record_run(metadata, R2, *chain(R2, reused=True))
    model = steps[1].outputs["out"].digest
    made, read = makers(metadata, [model])[model], readers(metadata, [model])[model]
    assert [(touch.run, touch.step, touch.reused) for touch in made] == [(R1, "train", False), (R2, "train", True)]
    assert [(touch.run, touch.step, touch.reused) for touch in read] == [(R1, "gate", False), (R2, "gate", True)]
    assert {touch.key for touch in made} == {steps[1].key}
    assert makers(metadata, [digest("nothing")]) == {}


def test_what_a_step_did_before_a_run_is_its_own_environments(metadata: MetadataStore) -> None:
    record_run(metadata, R1, *chain(R1))
    record_run(metadata, R2, *chain(R2, c=2.0), environment="prod")
    third = record_run(metadata, "20260101T000003-ccc", *chain("20260101T000003-ccc", c=3.0))
    assert [record.run for record in before(metadata, third, "train")] == [R1]
    first = metadata.run(R1)
    assert isinstance(first, RunRecord)
    assert before(metadata, first, "train") == []


def test_a_hundred_runs_are_counted_in_a_moment(metadata: MetadataStore) -> None:
    ids = [f"20260101T{at:06}-x" for at in range(100)]
    for id in ids:
        record_run(metadata, id, *chain(id, reused=id != ids[0]))
    begun = time.process_time()
    assert len(tallies(metadata, ids)) == 100
    assert time.process_time() - begun < 1
