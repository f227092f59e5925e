"""``run --interval --there`` on Kubeflow Pipelines: each part there, with the digests that it has here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.google import serving
from tests.doubles.kfp import KfpDouble
from tests.integration.cloud.kfp_server import There
from tests.integration.cloud.local_runs import Cluster
from tests.integration.days_project import write_days

WORDS = ("run", "--interval", "2021-01-01", "2021-03-02", "--every", "30d", "-o", "json")


def outputs(told: Any) -> list[dict[str, Any]]:
    return [{step: found["outputs"] for step, found in one["steps"].items()} for one in told["intervals"]]


@pytest.mark.timeout(1500)
def test_intervals_run_on_kubeflow_pipelines_and_give_the_same_digests(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    cluster = Cluster(write_days(tmp_path / "days"))
    double = KfpDouble()
    with serving(double) as url:
        cluster.declare()
        cluster.change("https://kfp.example.com", url)
        double.runs.execute = There(cluster, double).execute
        try:
            there = json.loads(cluster.call(*WORDS, "-e", "cluster", "--there").stdout)
            assert [one["verdict"] for one in there["intervals"]] == ["pass", "pass"]
            assert len(double.runs.runs) == 2
            assert not double.recurring.recurring, "a run of an interval has no schedule"

            here = json.loads(cluster.call(*WORDS, "-e", "here").stdout)
            assert outputs(there) == outputs(here)

            again = json.loads(cluster.call(*WORDS, "-e", "cluster", "--there").stdout)
            assert [one["reused"] for one in again["intervals"]] == [True, True]
            assert len(double.runs.runs) == 2
        finally:
            double.runs.wait()
