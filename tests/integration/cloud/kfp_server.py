"""The double of Kubeflow Pipelines with runs that are executed for real, from the very bytes that were uploaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from mlopsctl.step import ledger
from tests.doubles.kfp import KfpDouble
from tests.doubles.kfp_runs import Job
from tests.integration.cloud.local_runs import CHECKOUT, RUNNER, Cluster

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
