"""Order without data, trigger rules and branches in the pipeline emitted for KFP: kfp.local ends as this machine does.

``kfp.local`` starts tasks in an order that changes from process to process, and nothing after the first failure. So in
a pipeline where some step may run after a failure no task fails: what came of a step stands in the ledger alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlopsctl.step import ledger
from tests.integration.cloud.local_runs import Cluster
from tests.integration.order_projects import BRANCHES, SITUATIONS, write

pytest.importorskip("kfp", reason="kfp is not installed here: these tests run in the environment of requirements/cloud")
pytestmark = pytest.mark.timeout(1200)


def branches(folder: Path, project: str = BRANCHES) -> Cluster:
    cluster = Cluster(write(folder / "branches", project))
    cluster.declare()
    return cluster


@pytest.mark.parametrize("situation", SITUATIONS)
def test_rules_and_branches(tmp_path: Path, situation: str) -> None:
    cluster = branches(tmp_path)
    parameters, expected = SITUATIONS[situation]
    told: dict[str, Any] = {"say": "keep", "fails": False, **parameters}
    ran = cluster.run(situation, **told)
    states = {step: "success" if state == "cached" else state for step, state in ran.states.items()}
    assert states == expected, ran
    failed = "failed" in expected.values()
    ended = ledger.end_of(cluster.store, situation)
    assert ended is not None, ran
    assert ended.state == ("failed" if failed else "success"), ran
    assert ran.state == ended.state, ran


def test_what_is_repeated_is_repeated_in_its_container(tmp_path: Path) -> None:
    retry = "  risky:\n    retry: {attempts: 2, delay: 1s}\n"
    cluster = branches(tmp_path, BRANCHES.replace("  risky:\n", retry))
    ran = cluster.run("again", say="keep", fails=True)
    tried = [(one.attempt, one.state.value) for one in ran.attempts if one.step == "risky"]
    assert tried == [(1, "failed"), (2, "failed"), (3, "failed")], ran
    # Steps that do the same have one key: whoever comes second takes the other's result.
    assert ran.states["alarm"] in ("success", "cached"), ran
