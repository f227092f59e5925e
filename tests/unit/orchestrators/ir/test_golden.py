"""The compiled examples, whole, against golden files; ``MLOPSCTL_REGENERATE=1`` writes those again.

The same bytes come out in every folder, locale, time zone and with every hash seed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from tests.conftest import CHECKOUT
from tests.unit.orchestrators.ir.compiled import elsewhere, emitted

GOLDEN = CHECKOUT / "tests" / "golden" / "ir"
OWN = GOLDEN / "projects" / "orders"
EXAMPLES = [(example, engine) for example in ("penguins", "flights") for engine in ("kfp", "vertex")]

_COMPILE = """
import sys
from pathlib import Path
from mlopsctl.config.load import load_project
from tests.unit.orchestrators.ir.compiled import emitted
sys.stdout.buffer.write(emitted(load_project(Path(), sys.argv[1])))
"""


def golden(name: str, found: bytes) -> bytes:
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("MLOPSCTL_REGENERATE") == "1":
        file.write_bytes(found)
    return file.read_bytes()


@pytest.mark.parametrize(("example", "engine"), EXAMPLES)
def test_an_example_compiles_to_its_golden_file(example: str, engine: str) -> None:
    found = emitted(elsewhere(load_project(CHECKOUT / "examples" / example), engine))
    assert found == golden(f"{example}.{engine}", found)


@pytest.mark.parametrize(("environment", "engine"), [("prod", "kfp"), ("cloud", "vertex")])
def test_everything_that_can_be_compiled_compiles_to_its_golden_file(environment: str, engine: str) -> None:
    found = emitted(load_project(OWN, environment))
    assert found == golden(f"orders.{engine}", found)


@pytest.mark.parametrize("environment", ["prod", "cloud"])
def test_the_same_bytes_come_out_everywhere(tmp_path: Path, environment: str) -> None:
    surroundings = [
        ("a", {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"}),
        ("a b'c\n🙂", {"PYTHONHASHSEED": "4711", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"}),
        ("deep/er/still", {"PYTHONHASHSEED": "random", "LANG": "de_DE.UTF-8", "PYTHONUTF8": "0"}),
    ]
    found = {compiled_in(tmp_path / name, environment, variables) for name, variables in surroundings}
    assert len(found) == 1
    assert found == {emitted(load_project(OWN, environment))}


def compiled_in(folder: Path, environment: str, variables: dict[str, str]) -> bytes:
    shutil.copytree(OWN, folder)
    ended = subprocess.run(
        [sys.executable, "-P", "-c", _COMPILE, environment],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **variables},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout
