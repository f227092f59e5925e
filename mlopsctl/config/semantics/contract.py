"""The reviewed data contract that ``schema:`` names: the file is there, is one, and knows the columns that are used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.config.document import read_document
from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.keys import keys_at
from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.translate import diagnostics
from mlopsctl.config.words import shown
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject
from mlopsctl.ground.source import DocPath


def contracts(scene: Scene) -> Iterator[Diagnostic]:
    """Problems of every schema file, at their place in it; and used columns that it does not know."""
    for name, dataset in scene.project.data.items():
        if dataset.contract is None:
            continue
        path = ("data", name, "schema")
        file = scene.folder / dataset.contract
        if not file.is_file():
            yield scene.error(
                "missing-file", f"there is no schema file {dataset.contract}", path,
                f"draft it: `mlopsctl schema infer {name} --out {dataset.contract}`, or take the key out",
            )  # fmt: skip
            continue
        beside = scene.document.name.rpartition("/")[0]
        try:
            document = read_document(file, f"{beside}/{dataset.contract}" if beside else dataset.contract)
        except InvalidProject as problem:
            yield from problem.diagnostics
            continue
        try:
            contract = SchemaFile.model_validate_json(json.dumps(document.data))
        except ValidationError as error:
            yield from diagnostics(error.errors(include_url=False), document, _Keys(document.data))
            continue
        yield from _unknown_columns(scene, name, tuple(contract.columns))


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys that a schema file knows, by place."""

    data: Json

    def __call__(self, path: DocPath) -> Sequence[str]:
        return keys_at(SchemaFile, self.data, path)


def _unknown_columns(scene: Scene, name: str, known: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Columns that the project uses and the contract does not list: a slip in one of the two."""
    for column, path in _used(scene, name):
        if column not in known:
            near = did_you_mean(column, known)
            hint = f"did you mean {near!r}?" if near else "add it to the schema file, or correct the name"
            yield scene.warning("unknown-column", f"column {shown(column)} is not in the dataset's schema", path, hint)


def _used(scene: Scene, name: str) -> Iterator[tuple[str, DocPath]]:
    project, dataset = scene.project, scene.project.data[name]
    if dataset.label is not None:
        yield dataset.label, ("data", name, "label")
    for index, column in enumerate(dataset.columns or ()):
        yield column, ("data", name, "columns", index)
    # Where the project lists columns, the contract is about those, and a check may look at others of the source.
    for index, check in enumerate(dataset.checks if dataset.columns is None else ()):
        checked = getattr(check, "column", None)
        if isinstance(checked, str):
            yield checked, ("data", name, "checks", index, "column")
    if project.training is None or project.training_data != name:
        return
    for index, feature in enumerate(project.features):
        for position, column in enumerate(feature.columns):
            yield column, ("features", index, "columns", position)
    for index, columns in enumerate(project.evaluation.sliced):
        for column in columns:
            yield column, ("evaluation", "slices", index)
    for index, gate in enumerate(project.evaluation.gates):
        for column in gate.columns:
            yield column, ("evaluation", "gates", index, "slice")
