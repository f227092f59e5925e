"""The suite on the examples: three orchestrators, equal; and a component that is not the same everywhere is caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.airflow_server import AIRFLOW3
from tests.integration.cloud.local_runs import CHECKOUT, copied

pytest.importorskip("kfp", reason="kfp is not installed here: these tests run in the environment of requirements/cloud")
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not AIRFLOW3.is_file(), reason="Airflow 3 is not installed: make airflow3"),
]

SMALL = """\
version: 1
name: tellers
data:
  rows:
    source: {kind: csv, uri: rows.csv}
    split: {kind: hash, train: 0.6, validation: 0.2, test: 0.2}
components:
  tell:
    run: {kind: python, entrypoint: "steps:tell"}
    inputs: {rows: rows}
    outputs: {told: File}
  after:
    run: {kind: python, entrypoint: "steps:after"}
    inputs: {told: tell.told}
    outputs: {seen: File}
"""
STEPS = """\
import os
from pathlib import Path


def tell(rows, told):
    pid, found = os.getpid(), "no"
    while pid > 1:
        if b"-m\\0airflow\\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
            found = "yes"
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    (told / "told.txt").write_text(found if DIFFERS else "the same")


def after(told, seen):
    if FAILS:
        raise ValueError("asked to fail")
    (seen / "seen.txt").write_text((told / "told.txt").read_text())
"""


def conformance(folder: Path, *words: str, code: int = 0) -> Any:
    """The report of the suite, as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "mlopsctl", "-C", str(folder), "test", "--conformance", "-o", "json", *words],
        env={
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "MLOPSCTL_KFP_PYTHON": sys.executable,
            "MLOPSCTL_AIRFLOW_PYTHON": str(AIRFLOW3.with_name("python")),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3500,
        check=False,
    )
    assert done.returncode == code, done.stdout[-8000:] + done.stderr[-8000:]
    return json.loads(done.stdout)["environments"][0]


@pytest.mark.parametrize("name", ["penguins", pytest.param("flights", marks=pytest.mark.soak)])
def test_three_orchestrators_agree_about_an_example(name: str, tmp_path: Path) -> None:
    project = copied(CHECKOUT / "examples" / name, tmp_path / name)
    report = conformance(project.folder)
    assert list(report["runs"]) == ["local", "kfp", "airflow"]
    assert (report["passed"], report["differences"], report["left_out"]) == (True, [], {})
    steps = report["runs"]["local"]["steps"]
    assert {one["state"] for one in steps.values()} == {"success"}
    assert steps["gate"]["verdicts"]["floor"] == "pass"
    assert steps["evaluate"]["metrics"]
    # Nothing of it reached the project's own stores.
    assert not list((project.folder / ".mlops").glob("*.db"))


def test_three_orchestrators_agree_about_an_interval(tmp_path: Path) -> None:
    project = copied(CHECKOUT / "examples" / "flights", tmp_path / "flights")
    project.change("validation: 2013-11-01, test: 2013-12-01", "validation: -20d, test: -10d")
    project.change("min: 100000", "min: 1000")
    report = conformance(project.folder, "--interval", "2013-01-01", "2013-03-02")
    assert (report["passed"], report["differences"]) == (True, [])
    whole = json.loads(
        project.call("run", "--interval", "2013-01-01", "2013-03-02", "-o", "json", code=3).stdout
    )["intervals"][0]  # fmt: skip
    for engine in ("local", "kfp", "airflow"):
        found = {step: one["outputs"] for step, one in report["runs"][engine]["steps"].items()}
        assert {step: one["outputs"] for step, one in whole["steps"].items()} == {
            step: outputs for step, outputs in found.items() if step not in ("preflight", "push")
        }


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for its ancestors in /proc")
def test_a_component_that_is_not_the_same_everywhere_is_named(tmp_path: Path) -> None:
    folder = small(tmp_path, differs=True)
    report = conformance(folder, "--on", "local,airflow", code=1)
    assert (report["equal"], report["passed"]) == (False, False)
    first = report["first"]
    assert (first["step"], first["facet"], first["name"]) == ("tell", "output", "told")
    assert first["values"]["local"] != first["values"]["airflow"]
    assert {one["step"] for one in report["differences"]} == {"tell", "after"}


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for its ancestors in /proc")
def test_what_fails_everywhere_alike_is_equal_and_fails(tmp_path: Path) -> None:
    folder = small(tmp_path, fails=True)
    report = conformance(folder, code=1)
    assert list(report["runs"]) == ["local", "kfp", "airflow"]
    assert (report["equal"], report["passed"], report["differences"]) == (True, False, [])
    for run in report["runs"].values():
        assert run["failed"]
        assert run["steps"]["after"]["state"] == "failed"
        assert "asked to fail" in run["steps"]["after"]["problem"]


def small(folder: Path, *, differs: bool = False, fails: bool = False) -> Path:
    (folder / "mlops.yaml").write_text(SMALL, encoding="utf-8")
    (folder / "steps.py").write_text(f"{STEPS}\n\nDIFFERS, FAILS = {differs}, {fails}\n", encoding="utf-8")
    rows = "\n".join(f"{number},{number % 7}" for number in range(200))
    (folder / "rows.csv").write_text(f"id,value\n{rows}\n", encoding="utf-8")
    return folder
