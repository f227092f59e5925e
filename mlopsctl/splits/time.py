"""``time``: old rows train, later rows select, the newest judge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import ColumnName, refusal
from mlopsctl.splits.placing import Placed, Placing, column_named, count, quoted, rows, wrong_type
from mlopsctl.tables.columns import Column, ColumnType, shown
from mlopsctl.tables.engine import identifier
from mlopsctl.tables.moments import text_moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

CutPoint: TypeAlias = int | float | Annotated[str, Field(min_length=1)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimeSplit(Placing):
    """Cut points on a column: before ``validation`` trains, before ``test`` selects, the rest judges.

    The column holds numbers, timestamps, or text in the form of dates (2020-01-31, 2020-01-31T12:00:00+02:00); a moment
    without a time zone is one of UTC. A row whose moment is missing, NaN or infinite goes to no split.
    """

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
        moments = [(name, written, _moment(written)) for name, written in self._points()]
        for (first, a, at), (second, b, bt) in pairwise(moments):
            if isinstance(at, _Micros) != isinstance(bt, _Micros):
                raise _problem(f"`{first}: {a}` and `{second}: {b}` are not of one kind")
            if bt <= at:
                raise _problem(f"`{second}: {b}` does not lie after `{first}: {a}`")
        return self

    def places(self, connection: Connection, relation: str, columns: Sequence[Column]) -> Placed:
        """See :meth:`Placing.places`."""
        column = column_named(columns, self.column)
        moment = self._moment_sql(connection, relation, column)
        cuts = [_moment(written) for _, written in self._points()]
        validation, test = (_number(cut) for cut in cuts[:2])
        used = f"moment < {_number(cuts[2])}" if self.end is not None else "moment IS NOT NULL"
        branches = f"WHEN moment < {validation} THEN 0 WHEN moment < {test} THEN 1 WHEN {used} THEN 2"
        moments = f"(SELECT {moment} AS moment FROM {relation})"
        lost = count(connection, f"SELECT count(*) FROM {moments} WHERE moment IS NULL")
        late = count(connection, f"SELECT count(*) FROM {moments} WHERE NOT ({used})") if self.end is not None else 0
        remarks = (
            *((f"{rows(lost)} without a moment in {shown(column.name)}",) if lost else ()),
            *((f"{rows(late)} from `end: {self.end}` on",) if late else ()),
        )
        query = f"SELECT (CASE {branches} END)::TINYINT AS place FROM {moments}"
        return Placed(query, remarks, _range(connection, relation, column, moment))

    def _points(self) -> list[tuple[str, CutPoint]]:
        points = [("validation", self.validation), ("test", self.test)]
        return points if self.end is None else [*points, ("end", self.end)]

    def _moment_sql(self, connection: Connection, relation: str, column: Column) -> str:
        """SQL of the row's moment: a number, or microseconds since 1970; null for none.

        Raises:
            StepProblem: when the column's values and the cut points cannot be compared.
        """
        name = identifier(column.name)
        dated = isinstance(_moment(self.validation), _Micros)
        if column.type.numeric and dated:
            hint = "write cut points as numbers, as the column has them; or give the column dates"
            raise wrong_type(column, f"dates, such as `validation: {self.validation}`,", hint)
        if column.type in (ColumnType.STRING, ColumnType.TIMESTAMP) and not dated:
            hint = "write cut points as dates, such as 2020-01-31"
            raise wrong_type(column, f"numbers, such as `validation: {self.validation}`,", hint)
        match column.type:
            case ColumnType.INT:
                return name
            case ColumnType.FLOAT:
                return f"CASE WHEN isfinite({name}) THEN {name} END"
            case ColumnType.TIMESTAMP:
                return f"CASE WHEN isfinite({name}) THEN epoch_us({name}) END"
            case ColumnType.STRING:
                moment = text_moment(name)
                self._refuse_other_text(connection, relation, column, moment)
                return moment
            case _:
                raise wrong_type(column, "moments", "name a column of numbers, dates or timestamps")

    def _refuse_other_text(self, connection: Connection, relation: str, column: Column, moment: str) -> None:
        name = identifier(column.name)
        found = connection.execute(
            f"SELECT count(*), min({name}) FROM {relation} WHERE {name} IS NOT NULL AND {moment} IS NULL"
        ).fetchone()
        wrong, example = found or (0, None)
        if wrong:
            held = f"but it holds other text in {rows(wrong)}: {quoted(example)}"
            message = f"the split reads dates from the column {shown(column.name)}, {held}"
            hint = (
                "dates are written 2020-01-31 or 2020-01-31T12:00:00; correct the rows, or leave them out with `filter`"
            )
            raise StepProblem.because("wrong-type", message, hint=hint)


def _range(connection: Connection, relation: str, column: Column, moment: str) -> str:
    """From where to where the column goes, in its own words."""
    name = identifier(column.name)
    row = connection.execute(
        f"SELECT arg_min({name}, {moment})::VARCHAR, arg_max({name}, {moment})::VARCHAR FROM {relation}"
    ).fetchone()
    first, last = row or (None, None)
    return (
        f"column {shown(column.name)} runs from {first} to {last}" if first else f"column {shown(column.name)} is empty"
    )


class _Micros(int):
    """Microseconds since 1970, told apart from a plain number of the data."""


def _moment(written: CutPoint) -> int | float:
    """A number as it is; a date or timestamp as :class:`_Micros`, in UTC where it has no zone."""
    if not isinstance(written, str):
        return written
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise _problem(f"'{written}' is neither a number nor a date") from None
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)
    return _Micros((moment - _EPOCH) // timedelta(microseconds=1))


def _number(cut: int | float) -> str:
    return f"{int(cut)}::HUGEINT" if isinstance(cut, int) and abs(cut) < 2**63 else f"'{float(cut)!r}'::DOUBLE"


def _problem(message: str) -> PydanticCustomError:
    hint = "write growing numbers, or dates such as 2020-01-31 or 2020-01-31T12:00:00"
    return refusal("split-cut-points", message, hint)
