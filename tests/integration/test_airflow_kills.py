"""kill -9 of everything between Airflow and a step: the retry finds nothing half-written, and ends with the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.integration.airflow_server import AIRFLOW3, AirflowServer
from tests.integration.cli import call

PATIENCE = 240.0
T = TypeVar("T")
PROJECT = """\
version: 1
name: kills
parameters: {{case: none}}
components:
  first:
    run: {{kind: python, entrypoint: "steps:first"}}
    outputs: {{rows: File}}
  slow:
    run: {{kind: python, entrypoint: "steps:slow"}}
    inputs: {{rows: first.rows}}
    outputs: {{seen: File}}
    parameters: {{case: "${{parameters.case}}", gate: {gate}}}
    retry: {{attempts: 5, delay: 1s}}
  reader:
    run: {{kind: python, entrypoint: "steps:reader"}}
    inputs: {{seen: slow.seen}}
    outputs: {{out: File}}
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
STEPS = """\
import os
import time
from pathlib import Path


def first(rows):
    (rows / "rows.txt").write_text("1 2 3")


def slow(rows, seen, *, case, gate):
    (seen / "a.txt").write_text("half" if case != "none" else "whole")
    place = Path(gate) / case
    if case != "none":
        (place / f"began.{os.getpid()}").touch()
        until = time.monotonic() + 600
        while not (place / "go").exists() and time.monotonic() < until:
            time.sleep(0.05)
    (seen / "a.txt").write_text("whole")
    (seen / "b.txt").write_text((rows / "rows.txt").read_text())


def reader(seen, out):
    (out / "out.txt").write_text(" ".join(sorted(f"{p.name}={p.read_text()}" for p in seen.iterdir())))
"""


@pytest.fixture(scope="module")
def airflow() -> Iterator[tuple[AirflowServer, Path]]:
    if not AIRFLOW3.is_file():
        pytest.skip("Airflow 3 is not installed: make airflow3")
    root = Path(tempfile.mkdtemp(prefix="mlopsctl-kills-"))
    folder = root / "kills"
    folder.mkdir()
    server = AirflowServer(
        root / "home",
        folder / "dags",
        # A supervisor that was killed says nothing more; that is noticed by its silence, which is 5 minutes by default.
        SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT="45",
        SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL="5",
    )
    (folder / "steps.py").write_text(STEPS, encoding="utf-8")
    text = PROJECT.format(url=server.url, python=sys.executable, gate=root / "gate")
    (folder / "mlops.yaml").write_text(text, encoding="utf-8")
    try:
        server.start()
        yield server, folder
    finally:
        for case in (root / "gate").glob("*"):
            (case / "go").touch()
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def expected(airflow: tuple[AirflowServer, Path]) -> dict[str, Any]:
    """The digests of a run here; the DAG is deployed and has run once."""
    _, folder = airflow
    here = call(folder, "apply", "-e", "here", "-o", "json")
    assert here.code == 0, here
    there = call(folder, "apply", "-e", "there", "-o", "json", timeout=400)
    assert there.code == 0, there
    digests = {step: one["outputs"] for step, one in here.json["steps"].items()}
    assert {step: one["outputs"] for step, one in there.json["steps"].items()} == digests
    return digests


# The step itself, the process that calls it, Airflow's process of the task, and that one's supervisor.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("killed", ["step", "called", "task", "supervisor"])
def test_a_retry_finds_nothing_half_written(
    airflow: tuple[AirflowServer, Path], expected: dict[str, Any], killed: str
) -> None:
    server, folder = airflow
    place = folder.parent / "gate" / killed
    place.mkdir(parents=True)
    run = f"killed-{killed}"
    content = {"dag_run_id": run, "conf": {"case": killed}, "logical_date": None}
    server.call("POST", "dags/kills-there/dagRuns", content)
    pid = waited(lambda: [int(path.suffix[1:]) for path in place.glob("began.*")], "the step began")[0]
    chain = ancestors(pid)
    victim = {
        "step": pid,
        "called": named(chain, "mlopsctl.delivery.inside.called"),
        "task": parent(named(chain, "mlopsctl.delivery.inside.called")),
        "supervisor": parent(parent(named(chain, "mlopsctl.delivery.inside.called"))),
    }[killed]
    ledger = folder / "there" / "artifacts" / "runs" / run
    os.kill(victim, signal.SIGKILL)
    if killed != "supervisor":
        # Who is not told that its supervisor is gone goes on until it has something to say.
        waited(lambda: not alive(pid), "the step is gone")
        assert not [path for path in ledger.glob("slow.*.json") if "seen" in json.loads(path.read_text())["outputs"]]
    (place / "go").touch()
    waited(lambda: state(server, run) in ("success", "failed"), "the run ended")
    tasks = server.call("GET", f"dags/kills-there/dagRuns/{run}/taskInstances")["task_instances"]
    assert {one["task_id"]: one["state"] for one in tasks} == dict.fromkeys((*expected, "mlopsctl-end"), "success")
    assert next(one["try_number"] for one in tasks if one["task_id"] == "slow") > 1
    assert digests(ledger) == expected


def digests(ledger: Path) -> dict[str, dict[str, str]]:
    """What the newest good attempt of each step left."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(ledger.glob("*.json"), key=lambda path: (path.name.split(".")[0], len(path.name), path.name)):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.get("outputs"):
            found[path.name.split(".")[0]] = {name: one["digest"] for name, one in record["outputs"].items()}
    return found


def state(server: AirflowServer, run: str) -> str:
    try:
        return str(server.call("GET", f"dags/kills-there/dagRuns/{run}")["state"])
    except (urllib.error.URLError, TimeoutError):
        return ""


def waited(look: Callable[[], T], what: str) -> T:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def ancestors(pid: int) -> list[int]:
    found = [pid]
    while found[-1] > 1:
        found.append(parent(found[-1]))
    return found


def named(chain: list[int], words: str) -> int:
    """The topmost of the processes whose command line holds the words."""
    return [pid for pid in chain if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")][-1]
