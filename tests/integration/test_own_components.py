"""A project of the user's own components, from validation to the second run, through the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.metadata.store import open_store
from tests.integration.cli import call, processes_of

PROJECT = Path(__file__).parent / "projects" / "own"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    shutil.copytree(PROJECT, folder)
    rows = "".join(f"{number},{number * number}\n" for number in range(300))
    (folder / "numbers.csv").write_text(f"a,b\n{rows}")
    return folder


def executions(folder: Path) -> dict[tuple[str, int], ExecutionRecord]:
    """The attempts of the newest run, by step and number."""
    store = open_store(_address(folder))
    try:
        (run,) = store.runs("own", "default", limit=1)
        return {(record.step, record.attempt): record for record in store.executions(run.id)}
    finally:
        store.close()


def _address(folder: Path) -> str:
    return f"sqlite:///{next((folder / '.mlops').glob('*.db'))}"


def content(folder: Path, record: ExecutionRecord, output: str, file: str) -> str:
    store = ArtifactStore(str(folder / ".mlops" / "artifacts"))
    return store.read(record.outputs[output].digest, file).decode()


@pytest.mark.timeout(300)
def test_own_components_run_are_retried_and_are_reused(folder: Path) -> None:
    assert call(folder, "validate").out == "ok: own: 1 environment, 5 own components\n"
    first = call(folder, "run")
    assert not [line for line in first.err.splitlines() if " failed " in line and "attempt" not in line], first
    ran = executions(folder)
    assert [(id, attempt) for id, attempt in ran if id == "flaky"] == [("flaky", 1), ("flaky", 2), ("flaky", 3)]
    assert ran["flaky", 1].problem == "steps/flaky.py:14: ConnectionError: the service is away"
    assert not ran["flaky", 2].outputs, "nothing of a failed attempt is published"
    assert content(folder, ran["flaky", 3], "done", "whole.txt") == "half"
    logs = [(folder / ran["flaky", number].log).read_text() for number in (1, 2, 3)]
    assert [log.splitlines()[0] for log in logs] == ["attempt 1", "attempt 2", "attempt 3"]
    assert ran["clean", 1].line == "cleaned 150 rows"
    page = content(folder, ran["page", 1], "page", "page.txt")
    assert page.splitlines()[0] == "Numbers; $HOME & more"
    assert "source.parquet" in page
    assert content(folder, ran["archive", 1], "kept", "kept.txt") == page

    again = call(folder, "plan")
    assert "No changes" in again.out, again
    (folder / "steps" / "page.sh").write_text('echo "$3" > "$2"\n')
    assert "page.sh changed" in call(folder, "plan").out
    parameters = call(folder, "plan", "-p", "rows=3", "-p", "publish=false")
    assert "parameters.min_rows 2 → 3" in parameters.out
    assert "publish is skipped, its `when` is false; with it archive" in parameters.out


@pytest.mark.timeout(300)
def test_a_step_left_out_is_skipped_with_its_readers_and_too_few_attempts_fail(folder: Path) -> None:
    done = call(folder, "run", "-p", "publish=false", "-p", "fail=9")
    assert done.code == 1, done
    ran = executions(folder)
    assert (ran["publish", 1].state, ran["publish", 1].problem) == ("skipped", "its `when` is false")
    assert ran["archive", 1].state == "skipped"
    assert ran["page", 1].state == "success"
    assert [ran["flaky", number].state for number in (1, 2, 3)] == ["failed"] * 3
    assert "flaky failed: steps/flaky.py:14: ConnectionError: the service is away" in done.out


HANGING = """
import os, subprocess, sys, time
from pathlib import Path

def run(out: Path) -> None:
    (out / "half.txt").write_text("half")
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", str(out)], start_new_session=True)
    time.sleep(300)
"""


@pytest.mark.timeout(300)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a subreaper")
def test_a_hanging_step_is_ended_with_all_it_started_and_publishes_nothing(folder: Path) -> None:
    (folder / "steps" / "hanging.py").write_text(HANGING)
    (folder / "mlops.yaml").write_text(
        "version: 1\nname: own\ncomponents:\n"
        '  hanging: {run: {kind: python, entrypoint: "steps.hanging:run"}, outputs: {out: File}, timeout: 2s,\n'
        "    retry: {attempts: 1}}\n"
    )
    begun = time.monotonic()
    done = call(folder, "run")
    assert done.code == 1
    assert "hanging failed: the step took longer than its timeout of 2 s" in done.out
    assert time.monotonic() - begun < 60
    assert processes_of(folder) == []
    assert [record.outputs for record in executions(folder).values()] == [{}, {}]
    assert not list((folder / ".mlops").glob("staging/*/*"))


@pytest.mark.timeout(300)
def test_what_is_wrong_with_the_functions_is_told_before_anything_runs(folder: Path) -> None:
    text = (folder / "mlops.yaml").read_text()
    (folder / "mlops.yaml").write_text(
        text.replace("min_rows:", "min_row:").replace("outputs: {done:", "outputs: {don:")
    )
    done = call(folder, "validate")
    assert done.code == 65
    assert "run() has no parameter 'min_row'" in done.out
    assert "did you mean 'min_rows'?" in done.out
    assert "steps/clean.py:8:1" in done.out
    assert "did you mean 'done'?" in done.out


def _image() -> str:
    """The id of an image that holds a shell and nothing else, or a skipped test."""
    if shutil.which("podman") is None or (busybox := shutil.which("busybox")) is None:
        pytest.skip("there is no podman here, or no busybox to make an image of")
    made = subprocess.run(
        ["sh", "-c", f"mkdir -p bin && cp {busybox} bin/sh && tar -c bin | podman import --quiet -"],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"podman makes no image here: {made.stderr[-200:]}")
    return made.stdout.strip()


@pytest.mark.timeout(300)
def test_a_container_runs_between_its_inputs_and_outputs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    image = _image()
    tried = ["podman", "run", "--rm", "--network", "none", image, "/bin/sh", "-c", "true"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        pytest.skip("podman runs no container here")
    hang = "trap : TERM; sleep 300"
    words = "echo hello > {outputs.out}/x.txt; echo no > {inputs.rows}/y.txt || echo {parameters.told}"
    (folder / "mlops.yaml").write_text(
        "version: 1\nname: own\ndata: {numbers: {source: {kind: csv, uri: numbers.csv}}}\ncomponents:\n"
        f"  box:\n    run: {{kind: container, image: '{image}', command: [/bin/sh, -c, '{words}']}}\n"
        "    inputs: {rows: numbers}\n    outputs: {out: File}\n    parameters: {told: read-only}\n"
        f"  hanging:\n    timeout: 4s\n    run: {{kind: container, image: '{image}', command: [sh, -c, '{hang}']}}\n"
    )
    done = call(folder, "run")
    ran = executions(folder)
    assert content(folder, ran["box", 1], "out", "x.txt") == "hello\n", done
    assert "read-only" in (folder / ran["box", 1].log).read_text()
    assert "timeout of 4 s" in ran["hanging", 1].problem
    left = subprocess.run(["podman", "ps", "--all", "--quiet"], capture_output=True, text=True, check=True)
    assert left.stdout == ""
