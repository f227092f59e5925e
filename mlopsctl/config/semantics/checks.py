"""Checks: what they compare is there to be compared."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.checks import Drift, Skew
from mlopsctl.checks.drift import PREVIOUS, TRAIN
from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.sections.data import Dataset
from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.words import shown
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.source import DocPath


def checks(scene: Scene) -> Iterator[Diagnostic]:
    """Comparisons that could never say anything, each at its place."""
    for name, dataset in scene.project.data.items():
        for index, check in enumerate(dataset.checks):
            path: DocPath = ("data", name, "checks", index)
            if isinstance(check, Drift):
                yield from _drift(scene, name, dataset, check, path)
            elif isinstance(check, Skew):
                yield from _skew(scene, name, dataset, check, path)


def _drift(scene: Scene, name: str, dataset: Dataset, check: Drift, path: DocPath) -> Iterator[Diagnostic]:
    if check.dataset == name:
        yield _with_itself(scene, name, (*path, "against"))
    if check.against == TRAIN:
        yield from _kept(scene, dataset, check.column, path)
    if check.against == PREVIOUS and (check.on_missing, check.severity) == ("error", "error"):
        yield scene.warning(
            "never-first", f"the check {check.name!r} stops the first run: no run before it has passed", path,
            "write `on_missing: warn`, so that the first run passes it",
        )  # fmt: skip


def _skew(scene: Scene, name: str, dataset: Dataset, check: Skew, path: DocPath) -> Iterator[Diagnostic]:
    yield from _kept(scene, dataset, check.column, path)
    if check.dataset == name:
        yield _with_itself(scene, name, (*path, "serving"))
    if check.serving is None:
        yield scene.warning(
            "no-served-rows", f"the check {check.name!r} has nothing to compare with: no served rows are logged", path,
            "keep served rows as a dataset, and name it: `serving: NAME`",
        )  # fmt: skip


def _with_itself(scene: Scene, name: str, path: DocPath) -> Diagnostic:
    hint = "name another dataset, `previous` or `train`"
    return scene.error("own-reference", f"the dataset {name!r} is compared with itself", path, hint)


def _kept(scene: Scene, dataset: Dataset, column: str, path: DocPath) -> Iterator[Diagnostic]:
    """The splits hold the columns that are kept, and no other."""
    if dataset.columns is None or column in dataset.columns:
        return
    near = did_you_mean(column, dataset.columns)
    hint = f"did you mean {near!r}?" if near else f"add {shown(column)} to `columns`"
    message = f"column {shown(column)} is not among the columns that are kept, so the train split has none"
    yield scene.error("unknown-column", message, (*path, "column"), hint)
