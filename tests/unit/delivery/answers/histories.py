"""Small recorded histories: runs of a pipeline of three steps, ingest → train → gate, in a store of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, GitInfo, RunRecord
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepState

KINDS = {"ingest": ArtifactType.EXAMPLES, "train": ArtifactType.MODEL, "gate": ArtifactType.BLESSING}


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def run_record(id: str, **other: object) -> RunRecord:
    made = RunRecord(
        id, "p", "dev", digest("pipeline"), digest("plan"), started=at(id), git=GitInfo("c0ffee" * 7, "main")
    )
    return replace(made, **other)  # type: ignore[arg-type]


def at(run: str) -> int:
    return 1_700_000_000_000 + int(run.partition("T")[2].partition("-")[0]) * 1_000


def execution(
    run: str,
    step: str,
    *,
    reads: Mapping[str, ArtifactRecord] | None = None,
    content: str = "",
    state: StepState = StepState.SUCCESS,
    material: Mapping[str, Json] | None = None,
    **other: object,
) -> ExecutionRecord:
    inputs = dict(reads or {})
    described: Json = {
        "component": step, "version": 1, "seed": None, "code": {}, "packages": {}, "parameters": {},
        "inputs": {name: artifact.digest for name, artifact in inputs.items()}, **(material or {}),
    }  # fmt: skip
    left = state in (StepState.SUCCESS, StepState.CACHED)
    outputs = {"out": ArtifactRecord(digest(content or f"{step}{described}"), KINDS[step], "")} if left else {}
    made = ExecutionRecord(
        run,
        step,
        step,
        state,
        digest(f"key{described}"),
        described,
        at(run),
        at(run) + 500,
        inputs=inputs,
        outputs=outputs,
    )
    return replace(made, **other)  # type: ignore[arg-type]


def record_run(
    store: MetadataStore, id: str, *executions: ExecutionRecord, state: str = "success", exit_code: int | None = 0,
    **other: object,
) -> RunRecord:  # fmt: skip
    run = run_record(id, **other)
    store.begin_run(run)
    store.record(executions)
    if state != "running":
        store.finish_run(id, state, exit_code, run.started + 900)
    found = store.run(id)
    assert found is not None
    return found


def chain(run: str, c: float = 1.0, data: str = "rows", reused: bool = False, **gate: object) -> list[ExecutionRecord]:
    """The three steps of a run, wired."""
    state = StepState.CACHED if reused else StepState.SUCCESS
    ingest = execution(run, "ingest", state=state, material={"parameters": {"source": {"uri": digest(data)}}})
    train = execution(
        run,
        "train",
        state=state,
        reads={"examples": ingest.outputs["out"]},
        material={"parameters": {"params": {"C": c}}},
    )
    return [ingest, train, execution(run, "gate", state=state, reads={"model": train.outputs["out"]}, **gate)]  # type: ignore[arg-type]
