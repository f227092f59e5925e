"""What can come of a run that kfp.local executes: refused, failed, repeated, too slow, skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.delivery.collect import collect
from mlopsctl.delivery.stores import open_stores
from mlopsctl.metadata.records import RunRecord
from mlopsctl.step import ledger
from tests.integration.cloud.hearing import Heard, hearing
from tests.integration.cloud.local_runs import Cluster

pytest.importorskip("kfp", reason="kfp is not installed here: these tests run in the environment of requirements/cloud")
pytestmark = pytest.mark.timeout(600)

PROJECT = """
version: 1
name: ways
parameters: {deep: true, size: 3, mark: none}
data:
  rows:
    source: {kind: csv, uri: rows.csv}
    split: {kind: hash, train: 0.5, validation: 0.2, test: 0.3}
notify:
  - {kind: webhook, url: "URL"}
components:
"""

CODE = """
import time
from pathlib import Path


def write(out, text):
    (out / "text.txt").write_text(str(text))


def first(out, size=0):
    write(out, size)


def copy(before, out):
    write(out, (before / "text.txt").read_text() + "!")


def fail(before, out):
    raise ValueError("no luck today")


def slow(before, out):
    time.sleep(30)


def flaky(before, out, mark):
    if not Path(mark).exists():
        Path(mark).write_text("")
        raise ValueError("not the first time")
    write(out, "at last")
"""

FIRST = (
    "  first: {run: {kind: python, entrypoint: 'mine:first'}, outputs: {out: File}, "
    "parameters: {size: '${parameters.size}'}}"
)


def component(name: str, function: str, before: str, more: str = "") -> str:
    return (
        f"  {name}: {{run: {{kind: python, entrypoint: 'mine:{function}'}}, inputs: {{before: {before}.out}}, "
        f"outputs: {{out: File}}{more}}}"
    )


@pytest.fixture
def heard() -> Iterator[Heard]:
    with hearing() as listening:
        yield listening


@pytest.fixture
def made(tmp_path: Path, heard: Heard) -> Callable[..., Cluster]:
    def make(*components: str) -> Cluster:
        folder = tmp_path / "ways"
        folder.mkdir()
        rows = "".join(f"{number},{number % 3}\n" for number in range(60))
        (folder / "rows.csv").write_text("a,b\n" + rows)
        (folder / "mine.py").write_text(CODE)
        (folder / "mlops.yaml").write_text(PROJECT.replace("URL", heard.url) + "\n".join([FIRST, *components]) + "\n")
        cluster = Cluster(folder)
        cluster.declare()
        return cluster

    return make


def end_of(cluster: Cluster, run: str) -> str:
    ended = ledger.end_of(cluster.store, run)
    assert ended is not None
    return ended.state


LEARNING = """
training:
  task: classification
  targets: {line: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}}
evaluation:
  metrics: [accuracy]
  gates: [{name: floor, kind: threshold, metric: accuracy, min: 0.99}]
"""


def test_a_failing_gate_skips_what_follows_and_the_run_succeeds(made: Callable[..., Cluster], heard: Heard) -> None:
    cluster = made()
    # The rest of a number is nothing that a line can tell.
    cluster.change("{kind: csv, uri: rows.csv}", "{kind: csv, uri: rows.csv}\n    label: b")
    cluster.change("components:\n", f"{LEARNING}components:\n")
    ran = cluster.run("refused")
    assert ran.state == "success", ran
    assert ran.states["gate"] == "success"
    assert ran.states["preflight"] == "skipped"
    assert "gate floor failed" in ran.records["preflight"].problem
    assert ran.records["push"].notes["pushed"] is False
    assert [(one["event"], one["name"], one["verdict"]) for one in heard.events] == [("gate_failed", "floor", "fail")]
    assert end_of(cluster, "refused") == "success"


def test_a_step_that_raises_fails_the_run_and_the_last_task_still_runs(
    made: Callable[..., Cluster], heard: Heard
) -> None:
    cluster = made(component("bad", "fail", "first"), component("after", "copy", "bad"))
    ran = cluster.run("raised")
    assert ran.state == "failed", ran
    assert ran.states["bad"] == "failed"
    assert "after" not in ran.states
    assert "no luck today" in ran.output
    assert end_of(cluster, "raised") == "failed"
    assert [(one["event"], one["step"]) for one in heard.events] == [("run_failed", "bad")]
    again = cluster.run("again")
    assert again.states["first"] == "cached"


def test_an_engines_retry_is_recorded_as_a_further_attempt(
    made: Callable[..., Cluster], heard: Heard, tmp_path: Path
) -> None:
    more = f", parameters: {{mark: '{tmp_path / 'mark'}'}}, retry: {{attempts: 2, delay: 1s}}"
    cluster = made(component("flaky", "flaky", "first", more))
    ran = cluster.run("retried")
    assert ran.state == "success", ran
    assert [(one.attempt, one.state.value) for one in ran.attempts if one.step == "flaky"] == [
        (1, "failed"),
        (2, "success"),
    ]
    assert heard.events == []


def test_a_step_over_its_timeout_fails_the_run(made: Callable[..., Cluster]) -> None:
    cluster = made(component("slow", "slow", "first", ", timeout: 2s"))
    ran = cluster.run("late")
    assert ran.state == "failed", ran
    assert "longer than its timeout of 2 s" in ran.records["slow"].problem


@pytest.mark.parametrize(("deep", "expected"), [(True, "success"), (False, "skipped")])
def test_a_parameter_decides_whether_a_step_runs(made: Callable[..., Cluster], deep: bool, expected: str) -> None:
    cluster = made(
        component("report", "copy", "first", ", when: '${parameters.deep}'"), component("page", "copy", "report")
    )
    ran = cluster.run("when", deep=deep)
    assert ran.state == "success", ran
    assert ran.states["report"] == ran.states["page"] == expected
    if not deep:
        assert ran.records["report"].problem == "its `when` is false"
        assert ran.records["page"].problem == "not run, because report was skipped"


def test_a_run_time_parameter_reaches_its_step_and_nothing_else_runs_again(made: Callable[..., Cluster]) -> None:
    cluster = made(component("page", "copy", "first"))
    cluster.run("usual")
    ran = cluster.run("larger", size=9)
    assert ran.states == {
        **{f"{step}-rows": "cached" for step in ("ingest", "statistics", "schema", "validate")},
        "first": "success",
        "page": "success",
    }
    digest = ran.records["page"].outputs["out"].digest
    assert cluster.store.read(digest, "text.txt") == b"9!"


def test_whoever_applies_can_bring_the_ledger_home_again_and_again(made: Callable[..., Cluster]) -> None:
    cluster = made(component("bad", "fail", "first"))
    cluster.run("raised")
    loaded = load_project(cluster.folder, "cluster")
    record = RunRecord("raised", "ways", "cluster", "sha256:p", "", 1)
    with open_stores(loaded) as stores:
        assert collect(stores, record) == ()
        _forget(cluster)
    with open_stores(loaded) as stores:
        assert {one.step for one in collect(stores, record)} >= {"first", "bad", "ingest-rows"}
        found = stores.metadata.run("raised")
        assert found is not None
        assert found.state == "failed"
        failed = next(one for one in stores.metadata.executions("raised") if one.step == "bad")
    assert "no luck today" in (cluster.folder / failed.log).read_text()


def _forget(cluster: Cluster) -> None:
    for file in cluster.root.glob("metadata.db*"):
        file.unlink()
