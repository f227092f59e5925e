"""The evidence that is read from a repository and from an orchestrator: what is not committed or not there is none."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.delivery.elsewhere.engines import Elsewhere
from mlopsctl.delivery.level import seen
from mlopsctl.delivery.level.seen import standing_schedules
from mlopsctl.delivery.level.workflows import read_workflows
from mlopsctl.ground.errors import StepProblem
from mlopsctl.levels.workflow import DELIVERY, PULL_REQUEST, UNCOMMITTED
from mlopsctl.orchestrators.contract import Bundle, Deployed, Schedule, Wanted

PROJECT = """
version: 1
name: demo
data:
  rows: {source: {kind: csv, uri: rows.csv}, label: b}
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}
"""
VERIFY = "on: pull_request\njobs:\n  a: {steps: [{run: mlopsctl -C models/a validate}]}\n"
BUILD = "steps: [{name: p, entrypoint: mlopsctl, dir: models/a, args: [apply]}]\n"
TRIGGER = '{"filename": "models/a/cloudbuild/deliver.yaml", "github": {"push": {"branch": "^main$"}}}'


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    for path, text in {
        ".github/workflows/verify.yml": VERIFY,
        ".github/workflows/more/deep.yml": VERIFY,
        "models/a/.github/workflows/misplaced.yml": VERIFY,
        ".github/workflows/notes.md": VERIFY,
        "models/a/mlops.yaml": PROJECT,
        "models/a/cloudbuild/deliver.yaml": BUILD,
        "models/a/cloudbuild/triggers.json": TRIGGER,
        "other.yaml": BUILD,
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path.resolve()


def test_only_files_in_their_place_are_the_ones_of_a_ci_and_only_once_committed(root: Path) -> None:
    before = read_workflows(root, root / "models" / "a", {})
    assert {one.path: one.idle for one in before} == {
        ".github/workflows/verify.yml": UNCOMMITTED,
        "models/a/cloudbuild/deliver.yaml": UNCOMMITTED,
    }
    git(root, "add", ".")
    assert all(one.idle == UNCOMMITTED for one in read_workflows(root, root / "models" / "a", {}))
    git(root, "commit", "-q", "-m", "All of it")
    made = {".github/workflows/verify.yml": VERIFY}
    verify, deliver = read_workflows(root, root / "models" / "a", made)
    assert (verify.made, deliver.made) == (True, False)
    assert [one.why for one in verify.runs(PULL_REQUEST)] == [""]
    assert [one.why for one in deliver.runs(DELIVERY)] == [""]
    (other,) = {one.why for one in read_workflows(root, root, {})[0].runs(PULL_REQUEST)}
    assert other == "it is about models/a, not ."


def test_outside_of_git_nothing_is_committed(tmp_path: Path) -> None:
    file = tmp_path / ".github" / "workflows" / "verify.yml"
    file.parent.mkdir(parents=True)
    file.write_text(VERIFY, encoding="utf-8")
    (found,) = read_workflows(tmp_path.resolve(), tmp_path, {})
    assert found.idle == UNCOMMITTED


WEEKLY = Schedule("demo", "0 3 * * 1")


@dataclass
class There:
    """An orchestrator that has these schedules, or does not answer."""

    schedules: tuple[Schedule, ...] = ()
    paused: bool = False
    silent: bool = False
    version: str = "sha256:v"
    asked: list[str] = field(default_factory=list)

    def __call__(self, loaded: object, lowered: object, *, ask: bool) -> Elsewhere:
        self.asked.append("look")
        if self.silent:
            raise StepProblem.because("no-answer", "nobody answers there")
        wanted = Wanted("demo", "demo", "default", Bundle({}, ""), (WEEKLY,))
        deployed = Deployed(exists=True, version=self.version, schedules=self.schedules, paused=self.paused)
        return Elsewhere(wanted, None, deployed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("there", "found", "unasked"),
    [
        (There((WEEKLY,)), ("the schedule demo, 0 3 * * 1 in UTC, stands on kfp",), ""),
        (There(), (), ""),
        (There((Schedule("demo", "0 3 * * 1", paused=True),)), (), ""),
        (There((Schedule("demo", "0 4 * * 1"),)), (), ""),
        (There((Schedule("older", "0 3 * * 1"),)), (), ""),
        (There((WEEKLY,), paused=True), (), "demo is paused there"),
        (There((WEEKLY,), version=""), (), "demo is not there"),
        (There(silent=True), (), "its orchestrator could not be asked: nobody answers there"),
    ],
)
def test_a_schedule_counts_as_it_stands_on_the_orchestrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: There, found: tuple[str, ...], unasked: str
) -> None:
    text = f"{PROJECT}orchestrator: {{kind: kfp, host: 'https://kfp.example.com'}}\n"
    (tmp_path / "mlops.yaml").write_text(f"{text}triggers: [{{kind: schedule, cron: '0 3 * * 1'}}]\n")
    monkeypatch.setattr(seen, "elsewhere", there)
    assert standing_schedules(load_project(tmp_path)) == (found, unasked)
    there.asked.clear()
    (tmp_path / "mlops.yaml").write_text(f"{text}triggers: [{{kind: data, dataset: rows}}]\n")
    assert standing_schedules(load_project(tmp_path)) == ((), "")
    (tmp_path / "mlops.yaml").write_text(f"{PROJECT}triggers: [{{kind: schedule, cron: '0 3 * * 1'}}]\n")
    assert standing_schedules(load_project(tmp_path)) == ((), "")
    assert there.asked == []


def test_a_folder_of_dags_is_no_airflow_that_was_asked(tmp_path: Path) -> None:
    text = f"{PROJECT}orchestrator: {{kind: airflow, dags: dags}}\ntriggers: [{{kind: schedule, cron: '0 3 * * 1'}}]\n"
    (tmp_path / "mlops.yaml").write_text(text)
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n")
    found, unasked = standing_schedules(load_project(tmp_path))
    assert (found, unasked) == ((), "`orchestrator.url` is not set, so Airflow was not asked")
