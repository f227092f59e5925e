"""`level --upgrade N --pr`: what is missing comes as a pull request, and the checkout stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.github import GitHubDouble, serving_github
from tests.integration.cli import call
from tests.integration.test_drift_requests import begun, branch_tip, changed, merged, only_pull, proposed, pushed
from tests.integration.test_flowers import write_data
from tests.integration.test_promotion import git

PROJECT = """\
# Flowers by their measures.
version: 1
name: flowers
data:
  flowers:
    source: {kind: csv, uri: flowers.csv}
    label: kind
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 6}}
"""
BRANCH = "mlopsctl/level-2-flowers"

pytestmark = pytest.mark.timeout(1200)


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
    folder = tmp_path / "flowers"
    folder.mkdir()
    write_data(folder)
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / ".gitignore").write_text(".mlops/\n*.csv\n", encoding="utf-8")
    begun(folder)
    return folder


def test_what_is_missing_for_a_level_comes_as_one_pull_request(project: Path, github: GitHubDouble) -> None:
    github.faults.add("pulls/create", kind="lost")
    done = call(project, "level", "--upgrade", "2", "--pr")
    assert done.code == 0, done
    pull = only_pull(github)
    assert f"Pull request: {pull['html_url']}" in done.out
    assert "mlops.yaml: trigger: runs start weekly" in done.out
    assert str(project) not in done.out
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == (BRANCH, "main", "Bring flowers to level 2")
    for part in ("proves level 0", "trigger: runs start weekly", "| criterion | missing |", "`model-gate`"):
        assert part in pull["body"], pull["body"]

    assert git(project, "status", "--porcelain") == ""
    assert (project / "mlops.yaml").read_text(encoding="utf-8") == PROJECT
    files = changed(project, BRANCH)
    assert {"mlops.yaml", "tests/conftest.py", "tests/test_features.py"} <= set(files)
    assert any(file.startswith(".github/workflows/") for file in files)
    written = proposed(project, BRANCH, "mlops.yaml").decode()
    assert written.startswith("# Flowers by their measures.\n")
    assert "against: champion" in written

    tip = branch_tip(project, BRANCH)
    assert call(project, "level", "--upgrade", "2", "--pr").code == 0
    assert len(github.repository.pulls) == 1
    assert branch_tip(project, BRANCH) == tip

    merged(project, BRANCH)
    assert call(project, "validate").code == 0
    assert call(project, "ci", "check").code == 0


def test_what_was_not_pushed_is_not_proposed_over(project: Path, github: GitHubDouble) -> None:
    (project / "mlops.yaml").write_text(PROJECT + "level: 1\n", encoding="utf-8")
    done = call(project, "level", "--upgrade", "1", "--pr")
    assert done.code == 64, done
    assert "commit and push it first" in done.err
    pushed(project, "Level 1 is wanted")
    assert (done := call(project, "level", "--upgrade", "1", "--pr")).code == 0, done
    assert only_pull(github)["head"]["ref"] == "mlopsctl/level-1-flowers"

    done = call(project, "level", "--pr")
    assert done.code == 64, done
    assert "--upgrade" in done.err
    git(project, "remote", "remove", "origin")
    done = call(project, "level", "--upgrade", "1", "--pr")
    assert done.code == 64, done
    assert "origin" in done.err


def test_files_of_a_ci_that_agreed_still_do_after_an_upgrade(project: Path) -> None:
    (project / "mlops.yaml").write_text(PROJECT + "ci: [{kind: github_actions}]\n", encoding="utf-8")
    assert call(project, "ci", "init").code == 0
    schedule = project / ".github" / "workflows" / "mlopsctl-flowers-schedule.yml"
    assert not schedule.exists()
    done = call(project, "level", "--upgrade", "1")
    assert done.code == 0, done
    assert schedule.read_text(encoding="utf-8") != ""
    assert call(project, "ci", "check").code == 0

    schedule.write_text("# Made by mlopsctl, and changed by somebody\n", encoding="utf-8")
    assert call(project, "level", "--upgrade", "1").code == 0
    assert call(project, "ci", "check").code == 2
