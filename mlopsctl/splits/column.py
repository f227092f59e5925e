"""``column``: a column of the data names the split."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import ColumnName, refusal


class ColumnSplit(Spec):
    """Rows go where a column says; any other value leaves the row unused."""

    not_yet: ClassVar[str] = "splitting by a column"

    kind: Literal["column"] = Field(default="column", title="Kind", description="A column names the split.")
    column: ColumnName = Field(title="Column", description="The column that holds the split's name.")
    train: str = Field(default="train", title="Train", description="The value of rows to train on.")
    validation: str = Field(default="validation", title="Validation", description="The value of rows that select.")
    test: str = Field(default="test", title="Test", description="The value of rows that gates judge on.")

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len({self.train, self.validation, self.test}) < 3:
            raise refusal("split-overlap", "two splits are named by the same value", "give each split its own value")
        return self
