"""Records for the tests of the metadata store."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, GitInfo, Release, RunRecord
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepState


def digest(of: object) -> str:
    return f"sha256:{sha256(str(of).encode('utf-8', 'surrogatepass')).hexdigest()}"


def artifact(of: object, type: ArtifactType = ArtifactType.EXAMPLES) -> ArtifactRecord:
    return ArtifactRecord(digest(of), type, f"file:///store/{digest(of)}")


def run(id: str = "run-1", **changes: Any) -> RunRecord:
    record = RunRecord(
        id=id,
        project="penguins",
        environment="default",
        pipeline_digest=digest("pipeline"),
        plan_digest=digest("plan"),
        started=1_700_000_000_000,
        git=GitInfo("0123abc", "main", True),
        tool_version="0.1.0",
        parameters={"seed": 0, "rate": 0.5, "name": "ä", "on": True, "none": None},
    )
    return replace(record, **changes)


def execution(step: str = "train-forest", run: str = "run-1", **changes: Any) -> ExecutionRecord:
    record = ExecutionRecord(
        run=run,
        step=step,
        component="train",
        state=StepState.SUCCESS,
        key=digest(f"key of {step}"),
        material={"component": "train", "parameters": {"n": 100}, "inputs": ["a", "b"]},
        started=1_700_000_001_000,
        finished=1_700_000_002_000,
        inputs={"examples": artifact("examples"), "transform_graph": artifact("tg", ArtifactType.TRANSFORM_GRAPH)},
        outputs={"model": artifact(f"model of {step}", ArtifactType.MODEL)},
        state_inputs={"champion": digest("champion")},
        notes={"rows": 333, "accuracy": 0.9706},
        line="accuracy 0.9706",
        log=f".mlops/runs/run-1/{step}.1.log",
    )
    return replace(record, **changes)


def release(number: int = 1, **changes: Any) -> Release:
    record = Release(
        number=number,
        model=digest(f"model {number}"),
        run=f"run-{number}",
        evaluation=digest(f"evaluation {number}"),
        blessing=digest(f"blessing {number}"),
        registry_name="penguins-default",
        registry_version=str(number),
        released=1_700_000_000_000 + number,
        gates=[{"name": "accuracy", "verdict": "pass"}],
        overrides={"accuracy": "known"},
    )
    return replace(record, **changes)
