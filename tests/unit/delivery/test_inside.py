"""The first and the last task of a run elsewhere, with the engine's words written by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.delivery.inside import begin, end
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, Release, RunRecord
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step import ledger
from mlopsctl.step.portable import PortableRun, encode
from mlopsctl.step.task import StepState

RUN = "run-1"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def asked(tmp_path: Path) -> PortableRun:
    return PortableRun(
        project="demo",
        environment="prod",
        pipeline="sha256:pipeline",
        artifacts=f"file://{tmp_path}/store",
        tracking=f"sqlite:///{tmp_path}/mlflow.db",
        metadata=f"sqlite:///{tmp_path}/metadata.db",
        wanted=("champion", "clock", "previous-rows"),
        notify=[{"kind": "file", "path": "events.jsonl"}],
        steps=("validate-rows", "train", "push"),
    )


def store_of(asked: PortableRun) -> ArtifactStore:
    return ArtifactStore(asked.artifacts)


def put(asked: PortableRun, folder: Path, name: str, content: str = "x") -> str:
    made = folder / f"made-{name}"
    made.mkdir(exist_ok=True)
    (made / name).write_text(content)
    return store_of(asked).put(made)


def words(asked: PortableRun, folder: Path, job: str = "job-1", **parameters: Any) -> list[str]:
    given = {
        "inputs": {"parameterValues": parameters},
        "outputs": {
            "parameters": {name: {"outputFile": str(folder / "out" / name)} for name in ("run", "pinned")},
            "outputFile": str(folder / "out" / "executor_output.json"),
        },
    }
    return ["--run", encode(asked), "--executor-input", json.dumps(given), "--job", job]


def output(folder: Path, name: str) -> str:
    return (folder / "out" / name).read_text()


def test_what_a_plan_pinned_is_passed_on(asked: PortableRun, tmp_path: Path) -> None:
    told = json.dumps({"champion": "sha256:c"})
    assert begin.main(words(asked, tmp_path, mlopsctl_run=RUN, mlopsctl_pinned=told)) == 0
    assert json.loads(output(tmp_path, "pinned")) == {"champion": "sha256:c"}
    assert output(tmp_path, "run") == RUN
    assert not (tmp_path / "metadata.db").exists()


def test_a_scheduled_run_pins_what_a_plan_would(asked: PortableRun, tmp_path: Path) -> None:
    champion = put(asked, tmp_path, "model")
    with open_store(str(asked.metadata)) as metadata:
        with StateStore(metadata).acquire("demo", "prod", "test", tmp_path / "locks") as lease:
            release = Release(1, champion, "run-0", "e", "b", "demo", "1", 5)
            StateStore(metadata).release(lease, release, None)
        metadata.begin_run(RunRecord("run-0", "demo", "prod", "p", "", 1))
        read = ArtifactRecord("sha256:" + "1" * 64, ArtifactType.STATISTICS, "")
        record = ExecutionRecord(
            "run-0", "validate-rows", "validate", StepState.SUCCESS, "k", {}, 1, 2,
            inputs={"statistics": read}, notes={"verdict": "pass"},
        )  # fmt: skip
        metadata.record([record])
    assert begin.main(words(asked, tmp_path, mlopsctl_run="", mlopsctl_pinned="")) == 0
    pinned = json.loads(output(tmp_path, "pinned"))
    assert pinned["champion"] == champion
    assert pinned["previous-rows"] == read.digest
    assert pinned["clock"]
    assert output(tmp_path, "run") == "job-1"


def test_a_scheduled_run_without_records_pins_nothing_but_the_clock(asked: PortableRun, tmp_path: Path) -> None:
    assert begin.main(words(replace(asked, metadata="", wanted=("clock",)), tmp_path, mlopsctl_run=RUN)) == 0
    assert json.loads(output(tmp_path, "pinned")).keys() == {"clock"}


def test_the_address_of_the_records_may_be_a_secret(
    asked: PortableRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDS", str(asked.metadata))
    secret = replace(asked, metadata={"secret": "RECORDS"}, wanted=())
    assert begin.main(words(secret, tmp_path, mlopsctl_run=RUN)) == 0
    assert (tmp_path / "metadata.db").exists()


def test_a_secret_that_is_not_set_fails_the_first_task(
    asked: PortableRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = replace(asked, metadata={"secret": "RECORDS"})
    assert begin.main(words(secret, tmp_path, mlopsctl_run=RUN)) == 1
    assert "the secret RECORDS is not set" in capsys.readouterr().err


def test_what_is_pinned_by_hand_and_is_no_plan_is_refused(
    asked: PortableRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begin.main(words(asked, tmp_path, mlopsctl_run=RUN, mlopsctl_pinned="[1]")) == 1
    assert "is not what a plan pins" in capsys.readouterr().err


def kept(asked: PortableRun, step: str, state: StepState, **more: Any) -> None:
    record = ExecutionRecord(RUN, step, more.pop("component", "own"), state, "", {}, 10, 20, **more)
    ledger.keep(store_of(asked), record)


def ended(state: str, message: str = "") -> dict[str, Any]:
    return {"state": state, "pipelineJobResourceName": "jobs/1", "error": {"message": message}}


def events(folder: Path) -> list[dict[str, Any]]:
    file = folder / "events.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize(
    ("said", "state"),
    [("SUCCEEDED", "success"), ("FAILED", "failed"), ("CANCELLED", "canceled"), ("", "success"), ("ODD", "success")],
)
def test_the_end_is_what_the_engine_says(asked: PortableRun, tmp_path: Path, said: str, state: str) -> None:
    kept(asked, "train", StepState.SUCCESS)
    assert end.main(words(asked, tmp_path, mlopsctl_run=RUN, status=ended(said))) == 0
    found = ledger.end_of(store_of(asked), RUN)
    assert found is not None
    assert (found.state, found.id) == (state, "jobs/1")
    with open_store(str(asked.metadata)) as metadata:
        run = metadata.run(RUN)
        assert run is not None
        assert (run.state, run.environment, run.started) == (state, "prod", 10)


@pytest.mark.parametrize(
    ("run", "cause"),
    [("scheduled__2026-11-23T03-00-00-00-00", "schedule: of the DAG"), ("manual__2026", ""), (RUN, "")],
)
def test_a_run_of_a_dags_schedule_is_recorded_as_one(asked: PortableRun, tmp_path: Path, run: str, cause: str) -> None:
    assert end.main(words(asked, tmp_path, mlopsctl_run=run, status=ended("SUCCEEDED"))) == 0
    with open_store(str(asked.metadata)) as metadata:
        found = metadata.run(run)
    assert found is not None
    assert found.cause == cause


def test_without_the_engines_word_a_failed_step_is_a_failed_run(asked: PortableRun, tmp_path: Path) -> None:
    kept(asked, "train", StepState.FAILED, attempt=1)
    kept(asked, "train", StepState.SUCCESS, attempt=2)
    kept(asked, "push", StepState.FAILED, problem="no luck")
    assert end.main(words(asked, tmp_path, mlopsctl_run=RUN)) == 0
    found = ledger.end_of(store_of(asked), RUN)
    assert found is not None
    assert found.state == "failed"


def test_failures_and_verdicts_are_told(asked: PortableRun, tmp_path: Path, project: Path) -> None:
    check = {"name": "rows", "kind": "row_count", "verdict": "fail", "reason": "3 rows"}
    found = put(asked, tmp_path, "anomalies.json", json.dumps({"dataset": "rows", "checks": [check]}))
    artifact = ArtifactRecord(found, ArtifactType.ANOMALIES, "")
    kept(asked, "validate-rows", StepState.SUCCESS, outputs={"anomalies": artifact})
    kept(asked, "train", StepState.FAILED, problem="no luck")
    assert end.main(words(asked, tmp_path, mlopsctl_run=RUN, status=ended("FAILED"))) == 0
    assert [(one["event"], one["step"], one["name"], one["verdict"], one["reason"]) for one in events(project)] == [
        ("check_failed", "validate-rows", "rows", "fail", "3 rows"),
        ("run_failed", "train", "", "", "no luck"),
    ]
    assert {(one["project"], one["environment"], one["run"]) for one in events(project)} == {("demo", "prod", RUN)}


def test_a_run_that_the_engine_lost_is_told_too(asked: PortableRun, tmp_path: Path, project: Path) -> None:
    assert end.main(words(asked, tmp_path, mlopsctl_run=RUN, status=ended("FAILED", "no node had room"))) == 0
    assert [(one["event"], one["reason"]) for one in events(project)] == [("run_failed", "no node had room")]


def pushed(asked: PortableRun, folder: Path) -> ArtifactRecord:
    content = {"model": "sha256:m", "pushed": True, "reason": "blessed", "name": "demo", "version": "4"}
    digest = put(asked, folder, "pushed_model.json", json.dumps(content))
    return ArtifactRecord(digest, ArtifactType.PUSHED_MODEL, "")


def test_a_model_is_told_when_it_was_registered_in_this_run(asked: PortableRun, tmp_path: Path, project: Path) -> None:
    pushed = {"model": "sha256:m", "pushed": True, "reason": "blessed", "name": "demo", "version": "4"}
    artifact = ArtifactRecord(
        put(asked, tmp_path, "pushed_model.json", json.dumps(pushed)), ArtifactType.PUSHED_MODEL, ""
    )
    kept(asked, "push", StepState.SUCCESS, outputs={"pushed_model": artifact})
    assert end.main(words(asked, tmp_path, mlopsctl_run=RUN, status=ended("SUCCEEDED"))) == 0
    assert [(one["event"], one["name"]) for one in events(project)] == [("registered", "demo/4")]


def test_a_model_that_an_earlier_run_registered_is_not_told_again(
    asked: PortableRun, tmp_path: Path, project: Path
) -> None:
    pushed = {"model": "sha256:m", "pushed": True, "reason": "blessed", "name": "demo", "version": "4"}
    artifact = ArtifactRecord(
        put(asked, tmp_path, "pushed_model.json", json.dumps(pushed)), ArtifactType.PUSHED_MODEL, ""
    )
    kept(asked, "push", StepState.CACHED, outputs={"pushed_model": artifact})
    assert end.main(words(asked, tmp_path, mlopsctl_run=RUN, status=ended("SUCCEEDED"))) == 0
    assert events(project) == []


def test_records_and_notifiers_out_of_reach_change_nothing(
    asked: PortableRun, tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(asked, "train", StepState.FAILED, problem="no luck")
    (project / "taken").write_text("")
    away = replace(
        asked,
        metadata="sqlite:////proc/nowhere/metadata.db",
        notify=[{"kind": "file", "path": "taken/events.jsonl"}],
    )
    assert end.main(words(away, tmp_path, mlopsctl_run=RUN, status=ended("FAILED"))) == 0
    found = ledger.end_of(store_of(asked), RUN)
    assert found is not None
    assert found.state == "failed"
    assert [note.partition(":")[0] for note in found.notes] == [
        "the run is not recorded yet",
        "run_failed was not told",
    ]
    assert "warning: run_failed was not told" in capsys.readouterr().err
