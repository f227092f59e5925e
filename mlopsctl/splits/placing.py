"""What every split does with a table: one place a row, and a word on the rows that got none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.text import printable
from mlopsctl.tables.columns import Column, shown, unknown_column

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

# As stored in a table: 0, 1, 2 for the names in this order, null for a row of no split.
ORDER = ("train", "validation", "test")

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Placed:
    """Where rows go.

    Attributes:
        query: a SELECT of one column ``place``, 0, 1, 2 or null for each row of the relation, in its order.
        remarks: what a reader should know of rows without a split, each a few words.
        range: what an empty split is explained by: what the column holds.
    """

    query: str
    remarks: tuple[str, ...] = ()
    range: str = ""


class Placing(Spec):
    """The base of all splits."""

    def places(self, connection: Connection, relation: str, columns: Sequence[Column]) -> Placed:
        """Place every row of a relation.

        Args:
            relation: a table expression whose rows have an order.
            columns: all columns of the source; some splits look at the whole row.

        Raises:
            StepProblem: when the column is not there, or does not hold what the split reads.
        """
        raise NotImplementedError


def column_named(columns: Sequence[Column], name: str) -> Column:
    """The column of that name.

    Raises:
        StepProblem: when there is none.
    """
    for column in columns:
        if column.name == name:
            return column
    raise unknown_column(name, [column.name for column in columns], "split")


def wrong_type(column: Column, needs: str, hint: str) -> StepProblem:
    """The problem of a column that holds values of another type than the split reads."""
    message = f"the split reads {needs} from the column {shown(column.name)}, which holds values of type {column.type}"
    return StepProblem.because("wrong-type", message, hint=hint)


def count(connection: Connection, query: str) -> int:
    """The one number a query gives."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def rows(number: int) -> str:
    """``1 row``, ``2 rows``."""
    return f"{number} row" if number == 1 else f"{number} rows"


def quoted(value: object) -> str:
    """A value of the data as messages show it."""
    text = str(value)
    return f"'{printable(text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...')}'"
