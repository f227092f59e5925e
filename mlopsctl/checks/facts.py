"""Facts: what was counted in a dataset's rows for one check, as frozen values that the check judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mlopsctl.evidence import Anomaly


@dataclass(frozen=True, slots=True)
class Unknown:
    """The check's question could not be asked; ``reference``: because there is nothing to compare with yet."""

    reason: str
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Conformity:
    """Where rows and schema disagree."""

    anomalies: tuple[Anomaly, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Rows of a column without a value; ``nan`` counts apart from ``missing``."""

    rows: int
    missing: int
    nan: int = 0


@dataclass(frozen=True, slots=True)
class Spread:
    """A column of numbers beside bounds.

    Attributes:
        low, high: the smallest and the largest finite value; ``None`` where there is none.
        below, above: rows less than the lower and more than the upper bound, infinite ones among them.
        nan, infinite: rows that no bound can judge, and those that one may.
        examples: values that lie outside.
    """

    low: float | None
    high: float | None
    below: int = 0
    above: int = 0
    nan: int = 0
    infinite: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Keys:
    """Rows by key: ``repeated`` rows have a key that an earlier row has, ``incomplete`` ones lack a part of theirs."""

    repeated: int
    incomplete: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest row of a column of time, and now; milliseconds since 1970.

    ``newest`` is ``None`` where no row has a time; ``strange`` rows hold what is no time, such as ``examples``.
    """

    newest: int | None
    clock: int
    strange: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """A value and its rows in the reference and now."""

    value: str
    reference: int
    current: int


@dataclass(frozen=True, slots=True)
class Categories:
    """The rows of each value in the reference and now, rows without a value left out.

    A reference of very many values lists the most frequent ones only. Then ``unlisted`` is the most rows that a value
    beside them may have there, and ``unlisted_now`` the most that one of those has now.
    """

    shares: tuple[Share, ...]
    reference: int
    current: int
    unlisted: int = 0
    unlisted_now: int = 0


@dataclass(frozen=True, slots=True)
class Histograms:
    """Rows in the same bins in the reference and now; rows without a value left out.

    ``constant``: the reference holds one number only. ``nan`` and ``infinite`` rows, of both, are in no bin.
    """

    reference: tuple[int, ...]
    current: tuple[int, ...]
    constant: bool = False
    nan: int = 0
    infinite: int = 0


Fact: TypeAlias = Unknown | Conformity | Missing | Spread | Keys | Newest | Categories | Histograms
