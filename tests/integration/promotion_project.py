"""A project whose models move up: the flowers in a clone with a real remote, and the command line told of a forge."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.doubles.github import GitHubDouble
from tests.integration.cli import Done, environment
from tests.integration.test_flowers import write_data

PROJECT = """\
version: 1
name: flowers
data:
  flowers: {source: {kind: csv, uri: flowers.csv}, label: kind}
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 6}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
    - {name: not-worse, kind: change, metric: accuracy, against: champion, min: -0.5}
environments:
  dev: {}
  staging:
    deployment: {server: {kind: mlflow}}
    promotion: {from: dev, mode: auto}
  guarded:
    promotion: {from: dev, mode: approval}
  lab: {}
  prod:
    promotion: {from: lab, mode: manual, after_successful_runs: 3}
"""
BRANCH = "mlopsctl/promote-flowers-staging"
BACK = "mlopsctl/rollback-flowers-staging"


@dataclass(frozen=True)
class Project:
    """The flowers in a clone with a remote; dev has released its first model, in a run."""

    folder: Path
    first: str = ""
    run: Mapping[str, Any] = field(default_factory=dict)

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"]
        command = ["git", "-C", str(self.folder), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str, github: GitHubDouble) -> None:
        """Merge a pull request as a person does, here and on GitHub."""
        self.git("fetch", "-q", "origin")
        self.git("merge", "-q", "--no-edit", f"origin/{branch}")
        self.git("push", "-q", "origin", "main")
        github.repository.merge(branch)

    def call(self, *arguments: str, github: GitHubDouble | None = None, **variables: str) -> Done:
        """The command line, in surroundings that name no forge but the one given."""
        known = {key: value for key, value in environment().items() if not key.startswith(("GITHUB_", "GH_"))}
        if github is not None:
            named = {"GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": github.repository.name}
            variables = {**named, "GITHUB_TOKEN": "user-token", **variables}
        done = subprocess.run(
            [sys.executable, "-m", "mlopsctl", "-C", str(self.folder), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False,
            env={**known, **variables},
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def done(self, *arguments: str, github: GitHubDouble | None = None, **variables: str) -> Done:
        """The same, and it must end well."""
        done = self.call(*arguments, github=github, **variables)
        assert done.code == 0, done
        return done

    def status(self, environment: str) -> Any:
        return self.done("status", "-e", environment, "-o", "json").json

    def proposed(self, branch: str, name: str) -> bytes:
        """A file of ``environments/`` as the branch has it at the remote."""
        self.git("fetch", "-q", "origin")
        return self.git("show", f"origin/{branch}:environments/{name}").encode() + b"\n"


def a_project(root: Path) -> Project:
    """The project after its first apply in dev."""
    found = Project(root / "flowers")
    found.folder.mkdir()
    write_data(found.folder, rows=300)
    (found.folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    (found.folder / ".gitignore").write_text(".mlops/\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(root / "origin.git")], check=True, timeout=60)
    found.git("init", "-q", "-b", "main")
    found.git("remote", "add", "origin", str(root / "origin.git"))
    found.commit("A project")
    found.done("apply", "-e", "dev")
    run = found.done("runs", "show", "last", "-e", "dev", "-o", "json").json
    return Project(found.folder, found.status("dev")["champion"]["model"], run)
