"""The contract data: what their checks say of them, as projects and as days of a log."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlopsctl import evidence
from mlopsctl.checks.distance import l_infinity
from mlopsctl.components.spec import Work, load
from mlopsctl.config.load import load_project
from mlopsctl.evidence import ANOMALIES_FILE, Anomalies, CheckResult, Verdict
from mlopsctl.ground.digest import canonical_json
from mlopsctl.lowering.data_steps import data_steps
from mlopsctl.pipeline.ir import Step
from mlopsctl.tables import examples as files
from tests.integration.cli import call

STARTED = int(datetime(2020, 6, 7, tzinfo=UTC).timestamp() * 1000)


def run_data(project: Path, environment: str | None, root: Path) -> dict[str, Path]:
    """Every data step of a project, run here in the pipeline's order; the folders by step."""
    loaded = load_project(project, environment)
    steps = sorted(data_steps(loaded), key=lambda step: step.component == "validate")
    folders: dict[str, Path] = {}
    for step in steps:
        folders[step.id] = _run(step, loaded.folder, folders, root / step.id)
    return folders


def _run(step: Step, project: Path, folders: Mapping[str, Path], output: Path) -> Path:
    output.mkdir(parents=True)
    component = load(step.component)
    (declared,) = step.outputs
    work = Work(
        project=project,
        inputs={name: folders[wired.ref.step] for name, wired in step.inputs.items()},
        outputs={declared: output},
        clock=STARTED if "clock" in step.state_inputs else 0,
    )
    component.run(work, component.SPEC.parameters.model_validate_json(canonical_json(dict(step.parameters))))
    return output


def results(folders: Mapping[str, Path], dataset: str) -> dict[str, CheckResult]:
    found = evidence.read(Anomalies, folders[f"validate-{dataset}"], ANOMALIES_FILE)
    return {check.name: check for check in found.checks}


