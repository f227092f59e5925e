"""Slices: which rows have which value of a column, or of several columns crossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from mlopsctl.gates.rule import escaped, slice_key, slice_name
from mlopsctl.ground.errors import StepProblem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MISSING = "(missing)"
_MOST = 1_000
_LONGEST = 120
# A whole number as a float is written without its fraction up to here: above, not every whole number is a float.
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Slices:
    """The values of one column, or of several crossed, and which rows have them.

    Attributes:
        key: what the slice is called in the evidence.
        values: the text of each value, in the values' own order; missing values come last.
        codes: for each row the position of its value.
        order: the positions of the rows, sorted by value; ``starts`` is where each value's rows begin in it.
    """

    key: str
    values: tuple[str, ...]
    codes: NDArray[np.int64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]

    def names(self) -> tuple[str, ...]:
        """How each value is called in the evidence: ``area=Rawah``."""
        return tuple(slice_name(self.key, value) for value in self.values)

    def rows(self, place: int) -> NDArray[np.int64]:
        """The positions of the rows with a value, ascending."""
        return self.order[self.starts[place] : self.starts[place + 1]]

    def counts(self) -> dict[str, int]:
        """How many rows each value has."""
        import numpy as np

        return dict(zip(self.values, np.diff(self.starts).tolist(), strict=True))


def sliced(rows: pd.DataFrame, columns: Sequence[str]) -> Slices:
    """The slices of the rows by a column, or by several that are crossed: only combinations that occur.

    A value is its text. Crossed columns give the texts joined by a comma; a comma or backslash inside one is written
    with a backslash. Missing values are a slice of their own.

    Raises:
        StepProblem: when there are more values than anybody reads.
    """
    import numpy as np
    import pandas as pd

    key = slice_key(tuple(columns))
    codes, texts = _coded(key, rows[columns[0]])
    if len(columns) > 1:
        texts = [escaped(text) for text in texts]
    for column in columns[1:]:
        other, more = _coded(key, rows[column])
        codes, pairs = pd.factorize(codes * max(1, len(more)) + other, sort=True)
        _require_few(key, len(pairs))
        texts = [f"{texts[pair // len(more)]},{escaped(more[pair % len(more)])}" for pair in pairs.tolist()]
    order = np.argsort(codes.astype(np.uint16), kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(texts)))])
    return Slices(key, tuple(texts), codes, order, starts.astype(np.int64))


def _coded(key: str, column: pd.Series[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """For each row the place of its value's text; values that read the same are one."""
    import numpy as np
    import pandas as pd

    codes, found = pd.factorize(column)
    _require_few(key, len(found))
    values = found.tolist()
    # Sorting a column's few values is quicker than sorting its rows.
    try:
        order = sorted(range(len(values)), key=values.__getitem__)
    except TypeError:
        order = sorted(range(len(values)), key=lambda place: str(values[place]))
    texts: dict[str, int] = {}
    # The last place answers for missing values, whose code is -1.
    places = np.full(len(values) + 1, -1, dtype=np.int64)
    for place in order:
        places[place] = texts.setdefault(_text(values[place]), len(texts))
    if (codes < 0).any():
        places[-1] = texts.setdefault(MISSING, len(texts))
    return places[codes], list(texts)


def _require_few(key: str, count: int) -> None:
    if count > _MOST:
        raise StepProblem.because(
            "too-many-slices",
            f"the slice {key} has {count:,} values; at most {_MOST:,} can be measured",
            hint="slice by a column with fewer values, or by one made of it: a range, a group, a month",
        )


def _text(value: object) -> str:
    """A value as text that is no other value's; a text that looks like the missing one gets a backslash."""
    if isinstance(value, str):
        return _short(f"\\{value}" if value == MISSING else value)
    if value is None or value != value:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return str(int(value))
    return _short(str(value))


def _short(text: str) -> str:
    """A long text cut, with a digest of the whole, so that two never meet."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]})"
