"""What the sources that ask a database share: exactly one of a query and a table."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import refusal


class DatabaseSource(Spec):
    """The base of the sources that read one query or one table."""

    query: str | None = Field(default=None, min_length=1, title="Query", description="The SELECT that gives the rows.")
    table: str | None = Field(default=None, min_length=1, title="Table", description="The table whose rows are read.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.query is None) == (self.table is None):
            both = "both `query` and `table` are given" if self.query else "neither `query` nor `table` is given"
            raise refusal("query-or-table", both, "give exactly one of them")
        return self
