"""What ``examples.json`` says of an Examples artifact, and where its rows stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.ground.files import write_atomic
from mlopsctl.tables.columns import Column, ColumnType

EXAMPLES_FILE = "examples.json"
SOURCE_FILE = "source.parquet"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Examples:
    """The rows of a dataset after filter, split and projection.

    Attributes:
        label, positive: as the project says; ``label`` is ``None`` for data without one.
        columns: those of the split files, in order, with the label.
        features: the names of the columns without the label.
        source_columns: those of ``source.parquet``: every column of the source.
        splits: rows by split, and ``unused``.
        rows: rows of the source after the filter.
        remarks: what a reader should know: rows of no split, columns that are text although most of it are numbers.
    """

    dataset: str
    label: str | None
    positive: bool | int | float | str | None
    columns: tuple[Column, ...]
    source_columns: tuple[Column, ...]
    splits: Mapping[str, int]
    rows: int
    remarks: tuple[str, ...] = ()

    @property
    def shares(self) -> Mapping[str, float]:
        """The share of all rows of each split and of the unused ones, 0 to 1."""
        return {name: round(count / self.rows, 6) if self.rows else 0.0 for name, count in self.splits.items()}

    @property
    def features(self) -> tuple[str, ...]:
        """See the class."""
        return tuple(column.name for column in self.columns if column.name != self.label)

    def type_of(self, name: str) -> ColumnType:
        """The type of a projected column.

        Raises:
            KeyError: when there is none of that name.
        """
        return {column.name: column.type for column in self.columns}[name]


def split_file(folder: Path, split: str) -> Path:
    """The Parquet file of a split (``train``, ``validation``, ``test``) in an Examples artifact."""
    return folder / f"{split}.parquet"


def write(examples: Examples, folder: Path) -> None:
    """Write ``examples.json``."""
    content = {
        "dataset": examples.dataset,
        "label": examples.label,
        "positive": examples.positive,
        "columns": _listed(examples.columns),
        "features": list(examples.features),
        "source_columns": _listed(examples.source_columns),
        "splits": dict(examples.splits),
        "shares": dict(examples.shares),
        "rows": examples.rows,
        "remarks": list(examples.remarks),
    }
    write_atomic(folder / EXAMPLES_FILE, json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n")


def read(folder: Path) -> Examples:
    """Read ``examples.json`` back.

    Raises:
        FileNotFoundError: when the artifact has no such file.
    """
    content = json.loads((folder / EXAMPLES_FILE).read_bytes())
    return Examples(
        dataset=content["dataset"],
        label=content["label"],
        positive=content["positive"],
        columns=_columns(content["columns"]),
        source_columns=_columns(content["source_columns"]),
        splits=content["splits"],
        rows=content["rows"],
        remarks=tuple(content.get("remarks", ())),
    )


def _listed(columns: tuple[Column, ...]) -> list[dict[str, str]]:
    return [{"name": column.name, "type": column.type.value} for column in columns]


def _columns(listed: list[dict[str, str]]) -> tuple[Column, ...]:
    return tuple(Column(entry["name"], ColumnType(entry["type"])) for entry in listed)
