"""What the splits by share have in common: three fractions that together are at most all rows."""

from __future__ import annotations

from fractions import Fraction as Exact
from typing import Self

from pydantic import Field, model_validator

from mlopsctl.ground.scalars import Fraction, refusal
from mlopsctl.splits.placing import Placing


class FractionSplit(Placing):
    """The base of the splits by share. Rows beyond the three fractions are left unused, and counted."""

    train: Fraction = Field(default=0.8, title="Train", description="The share of rows that models are fitted on.")
    validation: Fraction = Field(
        default=0.1, title="Validation", description="The share of rows that select a model and stop a fit early."
    )
    test: Fraction = Field(default=0.1, title="Test", description="The share of rows that gates judge on.")

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        total = self._ends()[-1]
        if total > 1:
            message = f"train, validation and test add up to {float(total):g}, more than 1"
            raise refusal("split-fractions", message, "lower one of them; what they leave is unused")
        if self.train <= 0:
            raise refusal("split-fractions", "no row is left to train on", "make `train` greater than 0")
        return self

    def cuts(self) -> tuple[int, int, int]:
        """The first positions, of 0 to 2**64 - 1, that are no longer train, validation and test."""
        train, validation, test = (-int(-end * 2**64 // 1) for end in self._ends())
        return train, validation, test

    def place_sql(self, position: str, relation: str) -> str:
        """A SELECT of the ``place`` of each row, by an SQL expression of its position; a null position has none."""
        branches = " ".join(f"WHEN position < {cut}::UHUGEINT THEN {number}" for number, cut in enumerate(self.cuts()))
        return f"SELECT (CASE {branches} END)::TINYINT AS place FROM (SELECT {position} AS position FROM {relation})"

    def _ends(self) -> tuple[Exact, Exact, Exact]:
        """The sums of the fractions as written in decimals: 0.8 + 0.1 + 0.1 is exactly 1."""
        train, validation, test = (Exact(repr(share)) for share in (self.train, self.validation, self.test))
        return train, train + validation, train + validation + test
