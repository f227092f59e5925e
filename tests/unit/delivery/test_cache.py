"""What the cache may give: only results whose bytes are known, and evidence of this environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlopsctl.delivery.driver import Setting, StepDriver
from mlopsctl.delivery.history import StoredHistory
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, RunRecord
from mlopsctl.metadata.store import MetadataStore, open_store
from mlopsctl.pipeline.ir import ArtifactType, Step
from mlopsctl.step.key import Surroundings
from mlopsctl.step.task import StepResult, StepState

STORE: Any = SimpleNamespace(has_many=lambda digests: set(digests), uri=lambda digest: digest)
INGEST = Step("ingest", "ingest", 1, parameters={}, inputs={}, outputs={"examples": ArtifactType.EXAMPLES})


@pytest.fixture
def metadata(tmp_path: Path) -> Iterator[MetadataStore]:
    store = open_store(str(tmp_path / "metadata.db"))
    yield store
    store.close()


def begin(metadata: MetadataStore, id: str, environment: str) -> None:
    metadata.begin_run(RunRecord(id, "p", environment, "sha256:p", "sha256:d", 0))


@pytest.mark.parametrize("moved", [False, True])
def test_a_result_of_data_that_changed_meanwhile_is_not_found_again(
    moved: bool, metadata: MetadataStore, tmp_path: Path
) -> None:
    begin(metadata, "r", "dev")
    setting = Setting("r", "dev", tmp_path, "", "", {}, moved=lambda step: moved)
    history = StoredHistory(metadata, STORE, "p", "dev")
    driver = StepDriver(setting, Surroundings(), history, metadata, STORE, {})
    driver.prepare(INGEST, {})
    driver.finished(INGEST, 1, 0, 1, StepResult(StepState.SUCCESS, {"examples": "sha256:e"}), None)
    again = StepDriver(setting, Surroundings(), StoredHistory(metadata, STORE, "p", "dev"), metadata, STORE, {})
    assert isinstance(again.prepare(INGEST, {}), StepResult) is not moved


def test_evidence_against_the_champion_of_another_environment_does_not_replace_ones_own(
    metadata: MetadataStore,
) -> None:
    for at, environment in enumerate(("dev", "prod")):
        begin(metadata, environment, environment)
        found = ArtifactRecord(f"sha256:{environment}", ArtifactType.EVALUATION, "")
        metadata.record(
            [
                ExecutionRecord(
                    run=environment, step="evaluate", component="evaluate", state=StepState.SUCCESS, key="k",
                    material=None, started=at, finished=at, outputs={"evaluation": found},
                    state_inputs={"champion": f"champion of {environment}"},
                )
            ]
        )  # fmt: skip

    def seen(environment: str) -> str:
        return StoredHistory(metadata, STORE, "p", environment).cached(["k"])["k"].outputs["evaluation"].digest

    assert [seen("dev"), seen("prod"), seen("stage")] == ["sha256:dev", "sha256:prod", "sha256:prod"]
