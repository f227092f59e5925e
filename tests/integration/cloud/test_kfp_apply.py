"""The whole way on Kubeflow Pipelines: plan, apply, follow, release, a hand that meddles, a schedule's run, destroy.

The server is the double; its runs are executed for real, from the very bytes that were uploaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.doubles.google import serving
from tests.doubles.kfp import KfpDouble
from tests.integration.cloud.kfp_server import There
from tests.integration.cloud.local_runs import CHECKOUT, copied

TRIGGERS = "    triggers: [{kind: schedule, cron: '0 3 * * 1'}]\n"


@pytest.fixture(scope="module")
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


def lines(plan: Any, *kinds: str) -> dict[str, str]:
    return {line["kind"]: line["action"] for line in plan["plan"]["lines"] if line["kind"] in kinds}


@pytest.mark.timeout(600)
def test_the_story_of_a_project_on_kubeflow_pipelines(there: There) -> None:
    planned = there.json("plan")
    assert lines(planned, "pipeline", "schedule") == {"pipeline": "create", "schedule": "create"}
    assert there.double.made(writes=True) == []

    applied = there.json("apply", "--yes")
    assert applied["verdict"] == "pass"
    assert applied["released"], applied
    assert {one["state"] for one in applied["steps"].values()} == {"success"}

    there.cluster.call("plan", "-e", "cluster", "--detailed-exitcode")
    before = len(there.double.made(writes=True))
    again = there.json("apply", "--yes")
    assert again["verdict"] == "pass"
    assert len(there.double.made(writes=True)) == before, there.double.made(writes=True)[before:]

    (recurring,) = there.double.recurring.recurring
    there.double.recurring.change(recurring, mode="DISABLE", status="DISABLED")
    planned = there.cluster.call("plan", "-e", "cluster", "--detailed-exitcode", code=2)
    assert "it is paused" in planned.stdout
    there.json("apply", "--yes")
    there.cluster.call("plan", "-e", "cluster", "--detailed-exitcode")

    (recurring,) = there.double.recurring.recurring
    fired = str(there.double.recurring.fire(recurring)["run_id"])
    there.double.runs.wait()
    assert there.double.runs.runs[fired]["state"] == "SUCCEEDED"
    # Its last task reached the records and wrote itself down there.
    listed = there.cluster.call("runs", "list", "-e", "cluster").stdout
    assert fired in listed, listed
    runs = len(there.double.runs.runs)
    there.json("apply", "--yes")
    assert len(there.double.runs.runs) == runs
    # What started it is known from then on.
    shown = there.json("runs", "show", fired)
    assert shown["cause"] == f"schedule: {recurring}", shown

    there.cluster.call("destroy", "-e", "cluster", "--yes")
    assert not there.double.recurring.recurring
