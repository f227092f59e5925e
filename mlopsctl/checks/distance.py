"""Distances between two distributions, given as rows by value or by bin. Pure.

Each is symmetric, and 0 for distributions that are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, log, log2

# The smallest share that PSI lets a bin have: an empty bin would make it infinite.
LEAST_SHARE = 1e-4


def shares(rows: Sequence[int]) -> list[float]:
    """The rows as shares of their sum.

    Raises:
        ValueError: when there are no rows.
    """
    total = _total(rows)
    return [count / total for count in rows]


def l_infinity(reference: Sequence[int], current: Sequence[int]) -> float:
    """The largest difference between the shares of one value: 0 to 1."""
    before, now = _total(reference), _total(current)
    pairs = zip(reference, current, strict=True)
    return max((difference(p, before, q, now) for p, q in pairs), default=0.0)


def difference(part: int, of: int, other: int, other_of: int) -> float:
    """How far two shares are apart, rounded once: 13 of 500 and 0 of 500 are 0.026 apart and not a little more."""
    return abs(other * of - part * other_of) / (of * other_of)


def jensen_shannon(reference: Sequence[int], current: Sequence[int]) -> float:
    """The Jensen-Shannon divergence with the logarithm to base 2: 0 to 1, without smoothing.

    JS(p, q) = ½ Σ p·log2(p/m) + ½ Σ q·log2(q/m) with m = ½(p + q). It is the square of what SciPy's
    ``jensenshannon(p, q, base=2)`` gives.
    """
    terms = []
    for p, q in zip(shares(reference), shares(current), strict=True):
        middle = (p + q) / 2
        terms += [share * log2(share / middle) / 2 for share in (p, q) if share > 0]
    return min(1.0, max(0.0, fsum(terms)))


def psi(reference: Sequence[int], current: Sequence[int]) -> float:
    """The population stability index with the natural logarithm: Σ (q − p)·ln(q/p), from 0 up to about 18.4.

    Smoothing: a share below 0.0001 counts as 0.0001; then the shares are divided by their sum again.
    """
    p, q = _smoothed(shares(reference)), _smoothed(shares(current))
    return max(0.0, fsum((b - a) * log(b / a) for a, b in zip(p, q, strict=True)))


def _total(rows: Sequence[int]) -> int:
    total = sum(rows)
    if total <= 0:
        raise ValueError("a distribution needs rows")
    return total


def _smoothed(of: Sequence[float]) -> list[float]:
    lifted = [max(share, LEAST_SHARE) for share in of]
    total = fsum(lifted)
    return [share / total for share in lifted]
