"""A small project from nothing to a released model, and every way it can go wrong. Real processes, real MLflow."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import call, processes_of, start

# `make soak` kills more often.
KILLS = 3
PROJECT = """\
version: 1
name: flowers
data:
  flowers:
    source: {kind: csv, uri: flowers.csv}
    label: kind
    checks:
      - {name: enough-rows, kind: row_count, min: 50}
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression, params: {C: 1.0, max_iter: 500}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.6}
"""


def write_data(folder: Path, rows: int = 300, seed: int = 1) -> None:
    """Three kinds that two noisy numbers tell apart."""
    draw = random.Random(seed)
    lines = ["length,width,colour,kind"]
    for at in range(rows):
        kind = at % 3
        lines.append(f"{draw.gauss(kind * 2, 0.7):.4f},{draw.gauss(kind, 0.7):.4f},{'rgb'[draw.randrange(3)]},k{kind}")
    (folder / "flowers.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "flowers"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    write_data(folder)
    yield folder
    assert processes_of(folder) == []


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One applied project, to be copied by tests that only look at what comes after."""
    folder = tmp_path_factory.mktemp("applied") / "flowers"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    write_data(folder)
    done = call(folder, "apply", "-o", "json")
    assert done.code == 0, done
    return folder


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "mlops.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def champion(folder: Path) -> str:
    found = call(folder, "status", "-o", "json").json["champion"]
    return str(found["model"]) if found else ""


def test_the_plan_after_an_apply_is_empty(applied: Path) -> None:
    done = call(applied, "plan", "--detailed-exitcode")
    assert (done.code, done.out.splitlines()[-1]) == (
        0,
        "No changes. What is released is what the project asks for.",
    ), done


def test_an_apply_without_changes_does_nothing_and_succeeds(applied: Path) -> None:
    before = champion(applied)
    assert call(applied, "apply").code == 0
    assert champion(applied) == before != ""


def test_one_parameter_reruns_what_depends_on_it_and_the_plan_says_why(applied: Path) -> None:
    edit(applied, "C: 1.0", "C: 0.5")
    try:
        done = call(applied, "plan", "-o", "json", "--detailed-exitcode")
        lines = {line["name"]: line for line in done.json["plan"]["lines"] if line["kind"] == "step"}
    finally:
        edit(applied, "C: 0.5", "C: 1.0")
    assert done.code == 2
    running = {name for name, line in lines.items() if line["action"] != "keep"}
    assert running == {"train-logistic", "select", "evaluate", "gate", "preflight", "push"}
    assert lines["train-logistic"]["reasons"] == ["params.C 1.0 → 0.5"]


def test_a_raised_floor_is_refused_and_the_champion_stays(applied: Path) -> None:
    before = champion(applied)
    edit(applied, "min: 0.6}", "min: 0.9999}")
    edit(applied, "C: 1.0", "C: 0.3")
    try:
        done = call(applied, "apply")
        assert done.code == 3, done
        assert "0.9999" in done.out
        assert champion(applied) == before
        assert call(applied, "plan", "--detailed-exitcode").code == 0
        assert call(applied, "apply").code == 3
    finally:
        edit(applied, "min: 0.9999}", "min: 0.6}")
        edit(applied, "C: 0.3", "C: 1.0")
    assert call(applied, "apply").code == 0
    assert champion(applied) == before


