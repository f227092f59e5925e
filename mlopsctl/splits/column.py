"""``column``: a column of the data names the split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from mlopsctl.ground.scalars import BoundedInt, ColumnName, refusal
from mlopsctl.splits.placing import ORDER, Placed, Placing, column_named, quoted, rows, wrong_type
from mlopsctl.tables.columns import Column, ColumnType, shown
from mlopsctl.tables.engine import literal
from mlopsctl.tables.rows import text_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

# A fold may be called 0 as well as train.
SplitValue: TypeAlias = Annotated[str, Field(min_length=1)] | BoundedInt

_MOST_VALUES = 5


class ColumnSplit(Placing):
    """Rows go where a column says; any other value leaves the row unused."""

    kind: Literal["column"] = Field(default="column", title="Kind", description="A column names the split.")
    column: ColumnName = Field(title="Column", description="The column that holds the split's name.")
    train: SplitValue = Field(default="train", title="Train", description="The value of rows to train on.")
    validation: SplitValue = Field(
        default="validation", title="Validation", description="The value of rows that select."
    )
    test: SplitValue = Field(default="test", title="Test", description="The value of rows that gates judge on.")

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len({str(self.train), str(self.validation), str(self.test)}) < 3:
            raise refusal("split-overlap", "two splits are named by the same value", "give each split its own value")
        return self

    def places(self, connection: Connection, relation: str, columns: Sequence[Column]) -> Placed:
        """See :meth:`Placing.places`. A whole number is its digits, so 1, 1.0 and the text 1 are one name."""
        column = column_named(columns, self.column)
        if column.type in (ColumnType.OTHER, ColumnType.TIMESTAMP):
            raise wrong_type(column, "the names of splits", "name a column of text or whole numbers")
        text = text_sql(column)
        values = [literal(str(getattr(self, name))) for name in ORDER]
        branches = " ".join(f"WHEN {value} THEN {number}" for number, value in enumerate(values))
        found = connection.execute(
            f"SELECT {text} AS value, count(*) AS many FROM {relation} GROUP BY value ORDER BY many DESC, value"
        ).fetchmany(10_000)
        named = {str(getattr(self, name)) for name in ORDER}
        other = [(value, many) for value, many in found if value is not None and value not in named]
        empty = sum(many for value, many in found if value is None)
        return Placed(
            f"SELECT (CASE {text} {branches} END)::TINYINT AS place FROM {relation}",
            (*_unknown(column, other), *((f"{rows(empty)} with nothing in {shown(column.name)}",) if empty else ())),
            f"column {shown(column.name)} holds {_counted(found)}",
        )


def _unknown(column: Column, other: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    if not other:
        return ()
    return (f"{rows(sum(many for _, many in other))} with another value in {shown(column.name)}: {_counted(other)}",)


def _counted(found: Sequence[tuple[str | None, int]]) -> str:
    """The most frequent values, each with its rows."""
    told = [f"{'nothing' if value is None else quoted(value)} ({many})" for value, many in found[:_MOST_VALUES]]
    more = len(found) - _MOST_VALUES
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")
