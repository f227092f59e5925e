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


@pytest.mark.parametrize("name", ["census", "chicago-taxi", "covertype"])
def test_what_cannot_be_executed_yet_is_named_at_its_line(copies: Path, name: str) -> None:
    done = call(copies / name, "plan", "-e", "dev")
    assert done.code == 65
    assert "error[not-yet]" in done.err
    assert f"{name}/mlops.yaml:" in done.err


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
