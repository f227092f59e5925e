"""A metric of the project's own in a whole run: it decides, it fails, it hangs, and its code is in the step's key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli import call, processes_of
from tests.integration.test_flowers import write_data

PROJECT = """\
version: 1
name: flowers
data:
  flowers:
    source: {kind: csv, uri: flowers.csv}
    label: kind
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}
evaluation:
  metrics:
    - accuracy
    - {name: profit, entrypoint: "judging:profit", direction: higher, range: [null, 5000], timeout: 20s}
  gates:
    - {name: pays, kind: threshold, metric: profit, min: 10}
    - {name: pays-more, kind: change, metric: profit, against: trivial, min: 1}
"""
WORTH = "def profit(truth, predicted, rows):\n    return float((truth == predicted['prediction']).sum() * {worth})\n"
HANGS = "import time\n\n\ndef profit(truth, predicted, rows):\n    time.sleep(600)\n"
BREAKS = "def profit(truth, predicted, rows):\n    return rows['price'].sum()\n"


def judged(folder: Path, code: str) -> tuple[int, Any, list[str]]:
    """The exit code of a run with that metric, its verdicts, and the steps that were executed."""
    (folder / "judging.py").write_text(code, encoding="utf-8")
    done = call(folder, "run", "-o", "json")
    assert done.out, str(done)
    found = done.json
    ran = [step for step, result in found["steps"].items() if result["state"] == "success"]
    return done.code, {gate["name"]: gate for gate in found["gates"]}, ran


@pytest.mark.timeout(400)
def test_the_projects_own_metric_decides(tmp_path: Path) -> None:
    folder = tmp_path / "flowers"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    write_data(folder, rows=300)

    code, gates, ran = judged(folder, WORTH.format(worth=2))
    assert (code, gates["pays"]["verdict"], gates["pays-more"]["verdict"]) == (0, "pass", "pass")
    assert "evaluate" in ran

    code, gates, ran = judged(folder, WORTH.format(worth=0.01))
    assert (code, gates["pays"]["verdict"]) == (3, "fail")
    assert ran == ["evaluate", "gate"]

    code, gates, _ = judged(folder, BREAKS)
    assert (code, gates["pays"]["verdict"]) == (4, "error")
    assert "judging:profit failed: KeyError: 'price' (judging.py:2)" in gates["pays"]["reason"]

    code, gates, _ = judged(folder, HANGS)
    assert code == 4
    assert "judging:profit did not end within 20 seconds" in gates["pays"]["reason"]
    assert processes_of(folder) == []
