"""Gates judge the test split; without rows in it nothing can be proved."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene
from mlopsctl.splits import GroupSplit, HashSplit


def look(scene: Scene) -> Iterator[Finding]:
    """A split by share whose test share is nothing, where gates judge."""
    project = scene.project
    if project.training is None or not project.evaluation.gates:
        return
    split = project.data[project.training_data].split
    path = ("data", project.training_data, "split", "test")
    if not isinstance(split, HashSplit | GroupSplit) or split.test > 0:
        return
    share = min(0.1, split.train / 2)
    fix = (scene.edit.replaced((*path[:-1], "train"), f"{split.train - share:.6g}"),) if _full(split) else ()
    can = scene.written(path) and (not fix or scene.written((*path[:-1], "train")))
    yield Finding(
        path,
        "no row is left for the test split, and gates judge only there",
        f"write test: {share:g}",
        (scene.edit.replaced(path, f"{share:g}"), *fix) if can else (),
    )


def _full(split: HashSplit | GroupSplit) -> bool:
    return split.train + split.validation > 0.9


LINT = Lint("no-test-rows", Severity.ERROR, "Gates without test rows", ("D7", "D8"), look)
