"""Lineage goes along the wires as they were drawn, through reuses, and never along equal content alone."""

from __future__ import annotations

import sys
from dataclasses import replace

from mlopsctl.delivery.answers.subject import Subject
from mlopsctl.delivery.answers.walk import Touched, walk_down, walk_up
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.trace import records
from mlopsctl.pipeline.ir import ArtifactType
from tests.unit.delivery.answers.histories import chain, digest, execution, record_run

R1, R2, R3 = "20260101T000001-aaa", "20260101T000002-bbb", "20260101T000003-ccc"


def walked(metadata: MetadataStore, artifact: ArtifactRecord, run: str = "") -> tuple[list[str], list[str]]:
    """The executions above and below an artifact, as run/step."""
    touched, subject = Touched(metadata), Subject("x", (artifact,), run)
    start = touched.start(subject)

    def told(ids: set[int]) -> list[str]:
        return [f"{one.run}/{one.step}" for one in records(metadata, sorted(ids)).values()]

    return told(walk_up(touched, start)), told(walk_down(touched, subject, start))


def test_a_model_comes_from_its_data_and_leads_to_its_verdict(metadata: MetadataStore) -> None:
    steps = chain(R1)
    record_run(metadata, R1, *steps)
    assert walked(metadata, steps[1].outputs["out"]) == ([f"{R1}/ingest", f"{R1}/train"], [f"{R1}/gate"])


def test_a_reused_result_counts_as_the_execution_that_made_it(metadata: MetadataStore) -> None:
    record_run(metadata, R1, *chain(R1))
    again = chain(R2, c=2.0)
    ingest = chain(R2, reused=True)[0]
    record_run(metadata, R2, again[1], again[2], ingest)
    assert walked(metadata, again[1].outputs["out"], R2) == ([f"{R1}/ingest", f"{R2}/train"], [f"{R2}/gate"])
    above, below = walked(metadata, ingest.outputs["out"])
    assert above == [f"{R1}/ingest"]
    assert below == [f"{R1}/train", f"{R1}/gate", f"{R2}/train", f"{R2}/gate"]


def test_equal_content_of_other_causes_joins_nothing(metadata: MetadataStore) -> None:
    """Both runs end in the same verdict, byte for byte, over different data."""
    one, two = (chain(run, data=run, content="pass") for run in (R1, R2))
    record_run(metadata, R1, *one)
    record_run(metadata, R2, *two)
    verdict = one[2].outputs["out"]
    assert verdict == two[2].outputs["out"]
    assert walked(metadata, verdict, R2)[0] == [f"{R2}/{step}" for step in ("ingest", "train", "gate")]
    assert len(walked(metadata, verdict)[0]) == 6  # the content itself was made twice, and both are true


def test_a_step_run_alone_is_joined_to_what_was_there_before_it(metadata: MetadataStore) -> None:
    ingest, train, _ = chain(R1)
    record_run(metadata, R1, ingest)
    alone = replace(train, run=R2)
    record_run(metadata, R2, alone)
    assert walked(metadata, alone.outputs["out"], R2)[0] == [f"{R1}/ingest", f"{R2}/train"]
    assert walked(metadata, ingest.outputs["out"], R1)[1] == [f"{R2}/train"]


def test_a_step_that_copies_its_input_is_no_circle(metadata: MetadataStore) -> None:
    ingest, train, _ = chain(R1)
    copy = execution(R1, "gate", reads={"model": train.outputs["out"]})
    copy = replace(copy, outputs={"out": train.outputs["out"]})
    record_run(metadata, R1, ingest, train, copy)
    above, _ = walked(metadata, train.outputs["out"], R1)
    assert above == [f"{R1}/ingest", f"{R1}/train", f"{R1}/gate"]


def test_what_came_of_data_is_not_what_came_of_other_data_with_the_same_model(metadata: MetadataStore) -> None:
    runs = []
    for run in (R1, R2):
        ingest, _, _ = chain(run, data=run)
        train = execution(run, "train", reads={"examples": ingest.outputs["out"]}, content="the same model")
        gate = execution(run, "gate", reads={"model": train.outputs["out"]}, material={"seed": len(runs)})
        record_run(metadata, run, ingest, train, gate)
        runs.append(ingest)
    assert walked(metadata, runs[0].outputs["out"], R1)[1] == [f"{R1}/train", f"{R1}/gate"]
    assert walked(metadata, runs[1].outputs["out"], R2)[1] == [f"{R2}/train", f"{R2}/gate"]


def test_a_long_chain_is_walked_without_recursion(metadata: MetadataStore) -> None:
    limit = 200
    made: list[ExecutionRecord] = []
    for at in range(limit):
        reads = {"a": made[-1].outputs["out"]} if made else {}
        one = execution(R1, "train", reads=reads, content=f"{at}", material={"parameters": {"n": at}})
        made.append(replace(one, step=f"s{at}"))
    record_run(metadata, R1, *made)
    last = ArtifactRecord(digest(f"{limit - 1}"), ArtifactType.MODEL, "")
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(150)
    try:
        assert len(walked(metadata, last, R1)[0]) == limit
    finally:
        sys.setrecursionlimit(before)
