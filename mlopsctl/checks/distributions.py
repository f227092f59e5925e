"""Counting the rows of a column by the values, or by the bins, of a reference.

The reference is known by its statistics: up to 1,000 values of a category, up to ten bins of about equal rows of
numbers. The rows at hand are counted anew in those same values and bins, so both sides are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlopsctl.checks.comparing import Comparing
from mlopsctl.checks.drift import PREVIOUS, TRAIN, Drift
from mlopsctl.checks.facts import Categories, Histograms, Share, Unknown
from mlopsctl.checks.rows import HELD, Rows
from mlopsctl.checks.skew import Skew
from mlopsctl.tables.columns import Column, ColumnType, shown
from mlopsctl.tables.engine import identifier
from mlopsctl.tables.measure import finite
from mlopsctl.tables.statistics import TOP, ColumnStatistics, Statistics

_NEW = 20
_LISTED = (ColumnType.STRING, ColumnType.BOOL, ColumnType.INT)


@dataclass(frozen=True, slots=True)
class _Sides:
    """The rows now, as SQL, and the reference's statistics of the column."""

    now: str
    column: Column
    reference: ColumnStatistics


def compare(check: Comparing, rows: Rows) -> Categories | Histograms | Unknown:
    """The column's distributions in the reference and in the rows, as far as they can be compared."""
    sides = _sides(check, rows)
    if isinstance(sides, Unknown):
        return sides
    now, before = sides.column.type, sides.reference.type
    if check.categorical:
        if now not in _LISTED:
            hint = "use jensen_shannon or psi" if now.numeric else "only text, whole numbers and true or false are"
            return Unknown(f"{check.column} holds {HELD[now]}, not categories: {hint}")
        if before is not now:
            return Unknown(f"{check.column} is of type {now} here and of type {before} in the reference")
        return _categories(sides, rows)
    for type, where in ((now, ""), (before, " in the reference")):
        if not type.numeric:
            return Unknown(f"{check.column} holds {HELD[type]}{where}, not numbers: use l_infinity")
    return _histograms(sides, rows)


def _sides(check: Comparing, rows: Rows) -> _Sides | Unknown:
    """Which rows are compared, and with what."""
    name = check.column
    if isinstance(check, Skew):
        if check.serving is None:
            return Unknown("there is no log of served rows: name the dataset that holds them as `serving`", True)
        return _beside_train(name, rows, rows.references.get(check.serving), f"dataset {check.serving}")
    if isinstance(check, Drift) and check.against == TRAIN:
        kept = rows.statistics.tables["train"].column(name)
        if kept is None:
            return Unknown(f"there is no column {shown(name)} in the splits: keep it with `columns`")
        return _Sides(rows.splits("validation", "test"), Column(name, kept.type), kept)
    known = rows.known(name)
    if isinstance(known, Unknown):
        return known
    if isinstance(check, Drift) and check.against != PREVIOUS:
        reference, called = rows.references.get(check.against), f"dataset {check.against}"
    else:
        reference, called = rows.previous, "the run before"
    found = _column(reference, name, called)
    return found if isinstance(found, Unknown) else _Sides(rows.source, Column(name, known.type), found)


def _beside_train(name: str, rows: Rows, served: Statistics | None, called: str) -> _Sides | Unknown:
    """The train split beside the served rows."""
    kept = rows.statistics.tables["train"].column(name)
    if kept is None:
        return Unknown(f"there is no column {shown(name)} in the train split: keep it with `columns`")
    found = _column(served, name, called)
    return found if isinstance(found, Unknown) else _Sides(rows.splits("train"), Column(name, kept.type), found)


def _column(reference: Statistics | None, name: str, called: str) -> ColumnStatistics | Unknown:
    if reference is None:
        why = "there is no earlier run whose checks passed" if called == "the run before" else f"{called} is not there"
        return Unknown(f"{why}: nothing to compare {shown(name)} with", True)
    found = reference.tables["source"].column(name)
    return found or Unknown(f"there is no column {shown(name)} in {called}: nothing to compare with", True)


def _categories(sides: _Sides, rows: Rows) -> Categories | Unknown:
    """Every value that the reference lists and, if it lists all it has, every frequent one that is new."""
    reference, name = sides.reference, identifier(sides.column.name)
    present = reference.rows - reference.missing
    if present and not reference.top:
        return Unknown(f"{sides.column.name} has more than {TOP:,} different numbers: use jensen_shannon or psi")
    listed = {entry.value: entry.rows for entry in reference.top}
    counted = f"SELECT {name} AS value, count(*) AS many FROM {sides.now} WHERE {name} IS NOT NULL GROUP BY {name}"
    known = "SELECT unnest($1)"
    # Equal shares in one order, so that the same rows give the same reason.
    query = (
        f"WITH counted AS ({counted}) SELECT value, many, value IN ({known}), sum(many) OVER () FROM counted "
        f"QUALIFY value IN ({known}) OR row_number() OVER (PARTITION BY value IN ({known}) "
        f"ORDER BY many DESC, value) <= {_NEW} ORDER BY many DESC, value"
    )
    found = rows.connection.execute(query, [list(listed)]).fetchall()
    current = {value: int(many) for value, many, _, _ in found}
    new = {value: int(many) for value, many, is_known, _ in found if not is_known}
    complete = reference.complete
    values = [*listed, *(new if complete else ())]
    shares = tuple(Share(str(value), listed.get(value, 0), current.get(value, 0)) for value in values)
    rest = present - sum(listed.values())
    return Categories(
        shares=shares,
        reference=present,
        current=int(found[0][3]) if found else 0,
        unlisted=0 if complete else min(rest, reference.top[-1].rows),
        unlisted_now=0 if complete else max(new.values(), default=0),
    )


def _histograms(sides: _Sides, rows: Rows) -> Histograms | Unknown:
    """The reference's bins, and one below and one above them for what it never showed."""
    numbers = sides.reference.numbers
    if numbers is None:
        return Histograms((), (), nan=sides.reference.nan, infinite=sides.reference.infinite)
    if numbers.bins is None:
        return Unknown("the statistics of the run before were made by an earlier version, without bins", True)
    value, name = finite(sides.column), identifier(sides.column.name)
    double = f"{name}::DOUBLE"
    low, edges = float(numbers.min), numbers.bins.edges
    asked = [
        f"count(*) FILTER (WHERE isnan({double}))",
        f"count(*) FILTER (WHERE isinf({double}))",
        f"count({value})",
        f"count(*) FILTER (WHERE {value} < {low!r}::DOUBLE)",
        *(f"count(*) FILTER (WHERE {value} <= {edge!r}::DOUBLE)" for edge in edges),
    ]
    nan, infinite, present, below, *upto = (
        int(number)
        for number in rows.connection.execute(f"SELECT {', '.join(asked)} FROM {sides.now}").fetchone() or ()
    )
    inner = [here - before for before, here in zip([below, *upto], upto, strict=False)]
    return Histograms(
        reference=(0, *numbers.bins.rows, 0),
        current=(below, *inner, present - upto[-1]),
        constant=numbers.min == numbers.max,
        nan=nan + sides.reference.nan,
        infinite=infinite + sides.reference.infinite,
    )