def test_a_stale_plan_is_refused_and_says_what_moved(applied: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.plan"
    assert call(applied, "plan", "--out", str(saved)).code == 0
    edit(applied, "C: 1.0", "C: 0.7")
    try:
        done = call(applied, "apply", str(saved))
    finally:
        edit(applied, "C: 0.7", "C: 1.0")
    assert done.code == 6
    assert "the pipeline" in done.err
    assert call(applied, "apply", str(saved)).code == 0


def test_status_says_what_is_released_and_how_the_last_run_ended(applied: Path) -> None:
    status = call(applied, "status", "-o", "json").json
    assert status["champion"]["name"] == "flowers"
    assert status["registry"]["model"] == status["champion"]["model"]
    assert {gate["name"]: gate["verdict"] for gate in status["gates"]} == {"floor": "pass"}
    assert "flowers v1" in call(applied, "status").out


def test_logs_are_one_json_object_a_line_on_stderr_and_results_stand_alone_on_stdout(applied: Path) -> None:
    done = call(applied, "--log-format", "json", "-v", "run", "-o", "json")
    events = [json.loads(line) for line in done.err.splitlines()]
    assert {"run begins", "step ended", "run ended"} <= {event["event"] for event in events}
    assert done.json["verdict"] == "pass"


def test_gate_check_judges_without_running(applied: Path) -> None:
    assert call(applied, "gate", "check").code == 0
    edit(applied, "min: 0.6}", "min: 0.9999}")
    try:
        done = call(applied, "gate", "check", "-o", "json")
    finally:
        edit(applied, "min: 0.9999}", "min: 0.6}")
    assert (done.code, done.json["verdict"]) == (3, "fail")


def test_gate_explain_says_what_it_asks_for_and_where_it_stands(applied: Path) -> None:
    done = call(applied, "gate", "explain", "floor")
    assert done.code == 0
    assert "accuracy min 0.6" in done.out
    assert "mlops.yaml:15" in done.out
    assert call(applied, "gate", "explain", "flor").code == 64


@pytest.mark.timeout(400)
def test_a_better_model_is_released_and_a_rollback_brings_the_old_one_back(applied: Path, tmp_path: Path) -> None:
    folder = tmp_path / "flowers"
    shutil.copytree(applied, folder, symlinks=True)
    first = champion(folder)
    edit(folder, "C: 1.0", "C: 5.0")
    done = call(folder, "apply", "-o", "json")
    assert done.code == 0, done
    second = champion(folder)
    assert second not in ("", first)
    back = call(folder, "rollback", "--reason", "complaints")
    assert back.code == 0, back
    assert champion(folder) == first
    held = call(folder, "apply")
    assert held.code == 0, held
    assert "complaints" in held.out
    assert champion(folder) == first
    assert call(folder, "apply", "--release-hold").code == 0
    assert champion(folder) == second
    assert call(folder, "destroy", "--yes").code == 0
    assert champion(folder) == ""


def test_two_applies_at_once_are_one_writer(project: Path) -> None:
    first = start(project, "apply")
    deadline = time.monotonic() + 60
    while not (project / ".mlops" / "locks").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    second = call(project, "apply")
    assert second.code == 6, second
    assert str(first.pid) in second.err
    assert first.wait(120) == 0
    assert call(project, "apply").code == 0


def test_ctrl_c_stops_cleanly_and_the_next_apply_finishes(project: Path) -> None:
    running = start(project, "apply")
    time.sleep(3)
    running.send_signal(signal.SIGINT)
    assert running.wait(60) in (130, 0)
    assert call(project, "apply").code == 0
    assert champion(project)


BROKEN_DATA = {
    "missing file": (None, 65, "flowers.csv"),
    "unknown label": ("a,b\n1,2\n3,4\n", 1, "kind"),
    "one class": ("length,kind\n" + "".join(f"{i},k0\n" for i in range(100)), 1, "one class"),
    "header only": ("length,kind\n", 1, "row"),
    "too few rows": ("length,kind\n" + "".join(f"{i},k{i % 2}\n" for i in range(40)), 3, "enough-rows"),
}


@pytest.mark.parametrize("name", BROKEN_DATA)
def test_broken_data_gets_an_answer_a_user_can_act_on(project: Path, name: str) -> None:
    content, code, told = BROKEN_DATA[name]
    if content is None:
        (project / "flowers.csv").unlink()
    else:
        (project / "flowers.csv").write_text(content, encoding="utf-8")
    done = call(project, "apply")
    assert done.code == code, done
    assert told in done.out + done.err
    assert "Traceback" not in done.out + done.err
    write_data(project)
    assert call(project, "run").code == 0


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_killed_at_random_moments_the_next_apply_finishes_with_the_same_model(applied: Path, project: Path) -> None:
    draw = random.Random(20)
    killed = 0
    for _ in range(KILLS):
        running = start(project, "apply", "--no-cache")
        time.sleep(draw.uniform(0.3, 9))
        if running.poll() is None:
            killed += 1
        os.kill(running.pid, signal.SIGKILL)
        running.wait(30)
        done = call(project, "apply")
        assert done.code == 0, done
        assert champion(project) == champion(applied)
    assert killed
