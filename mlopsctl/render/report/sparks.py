"""Small pictures beside numbers: the histogram of a column, its usual values, a gate on its number line."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from mlopsctl.delivery.report.value import GateRow
from mlopsctl.render.report.drawing import number, tag
from mlopsctl.tables.statistics import ColumnStatistics

_WIDE, _TALL = 120.0, 28.0
_MOST = 20
_FEW = 31


def histogram(column: ColumnStatistics) -> str:
    """Bars for the buckets of numbers, or for the most frequent values; empty where nothing was counted.

    Few whole numbers have a bar each: buckets between them would only be gaps.
    """
    if column.numbers is not None and 0 < len(column.top) == column.distinct <= _FEW:
        return _bars([one.rows for one in sorted(column.top, key=lambda one: float(one.value))], gap=1.0)
    if column.numbers is not None:
        return _bars(column.numbers.histogram, gap=0.5)
    if column.top:
        listed = [one.rows for one in column.top[:_MOST]]
        rest = column.rows - column.missing - sum(listed)
        return _bars([*listed, *([rest] if rest > 0 else [])], gap=2.0, last_is_rest=rest > 0)
    return ""


def number_line(gate: GateRow) -> str:
    """Where the measured number and its interval lie to the bounds; what is allowed is drawn as a band."""
    bounds = gate.bounds
    if bounds is None or gate.measured is None:
        return ""
    limits = [one for one in (bounds.min, bounds.max) if one is not None]
    ends = [gate.interval.low, gate.interval.high] if gate.interval is not None else []
    points = [*limits, *ends, gate.measured]
    if not all(isfinite(one) and abs(one) < 1e150 for one in points):
        return ""
    low, high = min(points), max(points)
    pad = (high - low) * 0.25 or abs(high) * 0.1 or 1.0
    low, high = low - pad, high + pad

    def x(value: float) -> float:
        return 2 + (value - low) / (high - low) * (_WIDE - 4)

    left = x(bounds.min) if bounds.min is not None else 0.0
    right = x(bounds.max) if bounds.max is not None else _WIDE
    parts = [
        tag("rect", {"class": "allowed", "x": number(left), "y": "6", "width": number(right - left), "height": "16"}),
        *(tag("path", {"class": "bound", "d": f"M{number(x(limit))} 3V25"}) for limit in limits),
    ]
    if ends:
        parts.append(tag("path", {"class": "whisker", "d": f"M{number(x(ends[0]))} 14H{number(x(ends[1]))}"}))
    parts.append(tag("circle", {"class": gate.verdict.value, "cx": number(x(gate.measured)), "cy": "14", "r": "4.5"}))
    return _svg("numberline", parts)


def _bars(counts: Sequence[int], *, gap: float, last_is_rest: bool = False) -> str:
    most = max(counts, default=0)
    if most <= 0:
        return ""
    wide = min(_WIDE / len(counts), 24.0)
    parts = []
    for at, count in enumerate(counts):
        # A bucket that is not empty can always be seen.
        tall = max(1.0, count / most * (_TALL - 2)) if count > 0 else 0.0
        shape = {"x": number(at * wide), "y": number(_TALL - tall), "width": number(wide - gap), "height": number(tall)}
        rest = {"class": "rest"} if last_is_rest and at == len(counts) - 1 else {}
        parts.append(tag("rect", {**shape, **rest}))
    return _svg("spark", parts)


def _svg(kind: str, parts: Sequence[str]) -> str:
    """The numbers stand beside it, so it is only for the eye."""
    return tag("svg", {"class": kind, "viewBox": f"0 0 {number(_WIDE)} {number(_TALL)}", "aria-hidden": "true"}, *parts)
