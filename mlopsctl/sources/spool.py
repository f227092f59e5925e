"""The answer of a database, kept as Parquet files in a folder while it is read, batch by batch.

A column has one type over all rows: whole numbers and fractions together are ``float``, and any other mixture is
refused. Dates and times with a zone are brought to UTC. A column without any value is text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mlopsctl.ground.digest import digest_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import Column, ColumnType, check_names, shown
from mlopsctl.tables.engine import identifier, opened, parquet
from mlopsctl.tables.rows import digest_sql
from mlopsctl.tables.scan import Scan

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

_KINDS: dict[type, ColumnType] = {
    bool: ColumnType.BOOL,
    int: ColumnType.INT,
    float: ColumnType.FLOAT,
    Decimal: ColumnType.FLOAT,
    str: ColumnType.STRING,
    datetime: ColumnType.TIMESTAMP,
    date: ColumnType.TIMESTAMP,
    bytes: ColumnType.OTHER,
    memoryview: ColumnType.OTHER,
    list: ColumnType.OTHER,
    dict: ColumnType.OTHER,
}
_ENGINE_TYPES = {
    ColumnType.INT: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOL: "BOOLEAN",
    ColumnType.STRING: "VARCHAR",
    ColumnType.TIMESTAMP: "TIMESTAMP",
    ColumnType.OTHER: "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer: Parquet files with the same columns, each column of one type over all files."""

    files: tuple[Path, ...]
    columns: tuple[Column, ...]

    def scan(self) -> Scan:
        """The rows, in no order: a database promises none."""
        selected = ", ".join(
            f"{identifier(column.name)}::{_ENGINE_TYPES[column.type]} AS {identifier(column.name)}"
            for column in self.columns
        )
        parts = [f"SELECT {selected} FROM {parquet(file)}" for file in self.files]
        return Scan(" UNION ALL ".join(parts), self.columns, unordered=True)

    def digest(self) -> str:
        """The digest of the rows as a multiset, and of the columns' names and types."""
        half = "('0x' || substr(digest, {}, 16))::UBIGINT"
        rows = f"SELECT {digest_sql(self.columns)} AS digest FROM ({self.scan().query})"
        query = f"SELECT count(*), sum({half.format(1)})::VARCHAR, sum({half.format(17)})::VARCHAR FROM ({rows})"
        with opened(reads=self.files) as connection:
            count, high, low = connection.execute(query).fetchone() or (0, "0", "0")
        columns = [[column.name, column.type.value] for column in self.columns]
        return digest_json("mlopsctl/rows/v1", {"columns": columns, "rows": count, "sums": [high, low]})


class Spool:
    """Takes rows batch by batch; a new file begins only where the types of a batch differ from those before."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        check_names(names, "the query's answer")
        self._folder = folder
        self._names = list(names)
        self._types: list[ColumnType | None] = [None] * len(names)
        self._files: list[Path] = []
        self._schema: pa.Schema | None = None
        self._writer: ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Take some rows.

        Raises:
            StepProblem: when a column mixes types, or holds a whole number beyond 64 bits.
        """
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        arrays = [self._array(place, values) for place, values in enumerate(zip(*rows, strict=True))]
        batch = pa.record_batch(arrays, names=self._names)
        if self._writer is None or batch.schema != self._schema:
            if self._writer is not None:
                self._writer.close()
            self._files.append(self._folder / f"{len(self._files)}.parquet")
            self._schema, self._writer = batch.schema, ParquetWriter(self._files[-1], batch.schema)
        self._writer.write_batch(batch)

    def answer(self) -> Answer:
        """What was taken; only after the end of the context.

        Raises:
            StepProblem: when there was no row.
        """
        if not self._files:
            raise StepProblem.because("empty-data", "the query gave no rows", hint="run it in the database and look")
        found = zip(self._names, self._types, strict=True)
        return Answer(tuple(self._files), tuple(Column(name, kind or ColumnType.STRING) for name, kind in found))

    def _array(self, place: int, values: tuple[object, ...]) -> pa.Array:
        import pyarrow as pa

        found = set(map(type, values)) - {type(None)}
        kind = self._settled(place, values, found)
        arrow = {
            ColumnType.INT: pa.int64(),
            ColumnType.FLOAT: pa.float64(),
            ColumnType.BOOL: pa.bool_(),
            ColumnType.TIMESTAMP: pa.timestamp("us"),
        }.get(kind, pa.string())
        try:
            return pa.array(_converted(kind, values, found), type=arrow)
        except (OverflowError, pa.ArrowInvalid) as why:
            message = f"column {shown(self._names[place])} of the answer cannot be kept: {why}"
            hint = "whole numbers have 64 bits; CAST it to a float or to text in the query"
            raise StepProblem.because("bad-data", message, hint=hint) from why

    def _settled(self, place: int, values: Iterable[object], found: set[type]) -> ColumnType:
        """The type of this batch's column, which must fit that of the batches before."""
        kinds = {_KINDS.get(one, ColumnType.STRING) for one in found}
        before = self._types[place]
        every = kinds | ({before} if before is not None else set())
        if every == {ColumnType.INT, ColumnType.FLOAT}:
            every = {ColumnType.FLOAT}
        if len(every) > 1:
            told = " and ".join(sorted(kind.value for kind in every))
            message = f"column {shown(self._names[place])} of the answer mixes {told}"
            raise StepProblem.because("wrong-type", message, hint="CAST it to one type in the query")
        self._types[place] = next(iter(every), None)
        return next(iter(every), ColumnType.STRING)


def _converted(kind: ColumnType, values: tuple[object, ...], found: set[type]) -> Sequence[object]:
    """The values as Arrow takes them; most are so already."""
    plain = {ColumnType.INT: int, ColumnType.FLOAT: float, ColumnType.BOOL: bool, ColumnType.STRING: str}
    if all(one is plain.get(kind) for one in found):
        return values
    convert: Callable[[object], object] = {
        ColumnType.FLOAT: lambda value: float(str(value)) if isinstance(value, Decimal) else value,
        ColumnType.TIMESTAMP: _moment,
        ColumnType.OTHER: _text,
    }.get(kind, str)
    return [None if value is None else convert(value) for value in values]


def _moment(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else value


def _text(value: object) -> str:
    """Bytes as hexadecimal digits, lists and objects as JSON: kept, though not learned from."""
    import json

    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
