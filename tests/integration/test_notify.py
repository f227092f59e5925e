"""What a run on this machine tells: refused, released, failed, rolled back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli import call

pytestmark = pytest.mark.timeout(600)

PROJECT = """
version: 1
name: told
data:
  rows:
    source: {kind: csv, uri: rows.csv}
    label: b
    split: {kind: hash, train: 0.5, validation: 0.2, test: 0.3}
    checks: [{name: enough, kind: row_count, min: 10}]
training:
  task: classification
  targets: {line: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression, params: {C: 1.0}}}
evaluation:
  metrics: [accuracy]
  gates: [{name: floor, kind: threshold, metric: accuracy, min: 0.01}]
notify:
  - {kind: file, path: told/events.jsonl}
  - {kind: webhook, url: "http://127.0.0.1:9/nobody", events: [registered]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("a,b\n" + "".join(f"{number},{number % 2}\n" for number in range(80)))
    (tmp_path / "mlops.yaml").write_text(PROJECT)
    return tmp_path


def change(project: Path, old: str, new: str) -> None:
    file = project / "mlops.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def told(project: Path) -> list[tuple[str, str, str]]:
    """The events since the last look: what happened, to what, with which verdict."""
    file = project / "told" / "events.jsonl"
    events: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    file.unlink(missing_ok=True)
    assert all((event["project"], event["environment"]) == ("told", "default") for event in events)
    return [(event["event"], event["name"] or event["step"], event["verdict"]) for event in events]


def test_every_end_is_told_and_who_cannot_be_told_changes_nothing(project: Path) -> None:
    first = call(project, "apply", "--yes", "-o", "json")
    assert first.code == 0, first
    assert told(project) == [("registered", "told/1", "pass"), ("deployed", "told/1", "pass")]
    assert any("registered was not told: the POST to 127.0.0.1 failed" in note for note in first.json["notes"])

    assert call(project, "apply", "--yes").code == 0
    assert told(project) == []

    change(project, "C: 1.0", "C: 2.0")
    assert call(project, "apply", "--yes").code == 0
    assert told(project) == [("registered", "told/2", "pass"), ("deployed", "told/2", "pass")]

    assert call(project, "rollback", "--reason", "too slow").code == 0
    assert told(project) == [("rolled_back", "told/1", "pass")]

    change(project, "min: 0.01", "min: 0.9999")
    assert call(project, "run").code == 3
    assert told(project) == [("gate_failed", "floor", "fail")]

    change(project, "min: 10}", "min: 1000}")
    assert call(project, "run").code == 3
    assert told(project) == [("check_failed", "enough", "fail")]

    change(project, "params: {C: 2.0}", "params: {C: -2.0}")
    change(project, "min: 1000}", "min: 10}")
    assert call(project, "run").code == 1
    assert told(project) == [("run_failed", "train-line", "")]
