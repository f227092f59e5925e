"""How long a warm run of 1,000 unchanged steps spends in the metadata store: look up, then record.

Promises: record 1,000 cached executions in 0.4 s, look 1,000 keys up in 0.15 s of CPU time.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, RunRecord
from mlopsctl.metadata.store import MetadataStore, open_store
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepState

STEPS, ROUNDS = 1000, 7
PROMISED = {"record": 0.4, "cached": 0.15, "latest": 0.15}


def main() -> int:
    """Print the medians and say whether the promises are kept."""
    spent: dict[str, list[float]] = {"record": [], "cached": [], "latest": []}
    with tempfile.TemporaryDirectory() as folder, open_store(f"{folder}/metadata.db") as store:
        store.record(_begin(store, "run-0", StepState.SUCCESS))
        keys = [_key(step) for step in range(STEPS)]
        for number in range(1, ROUNDS + 1):
            run = f"run-{number}"
            records = _begin(store, run, StepState.CACHED)
            spent["record"].append(_timed(partial(store.record, records)))
            spent["cached"].append(_timed(lambda: store.cached(keys)))
            spent["latest"].append(_timed(lambda: store.latest("bench", "default")))
        size = Path(folder, "metadata.db").stat().st_size
    kept = True
    for name, seconds in spent.items():
        verdict = median(seconds) <= PROMISED[name]
        kept &= verdict
        print(f"{name:8} {STEPS} steps  {median(seconds):.3f} s CPU  promised {PROMISED[name]} s  {_said(verdict)}")
    print(f"database {size / (ROUNDS + 1) / 1e6:.1f} MB a run")
    return 0 if kept else 1


def _begin(store: MetadataStore, run: str, state: StepState) -> list[ExecutionRecord]:
    store.begin_run(RunRecord(run, "bench", "default", "sha256:p", "sha256:q", started=1))
    return [_execution(run, step, state) for step in range(STEPS)]


def _execution(run: str, step: int, state: StepState) -> ExecutionRecord:
    inputs = {f"in{n}": _artifact(step - n) for n in (1, 2) if step >= n}
    material: Json = {"component": "bench", "version": 1, "inputs": {name: a.digest for name, a in inputs.items()}}
    return ExecutionRecord(
        run, f"step-{step}", "bench", state, _key(step), material, 1, 2, inputs=inputs, outputs={"out": _artifact(step)}
    )


def _artifact(step: int) -> ArtifactRecord:
    digest = digest_json("bench/artifact", step)
    return ArtifactRecord(digest, ArtifactType.FILE, f"file:///artifacts/{digest}")


def _key(step: int) -> str:
    return digest_json("bench/key", step)


def _timed(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _said(verdict: bool) -> str:
    return "kept" if verdict else "BROKEN"


if __name__ == "__main__":
    sys.exit(main())
