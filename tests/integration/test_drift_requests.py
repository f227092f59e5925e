"""`drift --pr` and `--issue`: real runs, a real git remote, and a strict GitHub that keeps what it was told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.github import GitHubDouble, serving_github
from tests.integration import cli
from tests.integration.cli import Done
from tests.integration.test_flowers import edit, write_data
from tests.integration.test_promotion import commit, git, released

PROJECT = """\
version: 1
name: flowers
vars: {rows: flowers.csv}
data:
  flowers:
    source: {kind: csv, uri: "${vars.rows}"}
    label: kind
    checks:
      - {name: lengths, kind: drift, column: length, metric: jensen_shannon, max: 0.2, on_missing: warn, severity: warn}
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 6}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
triggers:
  - {kind: drift, dataset: flowers, check: lengths, times: 2, of: 3}
environments:
  dev: {}
  staging:
    vars: {rows: staging.csv}
    stores:
      metadata: sqlite:///.staging/metadata.db
      artifacts: .staging/artifacts
      tracking: sqlite:///.staging/mlflow.db
    promotion: {from: dev, mode: auto}
"""
LOCK, EVIDENCE = "environments/staging.lock.yaml", "environments/staging.evidence.json"
LOCK_BRANCH, RETRAIN_BRANCH = "mlopsctl/drift-flowers-staging", "mlopsctl/retrain-flowers-dev"

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubDouble]:
    with serving_github("acme/flowers") as double:
        monkeypatch.setenv("GITHUB_API_URL", double.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", "acme/flowers")
        monkeypatch.setenv("GITHUB_TOKEN", "user-token")
        monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
        yield double


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project with a remote; dev has a release."""
    folder = tmp_path / "flowers"
    folder.mkdir()
    write_data(folder, rows=400, seed=2)
    (folder / "flowers.csv").rename(folder / "staging.csv")
    write_data(folder, rows=400)
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / ".gitignore").write_text(".staging/\n.mlops/\n*.csv\n", encoding="utf-8")
    begun(folder)
    assert (done := call(folder, "apply", "-e", "dev")).code == 0, done
    return folder


