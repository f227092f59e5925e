"""The example in the repository runs: trained, judged, served, asked, and the second plan is empty."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.examples import CHECKOUT, copied, golden, mlopsctl, stable

EXAMPLE = CHECKOUT / "examples" / "penguins"
EXPECTED = EXAMPLE / "expected"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the example, applied once; its server is stopped at the end."""
    folder = tmp_path_factory.mktemp("example") / "penguins"
    copied(EXAMPLE, folder)
    try:
        yield folder
    finally:
        mlopsctl(folder, "destroy", "--yes")


@pytest.fixture(scope="module")
def applied(project: Path) -> dict[str, Any]:
    """What the first apply said, as data."""
    planned = mlopsctl(project, "plan", "--detailed-exitcode")
    assert planned.returncode == 2, planned.stderr
    ended = mlopsctl(project, "apply", "--yes", "--output", "json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    outcome: dict[str, Any] = json.loads(ended.stdout)
    return outcome


def test_the_outcome_is_the_expected_one(applied: dict[str, Any]) -> None:
    found = json.dumps(stable(applied), indent=2) + "\n"
    assert found == golden(EXPECTED / "apply.json", found)


def test_the_graph_is_the_expected_one(project: Path) -> None:
    drawn = mlopsctl(project, "graph", "--format", "mermaid")
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout == golden(EXPECTED / "graph.mmd", drawn.stdout)


def test_the_second_plan_is_empty(project: Path, applied: dict[str, Any]) -> None:
    planned = mlopsctl(project, "plan", "--detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr


def test_the_second_apply_changes_nothing(project: Path, applied: dict[str, Any]) -> None:
    ended = mlopsctl(project, "apply", "--yes", "--output", "json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    again = json.loads(ended.stdout)
    assert again["champion"]["model"] == applied["champion"]["model"]
    assert again["released"] is None
    assert {step["state"] for step in again["steps"].values()} == {"cached"}


@pytest.mark.parametrize("missing", ["", "sex", "bill_length_mm"])
def test_the_served_model_names_the_species(project: Path, applied: dict[str, Any], missing: str) -> None:
    gentoo = {"island": "Biscoe", "bill_length_mm": 48.2, "bill_depth_mm": 14.3, "flipper_length_mm": 217.0,
              "body_mass_g": 5050.0, "sex": "male"}  # fmt: skip
    body = json.dumps({"dataframe_records": [{**gentoo, missing: None} if missing else gentoo]}).encode()
    request = urllib.request.Request(f"{applied['served']}/invocations", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["predictions"][0]["prediction"] == "Gentoo"
