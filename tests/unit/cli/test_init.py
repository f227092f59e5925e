"""`mlopsctl init` writes a project that can be planned at once, and never over anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlopsctl.cli.init import init_project
from mlopsctl.ground.errors import UsageProblem


@pytest.fixture(autouse=True)
def _schema(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The schema is generated from the models, which is not what is tested here."""
    made = tmp_path_factory.mktemp("schema") / "mlops.schema.json"
    made.write_text("{}")
    monkeypatch.setattr("mlopsctl.ground.resources.schema", lambda name="mlops.schema.json": made)


def test_tabular_writes_a_project_with_its_data(tmp_path: Path) -> None:
    folder = tmp_path / "Churn Model"
    written = init_project(folder, "tabular", None)
    assert [path.relative_to(folder).as_posix() for path in written] == [
        ".gitignore", "README.md", "data/customers.csv", "mlops.schema.json", "mlops.yaml",
    ]  # fmt: skip
    assert yaml.safe_load((folder / "mlops.yaml").read_text())["name"] == "churn-model"
    assert (folder / "README.md").read_text().startswith("# churn-model\n")
    assert (folder / "mlops.yaml").read_text().startswith("# yaml-language-server: $schema=mlops.schema.json\n")


@pytest.mark.parametrize("template", ["blank", "tabular"])
def test_the_given_name_is_used(tmp_path: Path, template: str) -> None:
    init_project(tmp_path, template, "forest_2")
    assert yaml.safe_load((tmp_path / "mlops.yaml").read_text())["name"] == "forest_2"
    assert "my-project" not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_a_folder_whose_name_cannot_be_a_project_name_gets_a_plain_one(tmp_path: Path) -> None:
    init_project(tmp_path / "2026", "blank", None)
    assert yaml.safe_load((tmp_path / "2026" / "mlops.yaml").read_text())["name"] == "my-project"


def test_nothing_is_overwritten_and_nothing_is_half_written(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text("mine")
    with pytest.raises(UsageProblem, match=r"already has mlops\.yaml"):
        init_project(tmp_path, "tabular", None)
    assert [path.name for path in tmp_path.iterdir()] == ["mlops.yaml"]
    assert (tmp_path / "mlops.yaml").read_text() == "mine"


def test_an_unknown_template_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem) as caught:
        init_project(tmp_path, "tabluar", None)
    assert caught.value.diagnostics[0].hint == "one of: blank, tabular"


@pytest.mark.parametrize("name", ["", "Churn", "2churn", "churn model", "é", "a" * 64, "a\nb"])
def test_a_name_outside_the_grammar_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageProblem):
        init_project(tmp_path, "blank", name)


def test_the_made_up_rows_can_be_made_again(checkout: Path, tmp_path: Path) -> None:
    made = tmp_path / "customers.csv"
    subprocess.run([sys.executable, str(checkout / "scripts" / "template_data.py"), str(made)], check=True)
    assert made.read_bytes() == (checkout / "templates" / "tabular" / "data" / "customers.csv").read_bytes()
