"""The label: what the rows must say before a model can learn it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import Column, ColumnType, shown
from mlopsctl.tables.engine import identifier, parquet

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

_MOST_CLASSES = 1000


def check_label(connection: Connection, file: Path, label: Column, positive: object, task: str) -> None:
    """Refuse labels that the task cannot learn.

    Raises:
        StepProblem: for rows without a label; for classification also one class only or a ``positive`` that no row
            has; for regression text or values that are not finite.
    """
    name, rows = identifier(label.name), parquet(file)
    missing = _count(connection, f"SELECT count(*) FROM {rows} WHERE {name} IS NULL")
    if missing:
        message = f"the label {shown(label.name)} is missing in {missing} rows"
        raise StepProblem.because("missing-label", message, hint=f"add `filter: '{name} IS NOT NULL'` or correct them")
    if label.type is ColumnType.FLOAT:
        _check_finite(connection, label, rows)
    if task == "regression" and not label.type.numeric:
        message = f"the label {shown(label.name)} is {label.type}, and `task: regression` predicts numbers"
        raise StepProblem.because("wrong-type", message, hint="use `task: classification` or another label")
    if task == "classification":
        _check_classes(connection, label, rows, positive)


def _check_finite(connection: Connection, label: Column, rows: str) -> None:
    strange = _count(connection, f"SELECT count(*) FROM {rows} WHERE NOT isfinite({identifier(label.name)})")
    if strange:
        message = f"the label {shown(label.name)} is NaN or infinite in {strange} rows"
        hint = f"add `filter: 'isfinite({identifier(label.name)})'` or correct them"
        raise StepProblem.because("missing-label", message, hint=hint)


def _check_classes(connection: Connection, label: Column, rows: str, positive: object) -> None:
    name = identifier(label.name)
    query = f"SELECT DISTINCT {name} FROM {rows} LIMIT {_MOST_CLASSES + 1}"
    classes = [row[0] for row in connection.execute(query).fetchall()]
    if len(classes) > _MOST_CLASSES:
        message = f"the label {shown(label.name)} has more than {_MOST_CLASSES} classes"
        raise StepProblem.because("too-many-classes", message, hint="use `task: regression` or another label")
    shown_classes = ", ".join(sorted(repr(value) for value in classes)[:10])
    if len(classes) < 2:
        message = f"the label {shown(label.name)} has one class only, {shown_classes}, so nothing can be learned"
        raise StepProblem.because("one-class", message, hint="check `label` and `filter`, or add rows of another class")
    same = [value for value in classes if value == positive and isinstance(value, bool) == isinstance(positive, bool)]
    if positive is not None and not same:
        near = next((repr(value) for value in classes if str(value).strip() == str(positive).strip()), "")
        hint = f"did you mean {near}?" if near else f"the label has {shown_classes}"
        raise StepProblem.because("unknown-class", f"`positive: {positive!r}` is no class of the label", hint=hint)


def _count(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
