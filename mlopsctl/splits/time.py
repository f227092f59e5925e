"""``time``: old rows train, later rows select, the newest judge."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import ColumnName, refusal

CutPoint: TypeAlias = int | float | Annotated[str, Field(min_length=1)]


class TimeSplit(Spec):
    """Cut points on a column: before ``validation`` trains, before ``test`` selects, the rest judges."""

    not_yet: ClassVar[str] = "splitting by time"

    kind: Literal["time"] = Field(default="time", title="Kind", description="By cut points on a column of time.")
    column: ColumnName = Field(title="Column", description="The column of time: numbers, dates or timestamps.")
    validation: CutPoint = Field(
        title="Validation from", description="The first moment of the validation rows: a number or 2020-01-31."
    )
    test: CutPoint = Field(title="Test from", description="The first moment of the test rows.")
    end: CutPoint | None = Field(
        default=None, title="End", description="The first moment that is used no more; open when nothing is said."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        points = [("validation", self.validation), ("test", self.test)]
        points += [] if self.end is None else [("end", self.end)]
        moments = [(name, written, _moment(written)) for name, written in points]
        for (first, a, at), (second, b, bt) in pairwise(moments):
            if type(at) is not type(bt):
                raise _problem(f"`{first}: {a}` and `{second}: {b}` are not of one kind")
            if bt <= at:
                raise _problem(f"`{second}: {b}` does not lie after `{first}: {a}`")
        return self


def _moment(written: CutPoint) -> float:
    """A number as it is; a date or timestamp as seconds of UTC, in a type of its own."""
    if not isinstance(written, str):
        return float(written)
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise _problem(f"'{written}' is neither a number nor a date") from None
    return _Seconds((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


class _Seconds(float):
    """Seconds since 1970, told apart from a plain number of the data."""


def _problem(message: str) -> PydanticCustomError:
    hint = "write growing numbers, or dates such as 2020-01-31 or 2020-01-31T12:00:00"
    return refusal("split-cut-points", message, hint)
