"""The schema of a dataset (``schema.json``): what is expected of each column, reviewed or as train shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.tables.columns import ColumnType
from mlopsctl.tables.statistics import ColumnStatistics, TableStatistics

SCHEMA_FILE = "schema.json"
# Text with more values than this is no category.
MOST_VALUES = 100


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """What is expected of one column; ``None`` expects nothing.

    Attributes:
        presence: the share of rows that must have a value.
        domain: all values there may be.
        environments: where the column is expected (``TRAINING``, ``SERVING``); ``None``: everywhere.
    """

    name: str
    type: ColumnType
    min: float | None = None
    max: float | None = None
    domain: tuple[bool | int | float | str, ...] | None = None
    presence: float | None = None
    environments: tuple[str, ...] | None = None

    def expected_in(self, environment: str) -> bool:
        """Whether rows for ``TRAINING`` or for ``SERVING`` must have the column."""
        return self.environments is None or environment in self.environments


@dataclass(frozen=True, slots=True)
class DataSchema:
    """The columns of a dataset.

    ``origin`` is ``reviewed`` for a schema file and ``train`` for what the train split showed. Ranges of the train
    split are a description, not a rule: the next rows pass them as a matter of course.
    """

    dataset: str
    origin: Literal["reviewed", "train"]
    columns: tuple[ColumnSchema, ...]


def reviewed(dataset: str, file: SchemaFile) -> DataSchema:
    """The schema that a reviewed file gives."""
    columns = tuple(
        ColumnSchema(
            name=name,
            type=ColumnType(rule.type),
            min=rule.min,
            max=rule.max,
            domain=rule.domain,
            presence=rule.presence,
            environments=rule.environments,
        )
        for name, rule in file.columns.items()
    )
    return DataSchema(dataset=dataset, origin="reviewed", columns=columns)


def inferred(dataset: str, train: TableStatistics) -> DataSchema:
    """The schema that train shows: types, ranges, domains of at most 100 texts, and what always has a value."""
    return DataSchema(dataset=dataset, origin="train", columns=tuple(map(_inferred, train.columns)))


def _inferred(column: ColumnStatistics) -> ColumnSchema:
    numbers = column.numbers
    known = column.type is ColumnType.STRING and column.distinct_exact and 0 < column.distinct <= MOST_VALUES
    return ColumnSchema(
        name=column.name,
        type=column.type,
        min=None if numbers is None else numbers.min,
        max=None if numbers is None else numbers.max,
        domain=tuple(sorted(str(entry.value) for entry in column.top)) if known else None,
        presence=1.0 if column.rows and column.missing + column.nan == 0 else None,
    )
