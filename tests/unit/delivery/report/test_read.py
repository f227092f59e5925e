"""A report is read from records and artifacts only, and what cannot be read is said, not guessed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.components import tune
from mlopsctl.curves import CURVES_FILE, Curves, ModelCurves
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.report import read as module
from mlopsctl.delivery.report import tuning as tunings
from mlopsctl.delivery.report.lineage import lineage, reproduce
from mlopsctl.delivery.report.read import assemble
from mlopsctl.delivery.report.steps import pipeline_of, step_rows
from mlopsctl.delivery.report.tuning import tuning
from mlopsctl.delivery.report.value import Standing
from mlopsctl.evidence import Anomalies, Blessing, Evaluation, GateResult, Measurement, Verdict
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ArtifactRecord, EnvironmentState, ExecutionRecord, GitInfo, RunRecord
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.render.report.markdown import markdown
from mlopsctl.render.report.words import plain
from mlopsctl.step.task import StepState

RUN = RunRecord("r1", "p", "dev", "sha256:x", "", 1000, GitInfo("c" * 40), "0.1.0", finished=9000, state="success")
STATE = EnvironmentState("p", "dev", "l")
EVALUATION = Evaluation("regression", "test", 10, "sha256:m", "", (Measurement("rmse", 2.0, 10),))
RESULT = GateResult("rmse", "threshold", "rmse", Verdict.FAIL, "rmse 2 > 1", observed=2.0)
BLESSING = Blessing("sha256:m", "", (RESULT,))
GATES: Json = {"parameters": {"gates": [{"kind": "threshold", "name": "rmse", "metric": "rmse", "max": 1.0}]}}


class Bench:
    """Stores artifacts and makes records of steps that left them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = ArtifactStore(str(folder / "store"))
        self.count = 0

    def artifact(self, type: ArtifactType, files: Mapping[str, object]) -> ArtifactRecord:
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        for name, content in files.items():
            if isinstance(content, bytes):
                (folder / name).write_bytes(content)
            else:
                evidence.write(content, folder, name)
        return ArtifactRecord(self.store.put(folder), type, "")

    def step(
        self, id: str, reads: Mapping[str, ArtifactRecord], material: Json = None, **left: ArtifactRecord
    ) -> ExecutionRecord:
        component = id.partition("-")[0]
        return ExecutionRecord("r1", id, component, StepState.SUCCESS, "", material, 2000, 3500, 1, reads, left)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def whole(bench: Bench, evaluation_files: Mapping[str, object] | None = None) -> list[ExecutionRecord]:
    files = evaluation_files or {"evaluation.json": EVALUATION, CURVES_FILE: Curves(ModelCurves())}
    measured = bench.artifact(ArtifactType.EVALUATION, files)
    blessed = bench.artifact(ArtifactType.BLESSING, {"blessing.json": BLESSING})
    return [
        bench.step("evaluate", {}, evaluation=measured),
        bench.step("gate", {"evaluation": measured}, GATES, blessing=blessed),
    ]


def test_a_run_is_told_from_what_it_left(bench: Bench) -> None:
    found = assemble(RUN, whole(bench), STATE, bench.store)
    assert found.headline.standing is Standing.REFUSED
    assert plain(found.headline.decided) == "rmse is 2, and at most 1 is allowed, on 10 rows."
    assert found.curves == Curves(ModelCurves())
    assert found.notes == ()
    assert [row.metric for row in found.metrics] == ["rmse"]


def test_the_same_records_make_the_same_report(bench: Bench) -> None:
    records = whole(bench)
    assert assemble(RUN, records, STATE, bench.store) == assemble(RUN, records, STATE, bench.store)


def test_an_evaluation_of_an_earlier_version_has_no_curves(bench: Bench) -> None:
    found = assemble(RUN, whole(bench, {"evaluation.json": EVALUATION}), STATE, bench.store)
    assert found.curves is None
    assert found.notes == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"task": 3}', b"\xff\xfe", b'{"task":' * 3000, b'{"task": 1e999}'],
)
def test_evidence_that_is_none_becomes_a_note(bench: Bench, content: bytes) -> None:
    found = assemble(RUN, whole(bench, {"evaluation.json": content}), STATE, bench.store)
    assert found.metrics == ()
    assert [plain(note) for note in found.notes] == [
        "evaluation.json of the Evaluation artifact was written by another version, and this one cannot read it"
    ]
    assert "cannot read it" in markdown(found)


def test_a_file_beyond_the_limit_is_not_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 20)
    found = assemble(RUN, whole(bench), STATE, bench.store)
    assert any("are read at most" in plain(note) for note in found.notes)
    assert found.metrics == ()


def test_artifacts_that_are_gone_become_notes(bench: Bench) -> None:
    gone = ArtifactRecord("sha256:" + "0" * 64, ArtifactType.EVALUATION, "")
    found = assemble(RUN, [bench.step("evaluate", {}, evaluation=gone)], STATE, bench.store)
    assert any("cannot be read" in plain(note) for note in found.notes)


def test_a_run_without_steps_still_has_a_report(bench: Bench) -> None:
    found = assemble(RUN, [], STATE, bench.store)
    assert found.pipeline is None
    assert markdown(found).startswith("# ")


def test_checks_are_told_with_what_they_asked_for(bench: Bench) -> None:
    anomalies = Anomalies("d", (evidence.CheckResult("rows", "row_count", Verdict.PASS, "60 rows"),))
    left = bench.artifact(ArtifactType.ANOMALIES, {"anomalies.json": anomalies})
    material: Json = {"parameters": {"dataset": "d", "checks": [{"name": "rows", "kind": "row_count", "min": 50}]}}
    found = assemble(RUN, [bench.step("validate-d", {}, material, anomalies=left)], STATE, bench.store)
    assert [(row.needed, row.reason) for row in found.checks] == [("min 50", "60 rows")]


