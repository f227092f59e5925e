"""Bringing the ledger of a run elsewhere home: everything once, however often it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.delivery.collect import collect
from mlopsctl.delivery.stores import Stores
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, RunRecord
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.registry.client import Registry
from mlopsctl.step import ledger
from mlopsctl.step.task import StepState

RUN = RunRecord("run-1", "demo", "prod", "sha256:p", "", 1)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with open_store(f"sqlite:///{tmp_path}/metadata.db") as metadata:
        yield Stores(
            home=tmp_path / ".mlops",
            artifacts_url=str(tmp_path / "store"),
            tracking="",
            metadata=metadata,
            state=StateStore(metadata),
            artifacts=ArtifactStore(str(tmp_path / "store")),
            registry=Registry(f"sqlite:///{tmp_path}/mlflow.db"),
        )


def kept(stores: Stores, step: str, state: StepState = StepState.SUCCESS, attempt: int = 1) -> ExecutionRecord:
    folder = stores.home.parent / "made"
    folder.mkdir(exist_ok=True)
    (folder / "a").write_text(step)
    digest = stores.artifacts.put(folder)
    outputs = {"out": ArtifactRecord(digest, ArtifactType.FILE, stores.artifacts.uri(digest))}
    log = ledger.keep_log(stores.artifacts, "run-1", step, attempt, b"said something\n")
    good = state is StepState.SUCCESS
    record = ExecutionRecord(
        "run-1", step, "own", state, f"sha256:{step}", {}, 1, 2, attempt, outputs=outputs if good else {}, log=log
    )
    ledger.keep(stores.artifacts, record)
    return record


def test_records_and_logs_come_home_once(stores: Stores) -> None:
    kept(stores, "first")
    kept(stores, "second", StepState.FAILED)
    assert [one.step for one in collect(stores, RUN)] == ["first", "second"]
    assert collect(stores, RUN) == ()
    found = {one.step: one for one in stores.metadata.executions("run-1")}
    assert found["first"].log == ".mlops/runs/run-1/first.1.log"
    assert (stores.home / "runs" / "run-1" / "first.1.log").read_bytes() == b"said something\n"
    assert stores.metadata.cached(["sha256:first"])["sha256:first"].step == "first"


def test_what_came_later_is_added(stores: Stores) -> None:
    kept(stores, "first")
    collect(stores, RUN)
    kept(stores, "second")
    assert [one.step for one in collect(stores, RUN)] == ["second"]


def test_a_run_stays_open_until_its_end_is_known(stores: Stores) -> None:
    kept(stores, "first")
    collect(stores, RUN)
    run = stores.metadata.run("run-1")
    assert run is not None
    assert (run.state, run.finished) == ("running", None)
    ledger.keep_end(stores.artifacts, "run-1", ledger.Ended("failed", 77))
    collect(stores, RUN)
    run = stores.metadata.run("run-1")
    assert run is not None
    assert (run.state, run.finished) == ("failed", 77)


def test_an_end_that_only_the_engine_knows_closes_the_run(stores: Stores) -> None:
    collect(stores, RUN, state="canceled")
    run = stores.metadata.run("run-1")
    assert run is not None
    assert run.state == "canceled"


def test_a_run_that_ended_keeps_how(stores: Stores) -> None:
    collect(stores, RUN)
    stores.metadata.finish_run("run-1", "success", 0, 5)
    ledger.keep_end(stores.artifacts, "run-1", ledger.Ended("failed", 77))
    collect(stores, RUN)
    run = stores.metadata.run("run-1")
    assert run is not None
    assert (run.state, run.exit_code) == ("success", 0)


def test_an_attempt_that_was_killed_is_a_failure_once_the_run_is_over(stores: Stores) -> None:
    ledger.begin_attempt(stores.artifacts, "run-1", "first", "own", 9)
    assert collect(stores, RUN) == ()
    ledger.keep_end(stores.artifacts, "run-1", ledger.Ended("failed", 77))
    (killed,) = collect(stores, RUN)
    assert (killed.step, killed.attempt, killed.state) == ("first", 1, StepState.FAILED)
    assert "ended before it could say" in killed.problem


def test_several_that_collect_at_once_record_each_attempt_once(stores: Stores, tmp_path: Path) -> None:
    for number in range(20):
        kept(stores, f"step-{number}")
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with open_store(f"sqlite:///{tmp_path}/metadata.db") as metadata:
                collect(replace(stores, metadata=metadata), RUN)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(one.step for one in stores.metadata.executions("run-1")) == sorted(f"step-{n}" for n in range(20))
