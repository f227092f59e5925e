"""Data: the rows of each dataset and what is known of its columns."""

from __future__ import annotations

from mlopsctl.delivery.report.value import DatasetReport
from mlopsctl.tables.examples import Examples
from mlopsctl.tables.statistics import Statistics

MOST_COLUMNS = 120


def dataset_report(name: str, examples: Examples | None, statistics: Statistics | None) -> DatasetReport:
    """A dataset from whichever of the two is there; the label first, then the columns in their order."""
    table = None
    if statistics is not None:
        table = statistics.tables.get("source") or next(iter(statistics.tables.values()), None)
    columns = () if table is None else table.columns
    label = None if examples is None else examples.label
    ordered = sorted(columns, key=lambda column: column.name != label)
    return DatasetReport(
        name=name,
        rows=examples.rows if examples is not None else 0 if table is None else table.rows,
        splits={} if examples is None else dict(examples.splits),
        label=label,
        columns=tuple(ordered[:MOST_COLUMNS]),
        hidden=max(0, len(ordered) - MOST_COLUMNS),
    )
