"""What the plan pins and wires for a dataset's checks: only what one of them asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlopsctl.config.load import load_project
from mlopsctl.lowering.data_steps import data_steps
from mlopsctl.pipeline.ir import ArtifactType, Step

FRESH = {"name": "fresh", "kind": "freshness", "column": "t", "max_age": "1d"}
AREAS = {"name": "areas", "kind": "drift", "column": "a", "metric": "l_infinity", "max": 0.1, "on_missing": "warn"}


def validate_step(folder: Path, *checks: dict[str, Any]) -> Step:
    source = {"source": {"kind": "csv", "uri": "rows.csv"}}
    data = {"trips": {**source, "checks": list(checks)}, "other": source, "served": source}
    (folder / "mlops.yaml").write_text(json.dumps({"version": 1, "name": "p", "data": data}), encoding="utf-8")
    return next(step for step in data_steps(load_project(folder)) if step.id == "validate-trips")


def test_a_dataset_without_such_checks_pins_nothing(tmp_path: Path) -> None:
    step = validate_step(tmp_path, {"name": "rows", "kind": "row_count", "min": 1}, {**AREAS, "against": "train"})
    assert step.state_inputs == ()
    assert set(step.inputs) == {"examples", "statistics", "schema"}


def test_freshness_reads_the_clock_and_drift_the_statistics_before(tmp_path: Path) -> None:
    assert validate_step(tmp_path, FRESH).state_inputs == ("clock",)
    assert validate_step(tmp_path, AREAS).state_inputs == ("previous-trips",)
    assert validate_step(tmp_path, AREAS, {**FRESH}).state_inputs == ("clock", "previous-trips")


def test_another_dataset_is_read_by_its_statistics_once(tmp_path: Path) -> None:
    skew = {"name": "skew", "kind": "skew", "column": "a", "metric": "psi", "max": 0.1, "serving": "served"}
    against = {**AREAS, "against": "other"}
    step = validate_step(tmp_path, against, {**against, "name": "again"}, skew)
    references = {name: wired for name, wired in step.inputs.items() if name.startswith("reference.")}
    assert {name: str(wired.ref) for name, wired in references.items()} == {
        "reference.other": "statistics-other.statistics",
        "reference.served": "statistics-served.statistics",
    }
    assert {wired.type for wired in references.values()} == {ArtifactType.STATISTICS}
    assert not any(wired.guard or wired.optional for wired in references.values())
