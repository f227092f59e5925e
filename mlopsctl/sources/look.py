"""Looking at a CSV file for the first time: what each column is like, and what the label is.

What is read here only helps to write a project; the project's own steps look again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources.csv import Csv
from mlopsctl.sources.delimited import header
from mlopsctl.tables.columns import Column, ColumnType, shown, unknown_column
from mlopsctl.tables.engine import identifier, opened
from mlopsctl.tables.moments import text_moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

_DELIMITERS = (",", ";", "\t", "|")
# How a missing value is written where it is not left empty.
_MISSING_WORDS = ("NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "?", "-", ".")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_EPOCH_NAME = re.compile(r"(^|_)(timestamp|time|datetime|date|epoch|ts)$", re.IGNORECASE)
_EARLIEST_EPOCH = 100_000_000
_MOST_CLASSES = 20


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What the rows say of one column.

    Attributes:
        missing: rows without a value, NaN among them.
        infinite: rows with an infinite number.
        distinct: different values.
        steady: whole numbers that grow by one from row to row, as an index does.
        twin: the same value as the label in every row.
        cuts: for a column of time, the moments after which the newest fifth and the newest tenth of the rows lie, as a
            time split writes them; empty for other columns.
    """

    name: str
    type: ColumnType
    missing: int
    infinite: int
    distinct: int
    steady: bool = False
    twin: bool = False
    cuts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What the rows say of the label.

    Attributes:
        classes: its values with their rows, the most frequent first; at most 20, or none where there are more.
        std: the standard deviation of a numeric label.
        missing: rows without one, NaN and infinite ones among them.
    """

    column: ColumnFacts
    classes: tuple[tuple[bool | int | float | str, int], ...]
    std: float
    missing: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A CSV file, looked at. ``columns`` are all but the label, in the file's order."""

    source: Csv
    rows: int
    columns: tuple[ColumnFacts, ...]
    label: LabelFacts


def look_at(file: Path, label: str) -> Seen:
    """Look at every value of a CSV file.

    Raises:
        StepProblem: when there is no such file, it is no CSV with a header, or it has no such column.
    """
    source = _source(file)
    names = header(file, source.delimiter)
    _check_header(names, file)
    if label not in names:
        raise unknown_column(label, names, "--label")
    with opened(reads=[file]) as connection:
        source, columns = _loaded(connection, source, file)
        rows = _numbers(connection, "SELECT count(*) FROM looked")[0]
        if not rows:
            raise StepProblem.because("empty-data", f"{file} has no rows", hint="it has a header only; add rows")
        facts = tuple(_column(connection, column, label) for column in columns)
        mine = next(fact for fact in facts if fact.name == label)
        others = tuple(fact for fact in facts if fact.name != label)
        return Seen(source, rows, others, _label(connection, mine))


def _source(file: Path) -> Csv:
    if not file.is_file():
        what = "is a folder, not a file" if file.is_dir() else "is not there"
        raise StepProblem.because("missing-data", f"{file} {what}", hint="name a CSV file with a header line")
    with file.open("rb") as stream:
        line = stream.readline(1 << 20).decode("utf-8", errors="replace")
    # The first of those that make most columns of the first line.
    delimiter = max(_DELIMITERS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))
    return Csv(uri=str(file), delimiter=delimiter)


def _check_header(names: Sequence[str], file: Path) -> None:
    numbers = [name for name in names if _NUMBER.fullmatch(name.strip())]
    if len(numbers) * 2 >= len(names):
        message = f"the first line of {file} holds values, not names of columns: {shown(numbers[0])}"
        raise StepProblem.because("no-header", message, hint="put a line with the columns' names first")


