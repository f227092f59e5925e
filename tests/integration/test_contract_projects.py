"""The contract projects, as they are written: validated, planned, and the smallest one taken all the way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.cli import call

PROJECTS = ("census", "chicago-taxi", "covertype", "penguins")


@pytest.fixture(scope="module")
def copies(contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the projects beside the data, as their relative paths ask for."""
    root = tmp_path_factory.mktemp("contracts")
    shutil.copytree(contracts / "projects", root / "projects", ignore=shutil.ignore_patterns(".mlops"))
    (root / "data").symlink_to(contracts / "data")
    return root / "projects"


@pytest.mark.parametrize("name", PROJECTS)
def test_a_contract_project_validates(copies: Path, name: str) -> None:
    done = call(copies / name, "validate")
    assert done.code == 0, done
    assert f"ok: {name}" in done.out


def test_what_cannot_be_executed_yet_is_named_at_its_line(copies: Path) -> None:
    done = call(copies / "census", "plan", "-e", "dev")
    assert done.code == 65
    assert done.err.count("error[not-yet]") == 2
    assert "census/mlops.yaml:" in done.err


@pytest.mark.timeout(400)
def test_penguins_are_released_planned_empty_changed_and_refused(copies: Path) -> None:
    folder = copies / "penguins"
    file = folder / "mlops.yaml"
    written = file.read_text(encoding="utf-8")
    first = call(folder, "apply", "-o", "json")
    assert first.code == 0, first
    champion = first.json["champion"]["model"]
    assert call(folder, "apply").code == 0
    assert call(folder, "plan", "--detailed-exitcode").code == 0

    estimator = "estimator: sklearn.linear_model.LogisticRegression"
    assert estimator in written
    file.write_text(written.replace(estimator, f"{estimator}, params: {{C: 0.5}}"), encoding="utf-8")
    changed = call(folder, "plan", "-o", "json", "--detailed-exitcode")
    assert changed.code == 2
    lines = [line for line in changed.json["plan"]["lines"] if line["kind"] == "step" and line["action"] != "keep"]
    assert [line["name"] for line in lines] == ["train-logistic", "select", "evaluate", "gate", "preflight", "push"]
    assert lines[0]["reasons"] == ["params.C (unset) → 0.5"]

    file.write_text(written.replace("min: 0.6", "min: 0.999"), encoding="utf-8")
    refused = call(folder, "apply", "-o", "json")
    assert refused.code == 3, refused
    assert refused.json["champion"]["model"] == champion


def edited(folder: Path, *changes: tuple[str, str]) -> None:
    """Change the project file; each old text must stand there."""
    file = folder / "mlops.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def without(folder: Path, first: str, after: str) -> str:
    """Take the lines from the one that starts so to the next that starts so out of the project file."""
    file = folder / "mlops.yaml"
    text = file.read_text(encoding="utf-8")
    start, end = text.index(first), text.index(after)
    file.write_text(text[:start] + text[end:], encoding="utf-8")
    return text[start:end]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_covertype_goes_from_refused_to_served_and_a_weaker_forest_is_refused(copies: Path) -> None:
    folder = copies / "covertype"
    # How quick a server answers beside other tests is not what this is about.
    edited(folder, ("latency_p95_ms: 500", "latency_p95_ms: 5000"))
    forest = without(folder, "    forest:\n", "  select: {metric: accuracy}")

    refused = call(folder, "apply", "-e", "dev", "-o", "json", timeout=400)
    assert refused.code == 3, refused
    assert "7928 train" in refused.json["steps"]["ingest-covertype"]["line"]
    assert "1989 validation" in refused.json["steps"]["ingest-covertype"]["line"]
    assert "1992 test" in refused.json["steps"]["ingest-covertype"]["line"]
    assert "8091 unused" in refused.json["steps"]["ingest-covertype"]["line"]
    gates = {gate["name"]: gate for gate in refused.json["gates"]}
    assert gates["floor"]["verdict"] == "fail"
    assert 0.65 < gates["floor"]["observed"] < 0.69
    assert refused.json["champion"] is None

    edited(folder, ("  select: {metric: accuracy}", forest + "  select: {metric: accuracy}"))
    released = call(folder, "apply", "-e", "dev", "-o", "json", timeout=400)
    assert released.code == 0, released
    gates = {gate["name"]: gate for gate in released.json["gates"]}
    assert 0.83 < gates["floor"]["observed"] < 0.87
    assert released.json["served"].startswith("http://127.0.0.1:")
    assert "forest wins" in released.json["steps"]["select"]["line"]
    assert call(folder, "plan", "-e", "dev", "--detailed-exitcode").code == 0

    edited(folder, ("n_estimators: 200", "max_depth: 10, n_estimators: 20"))
    weaker = call(folder, "apply", "-e", "dev", "-o", "json", timeout=400)
    assert weaker.code == 3, weaker
    gates = {gate["name"]: gate for gate in weaker.json["gates"]}
    assert {name for name, gate in gates.items() if gate["verdict"] != "pass"} == {"not-worse"}
    assert "0.95 bound" in gates["not-worse"]["reason"]
    assert weaker.json["champion"]["model"] == released.json["champion"]["model"]
    assert call(folder, "destroy", "-e", "dev", "--yes").code == 0


@pytest.mark.timeout(600)
def test_chicago_taxi_boosting_wins_and_a_constant_is_refused(copies: Path) -> None:
    folder = copies / "chicago-taxi"
    released = call(folder, "apply", "-e", "dev", "-o", "json", timeout=300)
    assert released.code == 0, released
    assert released.json["steps"]["ingest-trips"]["line"].startswith("10540 rows")
    assert "boosting wins" in released.json["steps"]["select"]["line"]
    assert call(folder, "destroy", "-e", "dev", "--yes").code == 0

    without(folder, "    boosting:", "    linear:")
    edited(folder, ("sklearn.linear_model.Ridge", "sklearn.dummy.DummyRegressor"))
    constant = call(folder, "apply", "-e", "dev", "-o", "json", timeout=300)
    assert constant.code == 3, constant
    gates = {gate["name"]: gate for gate in constant.json["gates"]}
    assert gates["rmse"]["verdict"] == "pass"
    assert gates["beats-trivial"]["verdict"] == "fail"


@pytest.mark.timeout(600)
def test_census_runs_with_the_frameworks_that_are_there(copies: Path) -> None:
    folder = copies / "census"
    without(folder, "    torch:", "  select: {metric: roc_auc}")
    done = call(folder, "apply", "-e", "dev", "-o", "json", timeout=300)
    assert done.code == 0, done
    assert "25932 train" in done.json["steps"]["ingest-census"]["line"]
    assert call(folder, "destroy", "-e", "dev", "--yes").code == 0
