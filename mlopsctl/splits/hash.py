"""``hash``: the row's own bytes decide, so the same row lands in the same split on every machine and version.

The row's bytes are in ``tables/rows.py``; test vectors in ``tests/vectors/rows.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mlopsctl.splits.fractions import FractionSplit
from mlopsctl.tables.columns import Column
from mlopsctl.tables.rows import position_sql

# As stored in a table: 0, 1, 2 for the names in this order, null for a row of no split.
ORDER = ("train", "validation", "test")


class HashSplit(FractionSplit):
    """A share of the rows by the sha256 of each row's canonical bytes; equal rows land together."""

    kind: Literal["hash"] = Field(default="hash", title="Kind", description="By a digest of the whole row.")

    def place(self, position: int) -> str | None:
        """The split of a row at this position (0 to 2**64 - 1); ``None``: unused."""
        for name, cut in zip(ORDER, self.cuts(), strict=True):
            if position < cut:
                return name
        return None

    def places(self, relation: str, columns: Sequence[Column]) -> str:
        """A SELECT of one column ``place``: 0, 1, 2 or null for each row of a relation, in its order.

        ``columns`` are all columns of the source, for the whole row decides.
        """
        branches = " ".join(f"WHEN position < {cut}::UHUGEINT THEN {number}" for number, cut in enumerate(self.cuts()))
        positions = f"SELECT {position_sql(columns)} AS position FROM {relation}"
        return f"SELECT (CASE {branches} END)::TINYINT AS place FROM ({positions})"
