"""What a column's values are like, in a few words; and whether a confusion matrix is one."""

from __future__ import annotations

from mlopsctl.curves import Confusion
from mlopsctl.render.report import words
from mlopsctl.tables.columns import ColumnType
from mlopsctl.tables.statistics import QUANTILES, ColumnStatistics

_MEDIAN = QUANTILES.index(0.5)
_TOP = 3


def spread(column: ColumnStatistics) -> list[tuple[str, str]]:
    """What stands out, as pairs of our word (or none) and a value: the range of numbers, or the usual values."""
    odd = [("NaN", words.count(column.nan))] if column.nan else []
    odd += [("infinite", words.count(column.infinite))] if column.infinite else []
    if column.numbers is not None:
        found = column.numbers
        middle = found.quantiles[_MEDIAN] if len(found.quantiles) > _MEDIAN else None
        return [
            ("min", _number(column, found.min)),
            ("median", _number(column, middle)),
            ("max", _number(column, found.max)),
            *odd,
        ]
    if column.first is not None and column.last is not None:
        return [("from", column.first), ("to", column.last)]
    return [("", f"{value_text(one.value)} {words.share(one.rows, column.rows)}") for one in column.top[:_TOP]] + odd


def _number(column: ColumnStatistics, value: float | None) -> str:
    """A value of a column; whole numbers keep every digit, for they may be codes."""
    if value is not None and column.type is ColumnType.INT and float(value).is_integer():
        return str(int(value))
    return words.number(value)


def value_text(value: bool | int | str) -> str:
    """A value as a person reads it; text of spaces only is shown in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if text.strip() == text and text else f"“{text}”"


def sound(found: Confusion) -> bool:
    """Whether the matrix has a row and a column for each class, as every picture of it takes for granted."""
    size = len(found.classes)
    return size > 0 and len(found.counts) == size and all(len(row) == size for row in found.counts)
