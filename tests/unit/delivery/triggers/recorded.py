"""Recorded runs of a small project, as a run would have left them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from mlopsctl import evidence
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.refresh import read_surroundings
from mlopsctl.delivery.stores import Stores
from mlopsctl.evidence import Anomalies, CheckResult, Comparison, Evaluation, Measurement, Verdict
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, Release, RunRecord
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.key import key_material
from mlopsctl.step.task import StepState

PROJECT = """
version: 1
name: demo
data:
  rows:
    source: {kind: csv, uri: rows.csv}
    label: b
    checks:
      - {name: stable, kind: drift, column: a, metric: psi, max: 0.2, on_missing: warn, severity: warn}
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.6}
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def begin(stores: Stores, id: str, when: str, *, state: str = "success") -> str:
    """A run that began at a moment."""
    started = int(at(when).timestamp() * 1000)
    stores.metadata.begin_run(RunRecord(id, "demo", "default", "sha256:p", "sha256:q", started))
    if state != "running":
        stores.metadata.finish_run(id, state, 0, started + 1000)
    return id


def step(
    stores: Stores, run: str, name: str, *, key: str = "", value: object = None, state: StepState = StepState.SUCCESS
) -> None:
    """An execution of a step, with the evidence that it left."""
    outputs = {} if value is None else {_OUTPUT[type(value)][0]: _kept(stores, value)}
    stores.metadata.record(
        [ExecutionRecord(run, name, name.partition("-")[0], state, key or f"{run}{name}", {}, 1, 2, outputs=outputs)]
    )


def whole(stores: Stores, run: str) -> None:
    """What a run for the whole pipeline leaves: a challenger and a verdict."""
    step(stores, run, "select")
    step(stores, run, "gate")


def ingested(loaded: Loaded, stores: Stores, run: str, rows: int = 10) -> None:
    """The reading of the data as it is now."""
    pipeline = lower(loaded).pipeline
    (ingest,) = (one for one in pipeline.steps if one.id == "ingest-rows")
    material = key_material(ingest, {}, read_surroundings(loaded, pipeline, stores))
    stores.metadata.record(
        [ExecutionRecord(run, "ingest-rows", "ingest", StepState.SUCCESS, "k", material, 1, 2, notes={"rows": rows})]
    )


def looked(stores: Stores, run: str, verdict: Verdict, key: str = "") -> None:
    """A look at the data."""
    check = CheckResult("stable", "drift", verdict, f"psi said {verdict.value}", "warn")
    step(stores, run, "validate-rows", key=key, value=Anomalies("rows", (check,)))


def measured(stores: Stores, run: str, *, model: str, champion: str = "", value: float, then: float = 0.0) -> None:
    """An evaluation of a challenger, beside the champion where there is one."""
    mine, theirs = Measurement("accuracy", value, 10), Measurement("accuracy", then, 10)
    compared = (Comparison("accuracy", "champion", mine, theirs),) if champion else ()
    step(stores, run, "evaluate", value=Evaluation("classification", "test", 10, model, champion, (mine,), compared))


def released(stores: Stores, model: str) -> None:
    """The model in service."""
    with stores.state.acquire("demo", "default", "test", stores.home / "locks") as lease:
        stores.state.release(lease, Release(1, model, "r", "", "", "demo", "1", 1), None)


_OUTPUT = {
    Anomalies: ("anomalies", ArtifactType.ANOMALIES, evidence.ANOMALIES_FILE),
    Evaluation: ("evaluation", ArtifactType.EVALUATION, evidence.EVALUATION_FILE),
}


def _kept(stores: Stores, value: object) -> ArtifactRecord:
    _, kind, file = _OUTPUT[type(value)]
    folder = Path(stores.home) / "made"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    evidence.write(value, folder, file)
    digest = stores.artifacts.put(folder)
    return ArtifactRecord(digest, kind, stores.artifacts.uri(digest))
