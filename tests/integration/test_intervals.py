"""``run --interval``: each part of an interval on its own rows, oldest first, stored, and taken again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.airflow_server import AIRFLOW3, AirflowServer
from tests.integration.cli import Done, call
from tests.integration.days_project import write_days

pytestmark = pytest.mark.timeout(3000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_days(tmp_path)


THERE = """\
environments:
  here: {{}}
  there:
    stores:
      metadata: sqlite:///there/metadata.db
      artifacts: there/artifacts
      tracking: sqlite:///there/mlflow.db
    orchestrator:
      kind: airflow
      dags: dags
      url: {url}
      execution: {{kind: venv, python: {python}}}
"""


def run(folder: Path, *words: str) -> Done:
    return call(folder, "run", *words, timeout=1400)


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_intervals_run_on_airflow_and_give_the_same_digests(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not AIRFLOW3.is_file():
        pytest.skip("Airflow 3 is not installed: make airflow3")
    server = AirflowServer(tmp_path_factory.mktemp("airflow") / "home", folder / "dags")
    try:
        server.start()
        with (folder / "mlops.yaml").open("a", encoding="utf-8") as file:
            file.write(THERE.format(url=server.url, python=sys.executable))
        words = ("--interval", "2021-01-01", "2021-03-02", "--every", "30d", "-o", "json")
        there = run(folder, *words, "-e", "there", "--there")
        assert there.code == 0, there
        here = run(folder, *words, "-e", "here")
        assert here.code == 0, here
        assert [_outputs(one) for one in there.json["intervals"]] == [_outputs(one) for one in here.json["intervals"]]
        assert [one["verdict"] for one in there.json["intervals"]] == ["pass", "pass"]
        runs = server.call("GET", "dags/days-there-interval/dagRuns")["dag_runs"]
        assert {one["dag_run_id"] for one in runs} == {one["run"] for one in there.json["intervals"]}
        again = run(folder, *words, "-e", "there", "--there")
        assert again.code == 0, again
        assert [one["reused"] for one in again.json["intervals"]] == [True, True]
        assert len(server.call("GET", "dags/days-there-interval/dagRuns")["dag_runs"]) == 2
    finally:
        server.stop()


def _outputs(one: dict[str, Any]) -> dict[str, Any]:
    return {step: found["outputs"] for step, found in one["steps"].items()}


def test_parts_run_oldest_first_and_are_taken_again(folder: Path) -> None:
    first = run(folder, "--interval", "2021-01-01", "2021-03-02", "--every", "30d", "-o", "json")
    assert first.code == 0, first
    parts = first.json["intervals"]
    assert [(one["start"][:10], one["end"][:10]) for one in parts] == [
        ("2021-01-01", "2021-01-31"), ("2021-01-31", "2021-03-02")
    ]  # fmt: skip
    assert [one["verdict"] for one in parts] == ["pass", "pass"]
    assert [one["reused"] for one in parts] == [False, False]
    assert parts[0]["decided_by"]["gate"] == "floor"
    digests = [one["steps"]["ingest-days"]["outputs"]["examples"] for one in parts]
    assert digests[0] != digests[1]
    # It ends at the verdict.
    assert {"push", "preflight"}.isdisjoint(parts[0]["steps"])
    assert not (folder / ".mlops" / "mlflow.db").exists()

    again = run(folder, "--interval", "2021-01-01", "2021-03-02", "--every", "30d", "-o", "json")
    assert again.code == 0, again
    assert [one["reused"] for one in again.json["intervals"]] == [True, True]
    assert [one["steps"]["ingest-days"]["outputs"]["examples"] for one in again.json["intervals"]] == digests
    told = run(folder, "--interval", "2021-01-01", "2021-03-02", "--every", "30d")
    assert "2021-01-31" in told.out
    assert "floor" in told.out


def test_each_goes_by_the_schedule(folder: Path) -> None:
    done = run(folder, "--interval", "2021-01-01", "2021-03-01", "--each", "-o", "json")
    assert done.code == 0, done
    assert [one["start"][:10] for one in done.json["intervals"]] == ["2021-01-01", "2021-02-01"]


def test_an_interval_that_fails_stops_the_later_ones_or_not(folder: Path) -> None:
    words = ("--interval", "2020-12-02", "2021-01-31", "--every", "30d", "-o", "json")
    stopped = run(folder, *words)
    assert stopped.code == 1, stopped
    assert [one["state"] for one in stopped.json["intervals"]] == ["failed", "not run"]
    assert "no row of the interval" in json.dumps(stopped.json)
    gone_on = run(folder, *words, "--go-on")
    assert gone_on.code == 1, gone_on
    assert [one["state"] for one in gone_on.json["intervals"]] == ["failed", "success"]


def test_what_does_not_fit_is_refused_before_anything_runs(folder: Path) -> None:
    short = run(folder, "--interval", "2021-01-01", "2021-02-05", "--every", "30d")
    assert short.code == 65, short
    assert "outside-interval" in short.err
    assert "mlops.yaml:7" in short.err
    assert run(folder, "--every", "7d").code == 64
    assert run(folder, "--there").code == 64
    assert run(folder, "--interval", "2021-01-01", "2021-02-05", "--there").code == 64
    assert run(folder, "--interval", "2021-02-01", "2021-01-01").code == 64
    assert run(folder, "--interval", "2021-01-01", "2021-02-01", "--every", "often").code == 64
    text = (folder / "mlops.yaml").read_text(encoding="utf-8")
    (folder / "mlops.yaml").write_text(
        text.replace("{kind: time, column: day, validation: -10d, test: -5d}", "{kind: hash}"), encoding="utf-8"
    )
    hashed = run(folder, "--interval", "2021-01-01", "2021-02-01")
    assert hashed.code == 65, hashed
    assert "no-time-split" in hashed.err
    assert not (folder / ".mlops").exists()
