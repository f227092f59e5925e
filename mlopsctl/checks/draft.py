"""Drafting a data contract: what the train split shows, as the rules that a person then reviews. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from math import floor

from pydantic import ValidationError

from mlopsctl.checks.data_schema import MOST_VALUES
from mlopsctl.checks.schema_file import ColumnRule, SchemaFile
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.numbers import shown
from mlopsctl.tables.columns import ColumnType, listed
from mlopsctl.tables.statistics import ColumnStatistics, TableStatistics

# Control characters, surrogates, what is no character, and the separators of lines.
_REFUSED = frozenset({"Cc", "Cs", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract, a remark for each column, and the columns that no contract can describe."""

    dataset: str
    contract: SchemaFile
    remarks: dict[str, str]
    left_out: tuple[str, ...]
    train_rows: int


def draft(dataset: str, train: TableStatistics, label: str | None, *, classes: bool) -> Draft:
    """The contract that the train split meets, and no other row was looked at for.

    Args:
        label: the column to predict, which served rows may lack.
        classes: the label's values are classes, so all of them are listed.

    Raises:
        StepProblem: when no column can be described.
    """
    rules: dict[str, ColumnRule] = {}
    left_out = []
    for column in train.columns:
        rule = _rule(column, label=column.name == label, classes=classes)
        if rule is not None and _nameable(column.name, rule):
            rules[column.name] = rule
        else:
            left_out.append(column.name)
    if not rules:
        hint = "give the columns printable names, and one type each"
        raise StepProblem.because("no-columns", f"no column of {dataset} can be described", hint=hint)
    return Draft(
        dataset=dataset,
        contract=SchemaFile(columns=rules),
        remarks={column.name: _remark(column) for column in train.columns},
        left_out=tuple(left_out),
        train_rows=train.rows,
    )


def _rule(column: ColumnStatistics, *, label: bool, classes: bool) -> ColumnRule | None:
    """What every value of the column in train meets; ``None`` for lists, structures and bytes."""
    if column.type is ColumnType.OTHER:
        return None
    few = column.complete and 0 < column.distinct <= MOST_VALUES and all(_writable(entry.value) for entry in column.top)
    category = column.type is ColumnType.STRING or (label and classes and column.type is ColumnType.INT)
    domain = tuple(sorted((entry.value for entry in column.top), key=_order)) if category and few else None
    numbers = column.numbers if domain is None else None
    return ColumnRule.model_validate(
        {
            "type": column.type.value,
            "min": None if numbers is None else numbers.min,
            "max": None if numbers is None else numbers.max,
            "domain": domain,
            "presence": _presence(column),
            "environments": ("TRAINING",) if label else None,
        }
    )


def _writable(value: bool | int | str) -> bool:
    """Whether a file of ours can hold the value: some characters are refused there, however they are written."""
    return not isinstance(value, str) or all(
        char in "\n\r\t" or (char != "\ufeff" and unicodedata.category(char) not in _REFUSED) for char in value
    )


def _order(value: bool | int | str) -> tuple[int, str]:
    return (value, "") if isinstance(value, int) else (0, value)


def _presence(column: ColumnStatistics) -> float | None:
    """The share of rows with a value, cut to hundredths so that train meets it."""
    if not column.rows:
        return None
    present = column.rows - column.missing - column.nan
    return 1.0 if present == column.rows else floor(present / column.rows * 100) / 100 or None


def _nameable(name: str, rule: ColumnRule) -> bool:
    if not _writable(name):
        return False
    try:
        SchemaFile(columns={name: rule})
    except ValidationError:
        return False
    return True


def _remark(column: ColumnStatistics) -> str:
    """What a reviewer wants to know of the column in train."""
    told = []
    absent = column.missing + column.nan
    if column.rows and absent == column.rows:
        return "no value in train"
    if column.numbers is not None and column.numbers.mean is not None:
        told.append(f"mean {shown(column.numbers.mean)}")
    if column.distinct:
        told.append(f"{'' if column.distinct_exact else 'about '}{column.distinct:,} different")
    if column.infinite:
        told.append(f"{column.infinite:,} infinite")
    if absent:
        told.append(f"{absent:,} of {column.rows:,} missing")
    return ", ".join(told)


def left_out_line(draft: Draft) -> str:
    """The columns that are not described, for a person; empty when there are none."""
    return f"not described: {listed(draft.left_out)}" if draft.left_out else ""
