"""What people do in a repository whose CI is run: begin with a project, propose changes, merge them, look at checks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

from mlopsctl.delivery.ci.scaffold import make_files
from tests.integration.workflow_runner import Workflows

TREE = """\
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 6}}
evaluation:
  metrics: [accuracy]
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.8}
"""
"""What tells the corners apart, and the gate that it has to pass: two sections of mlops.yaml."""


def begin(ci: Workflows, project: str, data: Mapping[str, str]) -> None:
    """Commit a project to main with what `ci init` writes for it; ``SHARED`` in it is a folder of all machines."""
    shared = ci.folder / "shared"
    shared.mkdir()
    ci.write({"mlops.yaml": project.replace("SHARED", str(shared)), **data})
    ci.write(make_files(ci.clone).files)
    ci.commit("the project")


def corners() -> str:
    """Rows of two classes in the corners of a square, which no line divides and a tree does."""
    draw = random.Random(3)
    points = [(draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(600)]
    return "x,y,label\n" + "".join(f"{x:.4f},{y:.4f},{'in' if x * y > 0 else 'out'}\n" for x, y in points)


def branch(ci: Workflows, name: str, old: str, new: str) -> str:
    """A branch from main that changes mlops.yaml; its commit."""
    ci.git("fetch", "--quiet", "origin")
    ci.git("checkout", "--quiet", "-B", name, "origin/main")
    text = (ci.clone / "mlops.yaml").read_text()
    assert old in text
    ci.write({"mlops.yaml": text.replace(old, new)})
    return ci.commit(name, name)


def change(ci: Workflows, name: str, old: str, new: str, fork: str = "") -> tuple[int, str]:
    """A pull request that changes mlops.yaml; its number and its commit."""
    commit = branch(ci, name, old, new)
    return ci.github.repository.open_pull(name, commit, fork=fork), commit


def merge(ci: Workflows, name: str) -> None:
    """Bring a branch into main, as the button on GitHub does."""
    ci.git("fetch", "--quiet", "origin")
    ci.git("checkout", "--quiet", "-B", "main", "origin/main")
    ci.git("merge", "--quiet", "--no-ff", "-m", f"Merge {name}", f"origin/{name}")
    ci.git("push", "--quiet", "origin", "main")
    ci.github.repository.merge(name)


def checks(ci: Workflows, commit: str) -> dict[str, str]:
    """The conclusion of every check of a commit by its last word; each once."""
    return {name: one["conclusion"] for name, one in whole_checks(ci, commit).items()}


def whole_checks(ci: Workflows, commit: str) -> dict[str, Mapping[str, Any]]:
    """Every check of a commit by its last word; each name and each external id once."""
    found: list[Mapping[str, Any]] = [one for one in ci.github.snapshot()["checks"] if one["head_sha"] == commit]
    for key in ("name", "external_id"):
        many = [one for one, times in Counter(check[key] for check in found).items() if times > 1]
        assert not many, f"published twice: {many}"
    return {one["name"].rpartition(" / ")[2]: one for one in found}


def deployed(ci: Workflows) -> list[tuple[str, str]]:
    """Every deployment, first to last: the environment and the commit; each once."""
    found = [(one["environment"], one["sha"]) for one in ci.github.snapshot()["deployments"]]
    assert len(found) == len(set(found)), "a deployment was told of twice"
    return found
