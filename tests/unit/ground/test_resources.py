"""Schemas and templates are found from a checkout and from a wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlopsctl.ground import resources


def test_templates_are_found_in_the_checkout(checkout: Path) -> None:
    assert resources.templates() == ("blank", "tabular")
    assert resources.template("tabular") == checkout / "templates" / "tabular"


def test_a_missing_file_is_a_fault_of_the_installation() -> None:
    with pytest.raises(FileNotFoundError, match=r"without its file schemas/nothing\.json"):
        resources.schema("nothing.json")


def test_an_installed_package_carries_them_itself(checkout: Path, tmp_path: Path) -> None:
    package = tmp_path / "site" / "mlopsctl"
    shutil.copytree(checkout / "mlopsctl" / "ground", package / "ground")
    shutil.copy(checkout / "mlopsctl" / "__init__.py", package)
    (package / "_data" / "templates" / "blank").mkdir(parents=True)
    (package / "_data" / "templates" / "blank" / "mlops.yaml").touch()
    # Beside an installed package stand other projects' folders, which are not ours to read.
    (tmp_path / "site" / "templates" / "foreign").mkdir(parents=True)
    code = "from mlopsctl.ground import resources; print(resources.templates(), resources.template('blank'))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"('blank',) {package / '_data' / 'templates' / 'blank'}"
