"""What is known of a dataset's columns (``statistics.json``): frozen values, written and read back as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from mlopsctl.tables.columns import ColumnType

STATISTICS_FILE = "statistics.json"
BUCKETS = 20
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP = 100


@dataclass(frozen=True, slots=True)
class Numbers:
    """The finite values of a column of numbers.

    Attributes:
        mean, std: ``None`` where a sum leaves the range of floats; ``std`` is that of the sample, 0 for one value.
        quantiles: at 0.05, 0.25, 0.5, 0.75 and 0.95, interpolated.
        histogram: counts of 20 buckets of equal width from ``min`` to ``max``; each holds its upper edge, the first
            also its lower.
    """

    min: float
    max: float
    mean: float | None
    std: float | None
    quantiles: tuple[float, ...]
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ValueCount:
    """A value and how many rows have it."""

    value: bool | int | str
    rows: int


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """One column of one table.

    Attributes:
        missing: rows without a value; ``nan`` and ``infinite`` count apart from it.
        distinct: different values, missing ones and NaN not counted; an estimate unless ``distinct_exact``.
        numbers: of int and float with at least one finite value.
        top: the most frequent values, at most 100, of string, bool and of int with few different values.
        first, last: the bounds of a timestamp as ISO text.
    """

    name: str
    type: ColumnType
    rows: int
    missing: int
    nan: int = 0
    infinite: int = 0
    distinct: int = 0
    distinct_exact: bool = True
    numbers: Numbers | None = None
    top: tuple[ValueCount, ...] = ()
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """All columns of the source after the filter, or of one split."""

    rows: int
    columns: tuple[ColumnStatistics, ...]

    def column(self, name: str) -> ColumnStatistics | None:
        """The column of that name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Statistics:
    """A dataset: ``source`` (all rows and columns after the filter), ``train``, ``validation`` and ``test``."""

    dataset: str
    tables: dict[str, TableStatistics]
