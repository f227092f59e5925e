"""The reviewed data contract: the file that ``schema:`` of a dataset names."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from mlopsctl.checks.bounds import bounds_problem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import ColumnName, Fraction, refusal

ColumnType: TypeAlias = Literal["int", "float", "string", "bool", "timestamp"]
DomainValue: TypeAlias = bool | int | float | str

_MATCHING: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "string": (str,),
    "bool": (bool,),
    "timestamp": (),
}


class ColumnRule(Spec):
    """What is expected of one column."""

    type: ColumnType = Field(title="Type", description="int, float, string, bool or timestamp.")
    min: float | None = Field(default=None, title="At least", description="The smallest value, of numbers.")
    max: float | None = Field(default=None, title="At most", description="The largest value, of numbers.")
    domain: Annotated[tuple[DomainValue, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, title="Domain", description="All values there may be."
    )
    presence: Fraction | None = Field(
        default=None, title="Presence", description="The share of rows that must have a value; 1 when it is required."
    )
    environments: Annotated[tuple[Literal["TRAINING", "SERVING"], ...], Field(strict=False, min_length=1)] | None = (
        Field(
            default=None,
            title="Environments",
            description="Where the column is expected; [TRAINING] means it may be absent when serving.",
        )
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bounded = self.min is not None or self.max is not None
        if bounded and self.type not in ("int", "float"):
            raise refusal("bounds-of-text", f"`min` and `max` do not fit `type: {self.type}`", "write a `domain`")
        if bounded:
            bounds_problem(self.min, self.max)
        if self.domain is not None and self.type == "timestamp":
            raise refusal("domain-type", "`domain` does not fit `type: timestamp`", "take it out")
        for value in self.domain or ():
            if not isinstance(value, _MATCHING[self.type]) or (isinstance(value, bool) and self.type != "bool"):
                message = f"{value!r} of `domain` is not of `type: {self.type}`"
                raise refusal("domain-type", message, "quote text, and write numbers without quotes")
        return self


class SchemaFile(Spec):
    """A schema file: the columns by name, as in the data."""

    columns: dict[ColumnName, ColumnRule] = Field(
        min_length=1, title="Columns", description="What is expected of each column, by its name."
    )
