"""What is known of a dataset's columns (``statistics.json``): frozen values, written and read back as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from mlopsctl.tables.columns import ColumnType

STATISTICS_FILE = "statistics.json"
BUCKETS = 20
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# So many values are listed with their rows; where a column has no more, its distribution is known exactly.
TOP = 1000


@dataclass(frozen=True, slots=True)
class Bins:
    """The finite values in up to ten bins of about equal rows: what a drift of numbers is measured on.

    Attributes:
        edges: upper edges, growing; a value that is an edge belongs below it. The last one is the largest value.
            Deciles that coincide make one edge, so values that often repeat make fewer bins.
        rows: rows in each bin.
    """

    edges: tuple[float, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The finite values of a column of numbers.

    Attributes:
        mean, std: ``None`` where a sum leaves the range of floats; ``std`` is that of the sample, 0 for one value.
        quantiles: at 0.05, 0.25, 0.5, 0.75 and 0.95, interpolated; of more than 20 million rows an estimate.
        histogram: counts of 20 buckets of equal width from ``min`` to ``max``; each holds its upper edge, the first
            also its lower.
        bins: ``None`` in statistics that an earlier version wrote.
    """

    min: float
    max: float
    mean: float | None
    std: float | None
    quantiles: tuple[float, ...]
    histogram: tuple[int, ...]
    bins: Bins | None = None


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
        top: the most frequent values, at most 1,000, of string, bool and of int with few different values.
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

    @property
    def complete(self) -> bool:
        """Whether ``top`` lists every value there is."""
        return self.distinct_exact and len(self.top) == self.distinct


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
