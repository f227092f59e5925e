"""``hash``: the row's own bytes decide, so the same row lands in the same split on every machine and version.

The row's bytes are in ``tables/rows.py``; test vectors in ``tests/vectors/rows.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlopsctl.splits.fractions import FractionSplit
from mlopsctl.splits.placing import ORDER, Placed
from mlopsctl.tables.columns import Column
from mlopsctl.tables.rows import position_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection


class HashSplit(FractionSplit):
    """A share of the rows by the sha256 of each row's canonical bytes; equal rows land together."""

    kind: Literal["hash"] = Field(default="hash", title="Kind", description="By a digest of the whole row.")

    def place(self, position: int) -> str | None:
        """The split of a row at this position (0 to 2**64 - 1); ``None``: unused."""
        for name, cut in zip(ORDER, self.cuts(), strict=True):
            if position < cut:
                return name
        return None

    def places(self, connection: Connection, relation: str, columns: Sequence[Column]) -> Placed:
        """See :meth:`Placing.places`; the whole row decides."""
        return Placed(self.place_sql(position_sql(columns), relation))
