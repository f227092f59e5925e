"""The flights example runs: a time split, checks that warn, drift that stops everything, slices by carrier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.examples import CHECKOUT, copied, golden, mlopsctl, stable

EXAMPLE = CHECKOUT / "examples" / "flights"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("example") / "flights"
    copied(EXAMPLE, folder)
    try:
        yield folder
    finally:
        mlopsctl(folder, "destroy", "--yes")


def applied(project: Path, code: int) -> dict[str, Any]:
    ended = mlopsctl(project, "apply", "--yes", "--output", "json")
    assert ended.returncode == code, ended.stdout + ended.stderr
    outcome: dict[str, Any] = json.loads(ended.stdout)
    return outcome


def test_the_outcome_is_the_expected_one_and_the_second_plan_is_empty(project: Path) -> None:
    outcome = stable(applied(project, 0))
    found = json.dumps(outcome, indent=2) + "\n"
    assert found == golden(EXAMPLE / "expected" / "apply.json", found)
    planned = mlopsctl(project, "plan", "--detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr


def test_other_carriers_are_drift_and_stop_everything_until_they_are_back(project: Path) -> None:
    file = project / "mlops.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[EWR, JFK, LGA]", "[EWR]"), encoding="utf-8")
    outcome = applied(project, 3)
    checks = {check["name"]: check for check in outcome["checks"]}
    assert checks["same-carriers"]["verdict"] == "fail"
    assert "l_infinity of carrier is 0.21" in checks["same-carriers"]["reason"]
    assert outcome["steps"]["transform"]["state"] == "skipped"
    file.write_text(text, encoding="utf-8")
    assert applied(project, 0)["champion"]["version"] == outcome["champion"]["version"]