def _loaded(connection: Connection, source: Csv, file: Path) -> tuple[Csv, tuple[Column, ...]]:
    """The rows as the table ``looked``; words for missing values that make a column text are found on the way."""
    scan = source.scan(connection, file.parent)
    texts = [identifier(column.name) for column in scan.columns if column.type is ColumnType.STRING]
    if scan.remarks and texts:
        held = " UNION ".join(f"SELECT DISTINCT trim({name}) AS word FROM ({scan.query})" for name in texts)
        words = {str(row[0]) for row in connection.execute(held).fetchall()}
        found = [word for word in _MISSING_WORDS if word in words]
        wider = Csv(uri=source.uri, delimiter=source.delimiter, nulls=("", *found))
        again = wider.scan(connection, file.parent)
        # Only where a column becomes numbers by it do the words mean nothing there.
        if sum(c.type is ColumnType.STRING for c in again.columns) < len(texts):
            source, scan = wider, again
    connection.execute(f"CREATE TEMP TABLE looked AS {scan.query}")
    return source, scan.columns


def _column(connection: Connection, column: Column, label: str) -> ColumnFacts:
    name, wanted = identifier(column.name), identifier(label)
    real = column.type is ColumnType.FLOAT
    missing = f"{name} IS NULL" + (f" OR isnan({name})" if real else "")
    infinite = f"count(*) FILTER (WHERE isinf({name}))" if real else "0"
    twin = f"bool_and({name}::VARCHAR IS NOT DISTINCT FROM {wanted}::VARCHAR)::INT"
    absent, unbounded, distinct, same = _numbers(
        connection, f"SELECT count(*) FILTER (WHERE {missing}), {infinite}, count(DISTINCT {name}), {twin} FROM looked"
    )
    return ColumnFacts(
        column.name,
        column.type,
        absent,
        unbounded,
        distinct,
        steady=column.type is ColumnType.INT and not absent and distinct > 1 and _steady(connection, name),
        twin=bool(same),
        cuts=_cuts(connection, column),
    )


def _steady(connection: Connection, name: str) -> bool:
    step = f"{name} - lag({name}) OVER (ORDER BY rowid) AS step"
    return bool(_numbers(connection, f"SELECT bool_and(step = 1)::INT FROM (SELECT {step} FROM looked)")[0])


def _cuts(connection: Connection, column: Column) -> tuple[str, ...]:
    """Where a time split could cut; empty where the column holds no moments, or too few."""
    name = identifier(column.name)
    if column.type is ColumnType.STRING:
        moment, written = text_moment(name), "strftime(make_timestamp({}), '%Y-%m-%d')"
        complete = f"count({name}) > 0 AND count({name}) = count({moment})"
    elif column.type is ColumnType.INT and _EPOCH_NAME.search(column.name):
        moment, written = name, "{}::VARCHAR"
        complete = f"min({name}) >= {_EARLIEST_EPOCH}"
    else:
        return ()
    if not _numbers(connection, f"SELECT ({complete})::INT FROM looked")[0]:
        return ()
    points = [f"quantile_disc({moment}, {share})" for share in (0.8, 0.9)]
    selected = ", ".join(written.format(point) for point in (*points, f"min({moment})", f"max({moment})"))
    validation, test, first, last = connection.execute(f"SELECT {selected} FROM looked").fetchone() or ("",) * 4
    return (str(validation), str(test)) if first < validation < test <= last else ("", "")


def _label(connection: Connection, facts: ColumnFacts) -> LabelFacts:
    name = identifier(facts.name)
    known = f"{name} IS NOT NULL" + (f" AND isfinite({name})" if facts.type is ColumnType.FLOAT else "")
    rows = connection.execute(
        f"SELECT {name}, count(*) AS rows FROM looked WHERE {known} GROUP BY 1 ORDER BY rows DESC, 1"
    ).fetchmany(_MOST_CLASSES + 1)
    std = 0.0
    if facts.type.numeric:
        found = connection.execute(f"SELECT stddev_pop({name}) FROM looked WHERE {known}").fetchone()
        std = float(found[0]) if found and found[0] is not None else 0.0
    classes = tuple((row[0], int(row[1])) for row in rows) if len(rows) <= _MOST_CLASSES else ()
    return LabelFacts(facts, classes, std, facts.missing + facts.infinite)


def _numbers(connection: Connection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone() or ()
    return tuple(int(value or 0) for value in row)
