"""The whole way on Kubeflow Pipelines: plan, apply, follow, release, a hand that meddles, a schedule's run, destroy.

The server is the double; its runs are executed for real, from the very bytes that were uploaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mlopsctl.step import ledger
from tests.doubles.google import serving
from tests.doubles.kfp import KfpDouble
from tests.doubles.kfp_runs import Job
from tests.integration.cloud.local_runs import CHECKOUT, RUNNER, Cluster, copied

TRIGGERS = "    triggers: [{kind: schedule, cron: '0 3 * * 1'}]\n"
SEEN = {"success": "SUCCEEDED", "cached": "SUCCEEDED", "skipped": "SUCCEEDED", "failed": "FAILED"}


@dataclass
class There:
    """A project, the server it runs on, and what executes its runs."""

    cluster: Cluster
    double: KfpDouble

    def execute(self, job: Job) -> str:
        """Run what was uploaded with ``kfp.local``, and say of each task what its ledger says."""
        root = self.cluster.root / "engine" / job.id
        root.mkdir(parents=True)
        pipeline = root / "pipeline.yaml"
        pipeline.write_bytes(job.yaml)
        # What a server puts in the place of the job's id, where the run was given none.
        told = {**job.parameters, "mlopsctl_run": job.parameters.get("mlopsctl_run") or job.id}
        words = [str(pipeline), str(self.cluster.folder), str(root), json.dumps(told)]
        known = self.cluster.runs()
        with (root / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(RUNNER), *words],
                cwd=self.cluster.root,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            while process.poll() is None:
                time.sleep(0.3)
                for run in self.cluster.runs() - known:
                    for record in ledger.records(self.cluster.store, run):
                        job.report(record.step, SEEN.get(record.state.value, "FAILED"))
        said = (root / "output.txt").read_text().strip().splitlines()[-1]
        return {"success": "SUCCEEDED", "failed": "FAILED"}[json.loads(said)["state"]]

    def json(self, *words: str, code: int = 0) -> Any:
        done = self.cluster.call(*words, "-e", "cluster", "-o", "json", code=code)
        return json.loads(done.stdout)


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

    there.cluster.call("destroy", "-e", "cluster", "--yes")
    assert not there.double.recurring.recurring
