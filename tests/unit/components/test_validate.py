"""`validate` as a step: pinned state and references come as folders, the clock as a number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlopsctl import evidence
from mlopsctl.components.spec import Notes, Work, load
from mlopsctl.evidence import ANOMALIES_FILE, Anomalies, Verdict

AREAS = {"kind": "drift", "column": "a", "metric": "l_infinity", "max": 0.1}
CHECKS: list[dict[str, Any]] = [
    {"name": "before", **AREAS},
    {"name": "other", **AREAS, "against": "other"},
    {"name": "skew", "kind": "skew", "column": "a", "metric": "l_infinity", "max": 0.1, "serving": "served"},
    {"name": "fresh", "kind": "freshness", "column": "t", "unit": "s", "max_age": 60.0},
    {"name": "warned", "kind": "row_count", "min": 1000, "severity": "warn"},
]


class Steps:
    """Runs components in one project folder, each output in a folder of its own."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self._count = 0

    def run(self, name: str, inputs: dict[str, Path], work: dict[str, Any], **parameters: Any) -> tuple[Path, Notes]:
        component = load(name)
        (output,) = component.SPEC.outputs
        self._count += 1
        folder = self.project / f"output-{self._count}"
        folder.mkdir()
        read = component.SPEC.parameters.model_validate_json(json.dumps(parameters))
        made = Work(project=self.project, inputs=inputs, outputs={output: folder}, **work)
        return folder, component.run(made, read)

    def known(self, areas: str) -> tuple[Path, Path]:
        """Examples and statistics of rows with these areas, a letter each."""
        file = self.project / f"rows-{self._count}.csv"
        file.write_text("a,t\n" + "".join(f"{area},{1000 + n}\n" for n, area in enumerate(areas * 40)))
        source = {"kind": "csv", "uri": file.name}
        examples, _ = self.run("ingest", {}, {}, dataset="d", source=source)
        return examples, self.run("statistics", {"examples": examples}, {}, dataset="d")[0]

    def validated(self, areas: str, work: dict[str, Any], **references: Path) -> tuple[Anomalies, Notes]:
        examples, statistics = self.known(areas)
        schema, _ = self.run("schema", {"statistics": statistics}, {}, dataset="d")
        inputs = {"examples": examples, "statistics": statistics, "schema": schema}
        others = {f"reference.{name}": path for name, path in references.items()}
        folder, notes = self.run("validate", {**inputs, **others}, work, dataset="d", checks=CHECKS)
        return evidence.read(Anomalies, folder, ANOMALIES_FILE), notes


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(tmp_path)


def test_each_check_sees_what_it_asks_for(steps: Steps) -> None:
    same, other = steps.known("aabb")[1], steps.known("abbb")[1]
    work = {"state": {"previous-d": same}, "clock": (1000 + 160) * 1000}
    found, notes = steps.validated("aabb", work, other=other, served=same)
    verdicts = {check.name: check.verdict for check in found.checks}
    assert verdicts == {
        "before": Verdict.PASS,
        "other": Verdict.FAIL,
        "skew": Verdict.PASS,
        "fresh": Verdict.PASS,
        "warned": Verdict.FAIL,
    }
    assert found.verdict is Verdict.FAIL
    assert notes.values == {"verdict": "fail", "checks": 5, "not_passed": 2}
    assert notes.line.startswith("other fails: l_infinity of a is 0.25")
    assert "warned warns: 160 rows" in notes.line


def test_without_what_they_ask_for_checks_are_undecided(steps: Steps) -> None:
    found, _ = steps.validated("aabb", {})
    assert [check.verdict for check in found.checks[:4]] == [Verdict.ERROR] * 4
    assert found.verdict is Verdict.ERROR


def test_state_of_another_dataset_is_not_this_ones(steps: Steps) -> None:
    same = steps.known("aabb")[1]
    found, _ = steps.validated("aabb", {"state": {"previous-e": same}})
    assert found.checks[0].verdict is Verdict.ERROR
