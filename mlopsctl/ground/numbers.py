"""Numbers as text, as short as can be and never so short that a reader would come to another verdict; percentiles."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, isfinite


def exact(number: float) -> str:
    """The shortest text that reads back as this number: ``0.69``, ``10``, ``1e-07``."""
    return repr(float(number)).removesuffix(".0")


def shown(number: float, *against: float | None) -> str:
    """At least four digits, and as many more as it takes to stand to each bound as the number itself does."""
    if not isfinite(number):
        return str(number)
    bounds = [bound for bound in against if bound is not None]
    for digits in range(4, 17):
        rounded = float(f"{number:.{digits}g}")
        if all((rounded > bound, rounded < bound) == (number > bound, number < bound) for bound in bounds):
            return exact(rounded)
    return exact(number)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed (nearest rank).

    Raises:
        IndexError: when there are no values.
    """
    ordered = sorted(values)
    # 0.07 of 100 values is 7 of them, although the product of the floats is a little more.
    return ordered[max(0, ceil(round(share * len(ordered), 9)) - 1)]
