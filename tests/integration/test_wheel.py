"""The wheel carries all it needs: unpacked elsewhere, it starts a project and validates it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contents of a wheel that was just built."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_it_holds_the_license_the_types_and_no_tests(unpacked: Path) -> None:
    assert (unpacked / "mlopsctl" / "py.typed").exists()
    assert list(unpacked.glob("*.dist-info/licenses/LICENSE"))
    assert {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")} == {"mlopsctl"}


def test_it_starts_a_project_and_validates_it(unpacked: Path, tmp_path: Path) -> None:
    # -P keeps the current folder off the path; PYTHONPATH comes before the checkout that pytest runs from.
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    for arguments in (["init", "started"], ["-C", "started", "validate"], ["-C", "started", "graph"]):
        command = [sys.executable, "-P", "-m", "mlopsctl", *arguments]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    where = [sys.executable, "-P", "-c", "import mlopsctl; print(mlopsctl.__file__)"]
    ran = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(str(unpacked))
