"""Columns: the label, the kept columns, features and slices fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.sections.data import Dataset
from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.words import shown
from mlopsctl.features import Drop
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.source import DocPath


def columns(scene: Scene) -> Iterator[Diagnostic]:
    """What each dataset says of its columns, and what training and evaluation ask of them."""
    for name, dataset in scene.project.data.items():
        yield from _dataset(scene, name, dataset)
    training = scene.project.training
    trained_on = scene.project.data.get(scene.project.training_data) if training and scene.project.data else None
    if training is None or trained_on is None:
        return
    name = scene.project.training_data
    if trained_on.label is None:
        yield scene.error(
            "missing-key", f"the dataset {name!r} needs the key 'label': models are trained on it", ("data", name),
            "name the column to predict: `label: …`", key=True,
        )  # fmt: skip
    if trained_on.positive is not None and training.task != "classification":
        yield scene.error(
            "wrong-task", f"'positive' belongs to a classification, and the task is {training.task}",
            ("data", name, "positive"), "take it out, or write `task: classification`", key=True,
        )  # fmt: skip
    yield from _features(scene, trained_on)
    yield from _slices(scene, trained_on)


def _dataset(scene: Scene, name: str, dataset: Dataset) -> Iterator[Diagnostic]:
    path = ("data", name)
    seen: set[str] = set()
    for index, column in enumerate(dataset.columns or ()):
        if column in seen:
            yield scene.error(
                "column-twice", f"column {shown(column)} stands twice", (*path, "columns", index), "name it once"
            )
        seen.add(column)
    if dataset.label is not None:
        yield from _kept(scene, dataset, dataset.label, (*path, "label"), "the label")
    if dataset.positive is not None and dataset.label is None:
        yield scene.error(
            "missing-key", "'positive' is a value of the label, and there is no label", (*path, "positive"),
            "name the column to predict: `label: …`", key=True,
        )  # fmt: skip


def _kept(scene: Scene, dataset: Dataset, column: str, path: DocPath, what: str) -> Iterator[Diagnostic]:
    """A column that is used must be among those that are kept, where the dataset lists them."""
    if dataset.columns is None or column in dataset.columns:
        return
    near = did_you_mean(column, dataset.columns)
    hint = f"did you mean {near!r}?" if near else f"add {shown(column)} to `columns`"
    yield scene.error("unknown-column", f"{what} {shown(column)} is not among the columns that are kept", path, hint)


def _features(scene: Scene, dataset: Dataset) -> Iterator[Diagnostic]:
    dropped: dict[str, DocPath] = {}
    used: dict[str, DocPath] = {}
    for index, feature in enumerate(scene.project.features):
        for position, column in enumerate(feature.columns):
            path = ("features", index, "columns", position)
            if column == dataset.label:
                yield scene.error(
                    "label-leak", f"the label {shown(column)} cannot be a feature: the model would be told the answer",
                    path, "take it out; the label is never a feature",
                )  # fmt: skip
                continue
            yield from _kept(scene, dataset, column, path, "column")
            (dropped if isinstance(feature, Drop) else used).setdefault(column, path)
    for column in dropped.keys() & used.keys():
        yield Diagnostic(
            "column-dropped",
            f"column {shown(column)} is dropped and used",
            scene.document.span_of(dropped[column]),
            "take it out of one of them",
            related=((scene.document.span_of(used[column]), "it is used here"),),
        )


def _slices(scene: Scene, dataset: Dataset) -> Iterator[Diagnostic]:
    evaluation = scene.project.evaluation
    seen: set[tuple[str, ...]] = set()
    for index, columns in enumerate(evaluation.sliced):
        path: DocPath = ("evaluation", "slices", index)
        if columns in seen:
            named = " × ".join(map(shown, columns))
            yield scene.error("column-twice", f"slice {named} stands twice", path, "name it once")
        seen.add(columns)
        yield from _crossed(scene, dataset, columns, path, isinstance(evaluation.slices[index], str))
    for index, gate in enumerate(evaluation.gates):
        path = ("evaluation", "gates", index, "slice")
        yield from _crossed(scene, dataset, gate.columns, path, isinstance(gate.slice, str))


def _crossed(
    scene: Scene, dataset: Dataset, columns: tuple[str, ...], path: DocPath, alone: bool
) -> Iterator[Diagnostic]:
    """The columns of one slice; each stands for itself where it is not ``alone``."""
    for position, column in enumerate(columns):
        place = path if alone else (*path, position)
        if column in columns[:position]:
            yield scene.error("column-twice", f"column {shown(column)} is crossed with itself", place, "name it once")
        else:
            yield from _kept(scene, dataset, column, place, "slice")