@pytest.fixture(scope="module")
def days(contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one dataset a day of the prediction log, each compared with the first."""
    root = tmp_path_factory.mktemp("days")
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with (contracts / "data" / "covertype_prediction_logs.csv").open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            for instance in json.loads(line["raw_data"])["instances"]:
                rows[line["time"][:10]].append({"time": line["time"], **{k: v[0] for k, v in instance.items()}})
    data = {}
    for number, day in enumerate(sorted(rows), start=1):
        with (root / f"day{number}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[day][0]))
            writer.writeheader()
            writer.writerows(rows[day])
        checks: list[dict[str, Any]] = [{"name": "fresh", "kind": "freshness", "column": "time", "max_age": "36h"}]
        if number > 1:
            areas = {"kind": "drift", "column": "Wilderness_Area", "metric": "l_infinity", "against": "day1"}
            checks += [{"name": "areas", "max": 0.05, **areas}]
            checks += [{"name": "at-most", "max": 0.026, **areas}, {"name": "below", "max": 0.185, **areas}]
        data[f"day{number}"] = {"source": {"kind": "csv", "uri": f"day{number}.csv"}, "checks": checks}
    (root / "mlops.yaml").write_text(json.dumps({"version": 1, "name": "days", "data": data}), encoding="utf-8")
    return root


def test_drift_of_the_prediction_log_is_what_the_labs_say(days: Path, tmp_path: Path) -> None:
    folders = run_data(days, None, tmp_path)
    expected = {2: 0.022, 3: 0.026, 4: 0.02, 5: 0.21, 6: 0.186}
    for day, distance in expected.items():
        found = results(folders, f"day{day}")
        assert f"l_infinity of Wilderness_Area is {distance}" in found["areas"].reason
        verdict = Verdict.PASS if day <= 4 else Verdict.FAIL
        assert [found[name].verdict for name in ("areas", "at-most", "below")] == [verdict] * 3, found
    assert results(folders, "day6")["fresh"].verdict is Verdict.PASS
    assert results(folders, "day1")["fresh"].verdict is Verdict.FAIL


def test_the_distance_is_the_one_of_shares_that_were_counted_by_hand() -> None:
    first = {"Rawah": 228, "Commanche": 215, "Neota": 26, "Cache": 31}
    assert l_infinity(list(first.values()), [239, 204, 19, 38]) == pytest.approx(0.022)


@pytest.fixture
def covertype(contracts: Path, tmp_path: Path) -> Path:
    """The covertype project with a copy of its data, to be changed."""
    source = contracts / "projects" / "covertype"
    folder = tmp_path / "projects" / "covertype"
    folder.mkdir(parents=True)
    for name in ("mlops.yaml", "covertype.schema.yaml"):
        (folder / name).write_text((source / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "data").mkdir()
    data = (contracts / "data" / "covertype_20k.csv").read_text(encoding="utf-8")
    (tmp_path / "data" / "covertype_20k.csv").write_text(data, encoding="utf-8")
    return folder


def _spoil(covertype: Path, tmp_path: Path) -> None:
    """Slope 110 in five rows of the test split, and a soil type nobody knows in a sixth."""
    folders = run_data(covertype, "dev", tmp_path / "before")
    file = covertype.parents[1] / "data" / "covertype_20k.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    import pandas as pd

    test = {
        tuple(map(str, row))
        for row in pd.read_parquet(files.split_file(folders["ingest-covertype"], "test")).to_numpy()
    }
    chosen = [row for row in rows if tuple(row.values()) in test][:6]
    assert len(chosen) == 6
    for row in chosen[:5]:
        row["Slope"] = "110"
    chosen[5]["Soil_Type"] = "C9999"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.timeout(300)
def test_slope_110_and_an_unknown_soil_type_are_exactly_two_anomalies(covertype: Path, tmp_path: Path) -> None:
    good = results(run_data(covertype, "dev", tmp_path / "good"), "covertype")
    assert good["no-anomalies"].verdict is Verdict.PASS
    assert (good["stable-areas"].verdict, good["stable-areas"].severity) == (Verdict.ERROR, "warn")
    _spoil(covertype, tmp_path)
    found = results(run_data(covertype, "dev", tmp_path / "bad"), "covertype")["no-anomalies"]
    assert found.verdict is Verdict.FAIL
    assert [(one.column, one.reason, one.rows, one.of, one.examples) for one in found.anomalies] == [
        ("Slope", "more than 90", 5, 20000, ("110",)),
        ("Soil_Type", "not in the domain", 1, 20000, ("C9999",)),
    ]
    differs = call(covertype, "schema", "diff", "-e", "dev", "-o", "json")
    assert differs.code == 5, differs
    assert [(one["column"], one["rows"]) for one in differs.json["differences"]] == [("Slope", 5), ("Soil_Type", 1)]


def test_the_reviewed_contract_of_covertype_fits_and_can_be_drafted_again(covertype: Path) -> None:
    same = call(covertype, "schema", "diff", "-e", "dev", "-o", "json")
    assert (same.code, same.json["differences"]) == (0, []), same
    (covertype / "covertype.schema.yaml").unlink()
    assert call(covertype, "validate").code == 65
    drafted = call(covertype, "schema", "infer", "-e", "dev", "--out", str(covertype / "covertype.schema.yaml"))
    assert drafted.code == 0, drafted
    assert "13 columns from 7,928 train rows" in drafted.out
    assert call(covertype, "validate").code == 0
    again = call(covertype, "schema", "infer", "-e", "dev", "--out", str(covertype / "covertype.schema.yaml"))
    assert again.code == 64


def test_chicago_taxi_is_stale_and_only_warns(contracts: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "projects").mkdir(parents=True)
    (root / "data").symlink_to(contracts / "data")
    folder = root / "projects" / "chicago-taxi"
    folder.mkdir()
    text = (contracts / "projects" / "chicago-taxi" / "mlops.yaml").read_text(encoding="utf-8")
    (folder / "mlops.yaml").write_text(text, encoding="utf-8")
    folders = run_data(folder, "dev", tmp_path / "run")
    found = evidence.read(Anomalies, folders["validate-trips"], ANOMALIES_FILE)
    assert found.verdict is Verdict.PASS
    assert [(check.name, check.verdict, check.severity) for check in found.checks] == [
        ("not-stale", Verdict.FAIL, "warn"),
        ("enough-rows", Verdict.PASS, "error"),
    ]
    assert found.checks[1].reason == "10540 rows"
    assert "more than 90d" in found.checks[0].reason
