"""``time``: old rows train, later rows select, the newest judge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.interval import Interval
from mlopsctl.ground.scalars import ColumnName, refusal
from mlopsctl.splits.placing import Placed, Placing, column_named, count, quoted, rows, wrong_type
from mlopsctl.tables.columns import Column, ColumnType, shown
from mlopsctl.tables.engine import identifier
from mlopsctl.tables.moments import text_moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

CutPoint: TypeAlias = int | float | Annotated[str, Field(min_length=1)]

_BACK = re.compile(r"-(?P<count>[1-9][0-9]{0,8})(?P<unit>[smhdw])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimeSplit(Placing):
    """Cut points on a column: before ``validation`` trains, before ``test`` selects, the rest judges.

    The column holds numbers, timestamps, or text in the form of dates (2020-01-31, 2020-01-31T12:00:00+02:00); a moment
    without a time zone is one of UTC. A row whose moment is missing, NaN or infinite goes to no split.

    A cut point such as ``-14d`` counts back from the end: of the interval that is run, else ``end``, else the newest
    moment of the data.
    """

    kind: Literal["time"] = Field(default="time", title="Kind", description="By cut points on a column of time.")
    column: ColumnName = Field(title="Column", description="The column of time: numbers, dates or timestamps.")
    validation: CutPoint = Field(
        title="Validation from",
        description="The first moment of the validation rows: a number, 2020-01-31, or -14d before the end.",
    )
    test: CutPoint = Field(title="Test from", description="The first moment of the test rows, written alike.")
    end: CutPoint | None = Field(
        default=None, title="End", description="The first moment that is used no more; open when nothing is said."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        moments = [(name, written, _moment(written)) for name, written in self._points()]
        for (first, a, at), (second, b, bt) in pairwise(moments):
            if isinstance(at, _Back) and isinstance(bt, _Micros) and second == "end":
                continue
            if (type(at) is not type(bt) and (_is_time(at) or _is_time(bt))) or (second == "end" and _is_back(bt)):
                raise _problem(f"`{first}: {a}` and `{second}: {b}` are not of one kind")
            if bt <= at:
                raise _problem(f"`{second}: {b}` does not lie after `{first}: {a}`")
        return self

    def places(self, connection: Connection, relation: str, columns: Sequence[Column]) -> Placed:
        """See :meth:`Placing.places`."""
        column = column_named(columns, self.column)
        moment = self._moment_sql(connection, relation, column)
        cuts = self._cuts(connection, relation, moment)
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

    def rows_of(self, connection: Connection, query: str, columns: Sequence[Column], interval: Interval) -> str:
        """The query with only the rows whose moment lies in the interval.

        Raises:
            StepProblem: when the column is not there, or does not hold moments.
        """
        moment = self._moment_sql(connection, f"({query})", column_named(columns, self.column))
        first, end = _number(_micros(interval.start)), _number(_micros(interval.end))
        return f"SELECT * FROM ({query}) WHERE {moment} >= {first} AND {moment} < {end}"

    def inside(self, interval: Interval) -> TimeSplit:
        """The same for the rows of an interval: its end is the end, from which cut points such as ``-14d`` count."""
        end = _micros(interval.end)
        cuts = {
            name: _written(end + cut) if isinstance(cut := _moment(written), _Back) else written
            for name, written in (("validation", self.validation), ("test", self.test))
        }
        return self.model_copy(update={**cuts, "end": _written(end)})

    def unfit(self, interval: Interval) -> tuple[str, str]:
        """Which cut point does not lie inside the interval, and why; two empty texts when each of them does."""
        start, end = _micros(interval.start), _micros(interval.end)
        for name, written in (("validation", self.validation), ("test", self.test)):
            cut = _moment(written)
            if not _is_time(cut):
                return name, f"`{name}: {written}` is no moment, and an interval is one of time"
            at = end + cut if isinstance(cut, _Back) else cut
            if not start < at < end:
                return name, f"`{name}: {written}` does not lie inside the interval {interval}"
        return "", ""

    def _cuts(self, connection: Connection, relation: str, moment: str) -> list[int | float]:
        """The cut points; those that count back, from `end` or the newest moment."""
        cuts = [_moment(written) for _, written in self._points()]
        if not _is_back(cuts[0]):
            return cuts
        newest = f"SELECT max({moment}) FROM {relation}"
        end = cuts[2] if self.end is not None else count(connection, newest)
        return [end + cut if _is_back(cut) else cut for cut in cuts]

    def _points(self) -> list[tuple[str, CutPoint]]:
        points = [("validation", self.validation), ("test", self.test)]
        return points if self.end is None else [*points, ("end", self.end)]

    def _moment_sql(self, connection: Connection, relation: str, column: Column) -> str:
        """SQL of the row's moment: a number, or microseconds since 1970; null for none.

        Raises:
            StepProblem: when the column's values and the cut points cannot be compared.
        """
        name = identifier(column.name)
        dated = _is_time(_moment(self.validation))
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


class _Back(int):
    """Microseconds, negative, that count from the end."""


def _is_time(cut: int | float) -> bool:
    return isinstance(cut, _Micros | _Back)


def _is_back(cut: int | float) -> bool:
    return isinstance(cut, _Back)


def _moment(written: CutPoint) -> int | float:
    """A number as it is; a date or timestamp as :class:`_Micros`, in UTC where it has no zone; ``-14d`` as `_Back`."""
    if not isinstance(written, str):
        return written
    if back := _BACK.fullmatch(written):
        return _Back(-int(back["count"]) * _UNITS[back["unit"]] * 1_000_000)
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise _problem(f"'{written}' is neither a number nor a date") from None
    return _Micros(_micros(found if found.tzinfo else found.replace(tzinfo=UTC)))


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _written(micros: int) -> str:
    return (_EPOCH + timedelta(microseconds=micros)).isoformat()


def _number(cut: int | float) -> str:
    return f"{int(cut)}::HUGEINT" if isinstance(cut, int) and abs(cut) < 2**63 else f"'{float(cut)!r}'::DOUBLE"


def _problem(message: str) -> PydanticCustomError:
    hint = "write growing numbers, dates such as 2020-01-31 or 2020-01-31T12:00:00, or -14d before the end"
    return refusal("split-cut-points", message, hint)
