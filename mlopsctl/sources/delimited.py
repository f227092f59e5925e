"""Reading delimited text: the header, then the narrowest type that every value of a column has.

``int`` is digits without a leading zero that fit 64 bits, ``float`` also a decimal point, an exponent, ``nan`` or
``inf``, ``bool`` is true or false; white space around them does not matter. Everything else is text, kept as it
stands. A column without any value is text.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.tables.columns import Column, ColumnType, check_names, shown, unknown_column
from mlopsctl.tables.engine import file_literal, identifier, literal
from mlopsctl.tables.scan import Scan

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

_HEADER_LIMIT = 1 << 20
_LINE_LIMIT = 1 << 24
_INT = r"[ \t]*-?(0|[1-9][0-9]{0,18})[ \t]*"
_FLOAT = (
    r"[ \t]*[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*|[ \t]*[+-]?(?i:nan|inf|infinity)[ \t]*"
)
# A whole number too long for 64 bits is kept as text: a float would change it.
_LONG = r"[ \t]*-?[1-9][0-9]{18,}[ \t]*"
_BOOL = r"[ \t]*(?i:true|false)[ \t]*"
_FORMS = {ColumnType.INT: _INT, ColumnType.FLOAT: _FLOAT, ColumnType.BOOL: _BOOL}
# Narrowest first.
_GUESSES: tuple[ColumnType, ...] = (ColumnType.INT, ColumnType.FLOAT, ColumnType.BOOL)
_FIRST_ROWS = 1024
_SQL_TYPES = {
    ColumnType.INT: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOL: "BOOLEAN",
    ColumnType.STRING: "VARCHAR",
}


def scan_delimited(
    connection: Connection, file: Path, *, delimiter: str, nulls: Sequence[str], types: Mapping[str, str]
) -> Scan:
    """The rows of a delimited file; see the module's text.

    Raises:
        StepProblem: when the file is empty or malformed, or a value is not of its declared type.
    """
    names = header(file, delimiter)
    for name in types:
        if name not in names:
            raise unknown_column(name, names, "types")
    raw = _raw(file, names, delimiter, nulls)
    guessed = [name for name in names if name not in types]
    found = _types(connection, raw, guessed) | {name: ColumnType(kind) for name, kind in types.items()}
    columns = tuple(Column(name, found[name]) for name in names)
    _check_declared(connection, raw, [column for column in columns if column.name in types])
    selected = ", ".join(f"{_cast(column)} AS {identifier(column.name)}" for column in columns)
    texts = [column.name for column in columns if column.type is ColumnType.STRING and column.name not in types]
    return Scan(f"SELECT {selected} FROM {raw}", columns, _almost_numbers(connection, raw, texts))


def header(file: Path, delimiter: str) -> list[str]:
    """The names in the first line.

    Raises:
        StepProblem: when there is no first line, it is not UTF-8, or names are missing or stand twice.
    """
    try:
        with file.open("r", encoding="utf-8-sig", newline="") as stream:
            start = stream.read(_HEADER_LIMIT)
        names = next(csv.reader(start.splitlines(keepends=True), delimiter=delimiter, strict=True), None)
    except UnicodeDecodeError as why:
        message = f"{file} is not UTF-8 (byte {why.start})"
        raise StepProblem.because("not-utf-8", message, hint="save it as UTF-8") from why
    except csv.Error as why:
        message = f"the header of {file} cannot be read: {why}"
        raise StepProblem.because("bad-data", message, hint="correct its first line") from why
    if not names:
        message = f"{file} is empty" if not start.strip() else f"the first line of {file} is empty"
        raise StepProblem.because("empty-data", message, hint="its first line must name the columns")
    check_names(names, str(file))
    return names


def _raw(file: Path, names: Sequence[str], delimiter: str, nulls: Sequence[str]) -> str:
    """The file's rows with every value as text; malformed lines are errors, never skipped.

    ``parallel=false`` must not be said: DuckDB 2.0 then ends at a quote that is never closed, without a word.
    """
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    missing = ", ".join(literal(null) for null in nulls)
    return (
        f"read_csv({file_literal(file)}, columns={{{columns}}}, auto_detect=false, header=true, "
        f"delim={literal(delimiter)}, quote='\"', escape='\"', comment='', nullstr=[{missing}], strict_mode=true, "
        f"null_padding=false, ignore_errors=false, encoding='utf-8', max_line_size={_LINE_LIMIT})"
    )


def _types(connection: Connection, raw: str, names: Sequence[str]) -> dict[str, ColumnType]:
    """The narrowest type of each column: the first rows rule most types out, then all rows test the narrowest left."""
    # A column without a value rules nothing out among the first rows, and everything in the end.
    first = f"(FROM {raw} LIMIT {_FIRST_ROWS})"
    possible = _surviving(connection, first, dict.fromkeys(names, _GUESSES), True)
    found: dict[str, ColumnType] = {}
    while possible:
        held = _surviving(connection, raw, {name: types[:1] for name, types in possible.items()}, False)
        found |= {
            name: types[0] if types else ColumnType.STRING
            for name, types in held.items()
            if types or not possible[name]
        }
        possible = {name: possible[name][1:] for name, types in held.items() if name not in found}
    return found


def _surviving(
    connection: Connection, rows: str, possible: Mapping[str, tuple[ColumnType, ...]], empty: bool
) -> dict[str, tuple[ColumnType, ...]]:
    """The types that every value there has, narrowest first; ``empty`` is the answer for no value at all."""
    asked = [(name, type) for name, types in possible.items() for type in types]
    if not asked:
        return dict(possible)
    tests = [
        f"coalesce(bool_and({_is(type, column)}) FILTER (WHERE {column} IS NOT NULL), {empty})"
        for type, column in ((type, identifier(name)) for name, type in asked)
    ]
    answers = connection.execute(f"SELECT {', '.join(tests)} FROM {rows}").fetchone() or ()
    holds = {question for question, answer in zip(asked, answers, strict=True) if answer}
    return {name: tuple(type for type in types if (name, type) in holds) for name, types in possible.items()}


def _almost_numbers(connection: Connection, raw: str, names: Sequence[str]) -> tuple[str, ...]:
    """A word on each text column whose values are numbers for the most part: a few others made it text."""
    if not names:
        return ()
    asked = []
    for column in map(identifier, names):
        # Digits, signs and white space come before letters: most text needs no closer look.
        number = f"(CASE WHEN ascii({column}) <= {ord('9')} THEN regexp_full_match({column}, {literal(_FLOAT)}) END)"
        asked += [
            f"count({column})",
            f"count(*) FILTER (WHERE {number})",
            f"min({column}) FILTER (WHERE {number} IS NOT TRUE)",
        ]
    row = connection.execute(f"SELECT {', '.join(asked)} FROM {raw}").fetchone() or ()
    told = []
    for place, name in enumerate(names):
        values, numbers, example = row[3 * place : 3 * place + 3]
        if numbers * 2 > values:
            told.append(f"column {shown(name)} is text: {_why_text(values - numbers, values, example)}")
    return tuple(told)


def _why_text(others: int, values: int, example: str | None) -> str:
    if example is None:
        return "it holds numbers that do not fit 64 bits"
    short = printable(example if len(example) <= 60 else example[:57] + "...")
    return f"{others} of {values} values are no numbers, such as '{short}'"


def _is(type: ColumnType, column: str) -> str:
    """SQL: whether a text, not a missing one, has the form of a type."""
    form = f"regexp_full_match({column}, {literal(_FORMS[type])})"
    if type is ColumnType.BOOL:
        return form
    fits = f"TRY_CAST(trim({column}, ' \t') AS {_SQL_TYPES[type]}) IS NOT NULL"
    if type is ColumnType.INT:
        return f"{form} AND {fits}"
    long = f"regexp_full_match({column}, {literal(_LONG)})"
    # Digits beyond the range of floats would become infinite.
    beyond = f"(isinf(TRY_CAST(trim({column}, ' \t') AS DOUBLE)) AND regexp_matches({column}, '[0-9]'))"
    return f"{form} AND {fits} AND NOT {long} AND NOT {beyond}"


def _cast(column: Column) -> str:
    name = identifier(column.name)
    return name if column.type is ColumnType.STRING else f"CAST(trim({name}, ' \t') AS {_SQL_TYPES[column.type]})"


def _check_declared(connection: Connection, raw: str, columns: Sequence[Column]) -> None:
    """Say which value is not of its declared type, before a cast fails without saying the column."""
    for column in columns:
        if column.type is ColumnType.STRING:
            continue
        name = identifier(column.name)
        wrong = f"{name} IS NOT NULL AND NOT ({_is(column.type, name)})"
        found = connection.execute(f"SELECT count(*), min({name}) FROM {raw} WHERE {wrong}").fetchone()
        rows, example = found or (0, None)
        if rows:
            message = f"column {shown(column.name)} is declared {column.type}, but {rows} rows are not: {example!r}"
            hint = "correct the rows, declare `string`, or name the text in `nulls` if it means missing"
            raise StepProblem.because("wrong-type", message, hint=hint)
