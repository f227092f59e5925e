"""The contract project and the examples, executed by kfp.local from the emitted YAML, against the local run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.evidence import Blessing, Evaluation
from mlopsctl.metadata.store import open_store
from mlopsctl.step.task import StepState
from tests.integration.cloud.local_runs import CHECKOUT, Cluster, Ran, copied

pytest.importorskip("kfp", reason="kfp is not installed here: these tests run in the environment of requirements/cloud")
pytestmark = pytest.mark.timeout(1500)

# They hold times of a server, and ids of a run.
NEVER_EQUAL = {"preflight", "push"}


@pytest.fixture(
    scope="module",
    params=[
        "covertype",
        "penguins",
        *(pytest.param(name, marks=pytest.mark.soak) for name in ("penguins-contract", "flights")),
    ],
)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    name, _, contract = request.param.partition("-")
    root = tmp_path_factory.mktemp(request.param)
    if name == "covertype" or contract:
        contracts = request.getfixturevalue("contracts")
        (root / "data").symlink_to(contracts / "data")
        made = copied(contracts / "projects" / name, root / "projects" / name)
    else:
        made = copied(CHECKOUT / "examples" / name, root / "projects" / name)
    where = "    vars: {data_root: ../../data}\n" if name == "covertype" else ""
    if name == "covertype":
        # How quick a server answers beside other tests is not what this is about.
        made.change("latency_p95_ms: 500", "latency_p95_ms: 50000")
    made.declare(dev=where, cluster=where)
    return made


@pytest.fixture(scope="module")
def local(cluster: Cluster) -> dict[str, Any]:
    return cluster.apply_here()


@pytest.fixture(scope="module")
def ran(cluster: Cluster) -> Ran:
    return cluster.run("first-run")


def test_the_run_succeeds_with_the_same_steps(local: Mapping[str, Any], ran: Ran) -> None:
    assert ran.state == "success", ran
    assert ran.states == {step: found["state"] for step, found in local["steps"].items()}


def test_models_and_evidence_are_the_local_runs(cluster: Cluster, local: Mapping[str, Any], ran: Ran) -> None:
    here = ArtifactStore(str(cluster.folder / ".mlops" / "artifacts"))
    equal, differing = [], []
    for step, found in sorted(local["steps"].items()):
        if step in NEVER_EQUAL:
            continue
        same = found["outputs"] == {name: one.digest for name, one in ran.records[step].outputs.items()}
        (equal if same else differing).append(step)
    print(f"the same digests: {', '.join(equal)}; others: {', '.join(differing) or 'none'}")
    mine = _evaluation(here, local["steps"]["evaluate"]["outputs"]["evaluation"])
    theirs = _evaluation(cluster.store, ran.records["evaluate"].outputs["evaluation"].digest)
    for one, other in zip(mine.measurements, theirs.measurements, strict=True):
        assert (one.metric, one.slice) == (other.metric, other.slice)
        assert one.value == other.value or math.isclose(one.value or 0, other.value or 0, abs_tol=1e-9)
    # Every estimator of these projects is deterministic with its threads pinned.
    assert not differing


def test_the_verdicts_are_the_local_runs(cluster: Cluster, local: Mapping[str, Any], ran: Ran) -> None:
    content = cluster.store.read(ran.records["gate"].outputs["blessing"].digest, evidence.BLESSING_FILE)
    gates = {gate.name: gate.verdict.value for gate in evidence.parse(Blessing, content).gates}
    assert gates == {gate["name"]: gate["verdict"] for gate in local["gates"]}
    assert ran.records["preflight"].notes["verdict"] == "pass"
    assert ran.records["push"].notes["pushed"] is True


def test_the_last_task_recorded_the_run(cluster: Cluster, ran: Ran) -> None:
    with open_store(f"sqlite:///{cluster.root}/metadata.db") as metadata:
        run = metadata.run("first-run")
        assert run is not None
        assert (run.state, run.environment) == ("success", "cluster")
        assert {record.step for record in metadata.executions("first-run")} == set(ran.states)
        logged = next(record for record in metadata.executions("first-run") if record.step.startswith("train-"))
    assert logged.state is StepState.SUCCESS


def test_a_scheduled_run_takes_everything_from_the_ledger(cluster: Cluster, ran: Ran) -> None:
    again = cluster.run("")
    assert again.state == "success", again
    # The registry is looked at again; it holds the model already.
    expected = dict.fromkeys(ran.states, "cached") | {"push": "success"}
    assert again.states == expected
    assert {s: r.outputs for s, r in again.records.items() if s != "push"} == {
        s: r.outputs for s, r in ran.records.items() if s != "push"
    }
    assert json.loads((cluster.root / "artifacts" / "runs" / again.run / "end.json").read_text())["state"] == "success"


def _evaluation(store: ArtifactStore, digest: str) -> Evaluation:
    return evidence.parse(Evaluation, store.read(digest, evidence.EVALUATION_FILE))
