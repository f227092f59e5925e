"""A schedule that somebody edited on the orchestrator shows as drift on its plane, and `apply` puts it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.doubles.google import serving
from tests.doubles.kfp import KfpDouble
from tests.integration.cloud.kfp_server import There
from tests.integration.cloud.local_runs import CHECKOUT, copied

TRIGGERS = "    triggers: [{kind: schedule, cron: '0 3 * * 1'}]\n"


@pytest.fixture
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    cluster = copied(CHECKOUT / "examples" / "penguins", tmp_path_factory.mktemp("there") / "penguins")
    double = KfpDouble()
    with serving(double) as url:
        cluster.declare(cluster=TRIGGERS)
        cluster.change("https://kfp.example.com", url)
        found = There(cluster, double)
        double.runs.execute = found.execute
        try:
            yield found
        finally:
            double.runs.wait()
            cluster.call("destroy", "-e", "cluster", "--yes")


def looked(there: There, code: int) -> list[dict[str, Any]]:
    """The rows of what drifted; every other plane is as it should be."""
    rows: list[dict[str, Any]] = there.json("drift", code=code)["findings"]
    moved = [row for row in rows if row["standing"] != "same"]
    assert {row["plane"] for row in rows} >= {"config", "schedule", "serving"}
    assert {row["plane"] for row in moved} <= {"schedule"}, moved
    return moved


def only(there: There) -> str:
    (recurring,) = there.double.recurring.recurring
    return str(recurring)


def mended(there: There) -> None:
    runs = len(there.double.runs.runs)
    there.json("apply", "--yes")
    assert len(there.double.runs.runs) == runs, "mending a schedule takes no run"
    assert looked(there, 0) == []


@pytest.mark.timeout(1200)
def test_a_schedule_that_was_edited_by_hand_drifts_and_is_put_back(there: There) -> None:
    there.json("apply", "--yes")
    assert looked(there, 0) == []

    there.double.recurring.change(only(there), mode="DISABLE", status="DISABLED")
    (row,) = looked(there, 5)
    assert row["plane"] == "schedule"
    assert row["what"].startswith("schedule ")
    assert row["wanted"] == "0 3 * * 1 (UTC)"
    assert row["found"] == "it is paused"
    printed = there.cluster.call("drift", "-e", "cluster", "--plane", "schedule", code=5).stdout
    assert "~ schedule  schedule " in printed
    assert "it is paused" in printed
    assert "1 drifted" in printed
    mended(there)

    there.double.recurring.change(only(there), cron="0 0 4 * * 2")
    (row,) = looked(there, 5)
    assert row["wanted"] == "0 3 * * 1 (UTC)"
    assert "0 4 * * 2" in row["found"]
    mended(there)

    there.double.recurring.recurring.pop(only(there))
    (row,) = looked(there, 5)
    assert row["found"] == "it is not there"
    mended(there)
