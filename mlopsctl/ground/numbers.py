"""Numbers as text: as short as can be, and never so short that a reader would come to another verdict."""

from __future__ import annotations

from math import isfinite


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