def begun(folder: Path) -> None:
    """A new repository with a new remote beside it."""
    shutil.rmtree(folder / ".git", ignore_errors=True)
    shutil.rmtree(folder.parent / "origin.git", ignore_errors=True)
    subprocess.run(["git", "init", "-q", "--bare", str(folder.parent / "origin.git")], check=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", str(folder.parent / "origin.git"))
    pushed(folder, "A project")


def pushed(folder: Path, message: str) -> None:
    commit(folder, message)
    git(folder, "push", "-q", "-u", "origin", "main")


def merged(folder: Path, branch: str) -> None:
    """As the button on GitHub would: the branch goes into main, and main comes here."""
    git(folder, "fetch", "-q", "origin")
    git(folder, "checkout", "-q", "--", ".")
    git(folder, "merge", "-q", "--no-edit", f"origin/{branch}")
    git(folder, "push", "-q", "origin", "main")


def call(folder: Path, *arguments: str) -> Done:
    return cli.call(folder, *arguments, timeout=900)


def drift(folder: Path, environment: str, *arguments: str) -> Done:
    return call(folder, "drift", "-e", environment, *arguments)


def branch_tip(folder: Path, branch: str) -> str:
    return git(folder, "ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]


def proposed(folder: Path, branch: str, file: str) -> bytes:
    git(folder, "fetch", "-q", "origin")
    command = ["git", "-C", str(folder), "show", f"origin/{branch}:{file}"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def changed(folder: Path, branch: str) -> list[str]:
    git(folder, "fetch", "-q", "origin")
    return git(folder, "diff", "--name-only", "origin/main", f"origin/{branch}").splitlines()


def only_pull(github: GitHubDouble) -> Any:
    (pull,) = github.repository.pulls
    return pull


@pytest.mark.soak
def test_a_lock_that_was_edited_by_hand_is_proposed_as_it_was(project: Path, github: GitHubDouble) -> None:
    assert (done := call(project, "promote", "dev", "staging")).code == 0, done
    pushed(project, "Promote")
    assert (done := call(project, "apply", "-e", "staging")).code == 0, done
    assert (found := drift(project, "staging", "--pr", "--issue")).code == 0, found
    assert (github.repository.pulls, github.repository.issues) == ([], [])

    _edited_lock(project, github)
    _history_without_a_lock(project, github)
    _ahead_of_what_is_live(project, github)
    _rolled_back(project, github)


def _edited_lock(project: Path, github: GitHubDouble) -> None:
    """One pull request, though the answer to the first is lost; the same again moves nothing."""
    lock = project / LOCK
    good = lock.read_bytes()
    lock.write_bytes(good.replace(b'version: "1"', b'version: "2"'))
    assert lock.read_bytes() != good
    pushed(project, "By hand")
    github.faults.add("pulls/create", kind="lost")
    github.faults.add("issues/create", kind="lost")
    found = drift(project, "staging", "--pr", "--issue")
    assert found.code == 5, found
    assert "~ config" in found.out
    pull = only_pull(github)
    assert f"Pull request: {pull['html_url']}" in found.err
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (LOCK_BRANCH, "main")
    assert "Let the lock of staging say what is released" in pull["title"]
    assert "model.version" in pull["body"]
    assert changed(project, LOCK_BRANCH) == [LOCK]
    assert proposed(project, LOCK_BRANCH, LOCK) == good
    (issue,) = github.repository.issues
    assert f"Issue: {issue['html_url']}" in found.err
    assert "model.version" in issue["body"]

    tip = branch_tip(project, LOCK_BRANCH)
    writes = len([one for one in github.journal if one[0] in ("pulls/create", "issues/create")])
    assert drift(project, "staging", "--pr", "--issue").code == 5
    assert (len(github.repository.pulls), len(github.repository.issues)) == (1, 1)
    assert branch_tip(project, LOCK_BRANCH) == tip
    assert len([one for one in github.journal if one[0] in ("pulls/create", "issues/create")]) == writes

    merged(project, LOCK_BRANCH)
    pull["state"] = "closed"
    assert drift(project, "staging").code == 0

    # Only here, and git has it right: there is nothing to propose.
    lock.write_bytes(good.replace(b'version: "1"', b'version: "2"'))
    found = drift(project, "staging", "--pr")
    assert found.code == 5, found
    assert "there is nothing to open a pull request for" in found.err
    lock.write_bytes(good)


def _history_without_a_lock(project: Path, github: GitHubDouble) -> None:
    """Nobody has the earlier lock, and the environment that it came from still has the evidence."""
    shutil.rmtree(project / "environments")
    begun(project)
    github.repository.pulls.clear()
    found = drift(project, "staging", "--pr")
    assert found.code == 5, found
    assert "is in dev: its lock is written again" in only_pull(github)["body"]
    assert changed(project, LOCK_BRANCH) == [EVIDENCE, LOCK]
    merged(project, LOCK_BRANCH)
    assert drift(project, "staging").code == 0


def _ahead_of_what_is_live(project: Path, github: GitHubDouble) -> None:
    """A lock that is proved and not applied yet is not for git to mend."""
    edit(project, "max_depth: 6", "max_depth: 3")
    pushed(project, "Another depth")
    assert (done := call(project, "apply", "-e", "dev")).code == 0, done
    assert (done := call(project, "promote", "dev", "staging")).code == 0, done
    pushed(project, "Promote the second")
    github.repository.pulls.clear()
    found = drift(project, "staging", "--pr")
    assert found.code == 5, found
    assert "No pull request: the lock names flowers v2 and is proved" in found.err
    assert "`mlopsctl apply -e staging` mends it" in found.err
    assert github.repository.pulls == []
    assert (done := call(project, "apply", "-e", "staging")).code == 0, done
    assert (found := drift(project, "staging")).code == 0, found


def _rolled_back(project: Path, github: GitHubDouble) -> None:
    """Somebody rolled back, and a push took the hold out of the lock."""
    second = released(project, "staging")
    assert (done := call(project, "rollback", "-e", "staging", "--reason", "bad answers")).code == 0, done
    first = released(project, "staging")
    assert first != second
    git(project, "checkout", "-q", "--", "environments")
    found = drift(project, "staging", "--pr")
    assert found.code == 5, found
    assert "bad answers" in only_pull(github)["body"]
    assert first in proposed(project, LOCK_BRANCH, LOCK).decode()
    merged(project, LOCK_BRANCH)
    assert (done := call(project, "apply", "-e", "staging")).code == 0, done
    assert (found := drift(project, "staging")).code == 0, found
    assert released(project, "staging") == first


def moved(project: Path, by: float, seed: int) -> None:
    """Newer rows, all longer than those before."""
    write_data(project, rows=400, seed=seed)
    file = project / "flowers.csv"
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    longer = [f"{float(line.split(',')[0]) + by:.4f},{line.split(',', 1)[1]}" for line in lines]
    file.write_text("\n".join([head, *longer]) + "\n", encoding="utf-8")


def test_data_that_drifted_often_enough_asks_for_a_retraining_with_its_plan(
    project: Path, github: GitHubDouble
) -> None:
    assert (found := drift(project, "dev", "--pr")).code == 0, found
    moved(project, 50, seed=5)
    for _ in range(2):
        found = drift(project, "dev", "--pr")
        assert found.code == 5, found
        assert "No pull request to retrain: flowers lengths drifted in 1 of the last 2 looks" in found.err
        assert "2 of 3 are asked for" in found.err
    assert github.repository.pulls == []

    moved(project, 60, seed=6)
    github.faults.add("pulls/create", kind="lost")
    found = drift(project, "dev", "--pr")
    assert found.code == 5, found
    pull = only_pull(github)
    assert f"Pull request: {pull['html_url']}" in found.err
    for part in ("jensen_shannon of length is", "2 of the last 3 looks", "train-tree", "Expected from past runs",
                 "Class of the change", "`mlopsctl apply -e dev`"):  # fmt: skip
        assert part in pull["body"], pull["body"]
    assert changed(project, RETRAIN_BRANCH) == ["environments/dev.retrain.yaml"]
    asked = proposed(project, RETRAIN_BRANCH, "environments/dev.retrain.yaml").decode()
    assert 'trains: "dev"' in asked
    assert released(project, "dev") in asked

    tip = branch_tip(project, RETRAIN_BRANCH)
    assert drift(project, "dev", "--pr").code == 5
    assert len(github.repository.pulls) == 1
    assert branch_tip(project, RETRAIN_BRANCH) == tip
    moved(project, 70, seed=7)
    assert drift(project, "dev", "--pr").code == 5
    assert len(github.repository.pulls) == 1
    assert branch_tip(project, RETRAIN_BRANCH) != tip

    # Somebody says no: these rows ask for nothing more, and whoever opens it again is heard.
    pull["state"] = "closed"
    found = drift(project, "dev", "--pr")
    assert found.code == 5, found
    assert f"No pull request: #{pull['number']} asked for the same and was closed" in found.err
    assert len(github.repository.pulls) == 1
    pull["state"] = "open"
    found = drift(project, "dev", "--pr")
    assert f"Pull request: {pull['html_url']}" in found.err, found

    before = released(project, "dev")
    merged(project, RETRAIN_BRANCH)
    github.repository.merge(RETRAIN_BRANCH)
    found = drift(project, "dev", "--pr")
    assert "there is nothing to open a pull request for" in found.err, found
    assert (done := call(project, "apply", "-e", "dev")).code == 0, done
    assert released(project, "dev") != before
    assert (found := drift(project, "dev", "--pr")).code == 0, found
    assert [one["state"] for one in github.repository.pulls] == ["closed"]

    # A new champion: looks at its predecessor's rows no longer count.
    moved(project, 150, seed=8)
    found = drift(project, "dev", "--pr")
    assert "drifted in 1 of the last 2 looks" in found.err, found


def test_rows_that_a_model_was_trained_on_ask_for_nothing(project: Path, github: GitHubDouble) -> None:
    edit(project, "times: 2, of: 3", "times: 1, of: 1")
    edit(project, "accuracy, min: 0.4", "accuracy, min: 0.99999")
    moved(project, 50, seed=5)
    assert (done := call(project, "apply", "-e", "dev")).code == 3, done
    found = drift(project, "dev", "--plane", "data", "--pr")
    assert found.code == 5, found
    assert "No pull request to retrain: the plan of dev, which trains, trains nothing" in found.err
    assert github.repository.pulls == []
