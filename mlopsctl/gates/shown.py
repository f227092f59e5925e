"""Numbers as text: as short as can be, and never so short that a reader would reach another verdict."""

from __future__ import annotations

from math import isfinite

_SHORTEST = 4
_EXACT = 17


def exact(number: float) -> str:
    """The shortest text that reads back as this number: ``0.69``, ``10``, ``1e-07``."""
    text = repr(float(number))
    return text.removesuffix(".0")


def shown(number: float, *against: float | None) -> str:
    """The number with as many digits as it takes to stand to each bound as the number itself does.

    At least four significant digits, unless the number has fewer.
    """
    if not isfinite(number):
        return str(number)
    bounds = [bound for bound in against if bound is not None]
    for digits in range(_SHORTEST, _EXACT):
        text = f"{number:.{digits}g}"
        if all(_stands(float(text), bound) == _stands(number, bound) for bound in bounds):
            return exact(float(text))
    return exact(number)


def _stands(number: float, bound: float) -> int:
    """-1 below, 0 at, 1 above the bound."""
    return (number > bound) - (number < bound)
