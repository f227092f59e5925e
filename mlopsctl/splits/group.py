"""``group``: all rows of a group (a customer, a patient) land in one split.

The group's bytes are those of a row of one column without a name (``tables/rows.py``), under a domain of their own:
1 and 1.0 are one group, the text 1 is another. Test vectors: ``tests/vectors/rows.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlopsctl.ground.scalars import ColumnName
from mlopsctl.splits.fractions import FractionSplit
from mlopsctl.splits.placing import Placed, column_named, count, rows, wrong_type
from mlopsctl.tables.columns import Column, ColumnType, shown
from mlopsctl.tables.engine import identifier
from mlopsctl.tables.rows import group_position_sql
from mlopsctl.tables.scan import missing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection


class GroupSplit(FractionSplit):
    """A share of the groups by the digest of the group's value; no group stands in two splits.

    The shares are of groups, so those of rows differ by the sizes of groups. Rows without a group go to no split.
    """

    kind: Literal["group"] = Field(default="group", title="Kind", description="By a digest of one column's value.")
    column: ColumnName = Field(title="Column", description="The column that names the group.")

    def places(self, connection: Connection, relation: str, columns: Sequence[Column]) -> Placed:
        """See :meth:`Placing.places`."""
        column = column_named(columns, self.column)
        if column.type is ColumnType.OTHER:
            raise wrong_type(column, "a group", "name a column of text or numbers")
        name = identifier(column.name)
        known = f"NOT {missing(column)}"
        groups = count(connection, f"SELECT count(DISTINCT {name}) FROM {relation} WHERE {known}")
        lost = count(connection, f"SELECT count(*) FROM {relation} WHERE NOT ({known})")
        query = self.place_sql(f"CASE WHEN {known} THEN {group_position_sql(column)} END", relation)
        remarks = (f"{rows(lost)} without a group in {shown(column.name)}",) if lost else ()
        return Placed(query, remarks, f"column {shown(column.name)} names {groups} groups")