def test_wires_are_found_again_from_what_steps_read() -> None:
    def artifact(letter: str, type: ArtifactType = ArtifactType.MODEL) -> ArtifactRecord:
        return ArtifactRecord("sha256:" + letter * 64, type, "")

    def step(id: str, reads: Mapping[str, ArtifactRecord], left: Mapping[str, ArtifactRecord]) -> ExecutionRecord:
        return ExecutionRecord("r1", id, id.partition("-")[0], StepState.SUCCESS, "", None, 0, 1, 1, reads, left)

    guard = artifact("g", ArtifactType.ANOMALIES)
    same = artifact("a")
    executions = [
        step("validate-d", {}, {"anomalies": guard}),
        step("train-one", {"anomalies": guard}, {"model": same}),
        step("train-two", {"anomalies": guard}, {"model": same}),
        step("select", {"models.one": same, "models.two": same, "anomalies": guard}, {"model": same}),
    ]
    found = pipeline_of(RUN, executions, None)
    assert found is not None
    wires = {name: (str(wired.ref), wired.guard) for name, wired in found.step("select").inputs.items()}
    assert wires == {
        "models.one": ("train-one.model", False), "models.two": ("train-two.model", False),
        "anomalies": ("validate-d.anomalies", True),
    }  # fmt: skip
    assert [row.started for row in step_rows(RUN, executions, found)] == [0, 0, 0, 0]


def test_a_component_that_only_the_record_names_is_never_imported() -> None:
    artifact = ArtifactRecord("sha256:" + "a" * 64, ArtifactType.FILE, "")
    evil = [
        ExecutionRecord("r1", "one", "antigravity.x", StepState.SUCCESS, "", None, 0, 1, 1, {}, {"out": artifact}),
        ExecutionRecord("r1", "two", "this.x", StepState.SUCCESS, "", None, 0, 1, 1, {"out": artifact}),
    ]
    assert pipeline_of(RUN, evil, None) is not None
    assert not {"antigravity", "this"} & set(sys.modules)


def test_origins_are_the_digests_in_the_keys_of_steps() -> None:
    ingest = ExecutionRecord(
        "r1", "ingest-d", "ingest", StepState.SUCCESS, "", {
            "parameters": {"source": {"kind": "csv", "uri": "sha256:" + "d" * 64}}, "code": {"fit.py": "sha256:f"},
            "packages": {"numpy": "2.1.0", "sklearn": "scikit-learn 1.6.0", "odd": "absent"},
            "requirements": {"torch": "torch==2.5.0"},
        }, 0, 1,
    )  # fmt: skip
    found = lineage([ingest], Findings())
    assert found.data == {"ingest-d source.uri": "sha256:" + "d" * 64}
    assert found.code == {"fit.py": "sha256:f"}
    assert found.packages == {"numpy": "2.1.0", "scikit-learn": "1.6.0", "torch": "2.5.0", "odd": "absent"}
    assert reproduce(RUN, found) == (
        f"git checkout {'c' * 40}",
        "pip install 'mlopsctl[run]==0.1.0' numpy==2.1.0 scikit-learn==1.6.0 torch==2.5.0",
        "mlopsctl reproduce r1 -e dev",
    )


def test_commands_are_quoted_for_a_shell() -> None:
    hostile = RunRecord("r1", "p", "dev; rm -rf /", "", "", 0, GitInfo("$(touch x)"), "0.1.0")
    commands = reproduce(hostile, lineage([], Findings()))
    assert commands[0] == "git checkout '$(touch x)'"
    assert commands[-1].endswith("-e 'dev; rm -rf /'")


def search(**more: object) -> bytes:
    trials = [
        {"trial": 1, "params": {"C": 0.1, "penalty": "l2"}, "state": "complete", "score": 0.8},
        {"trial": 2, "params": {"C": 1}, "state": "failed", "score": None, "reason": "no"},
    ]
    best = {"trial": 1, "params": {}, "score": 0.8}
    return json.dumps({"method": "grid", "metric": "accuracy", "best": best, "trials": trials, **more}).encode()


def test_trials_are_told_with_the_best_one() -> None:
    found = tuning("tune-sgd", search())
    assert (found.target, found.metric, found.method) == ("sgd", "accuracy", "grid")
    assert [(one.number, one.value, one.state, one.best) for one in found.trials] == [
        (1, 0.8, "complete", True), (2, None, "failed: no", False),
    ]  # fmt: skip
    assert found.trials[0].parameters == {"C": "0.1", "penalty": "l2"}


def test_of_very_many_trials_the_best_is_kept() -> None:
    many = [{"trial": at, "params": {}, "state": "complete", "score": 0.1} for at in range(1, 301)]
    found = tuning("tune-sgd", search(trials=many, best={"trial": 299, "params": {}, "score": 0.1}))
    assert len(found.trials) == tunings.MOST_TRIALS
    assert found.hidden == 200
    assert [one.number for one in found.trials if one.best] == [299]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", search(trials=[3]), search(best=None), b'{"trials": []}'])
def test_a_search_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the JSON reader's own and ours
        tuning("tune-sgd", content)


def test_the_search_s_file_is_the_one_that_tune_writes() -> None:
    assert tunings.HYPERPARAMETERS_FILE == tune.HYPERPARAMETERS_FILE
