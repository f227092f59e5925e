"""Amounts of money as a person reads them, and what a sum leaves out."""

from __future__ import annotations

from math import floor, log10

from mlopsctl.delivery.cost import Cost
from mlopsctl.ground.digest import Json

UNKNOWN = "unknown"
_LEAST = 1e-6


def money(amount: float, currency: str) -> str:
    """An amount with its currency: to the cent, and what is less than ten cents to two digits that count."""
    if amount == 0 or amount >= 0.1:
        return f"{amount:,.2f} {currency}"
    if amount < _LEAST:
        return f"less than {_LEAST:.6f} {currency}"
    return f"{amount:.{1 - floor(log10(amount))}f} {currency}"


def of_step(cost: Cost, step: str) -> str:
    """What one step costs; empty for a step that is not spoken of."""
    if step in cost.steps:
        return money(cost.steps[step], cost.currency)
    return UNKNOWN if step in cost.unknown else ""


def whole(cost: Cost) -> str:
    """What all of them cost, and how many of them are left out of that; empty where there are none."""
    of = len(cost.steps) + len(cost.unknown)
    if cost.total is None:
        return f"{UNKNOWN}, for no step is both the price and the time known" if of else ""
    left = len(cost.unknown)
    more = f", without {left} of {of} steps whose price or time is not known" if left else ""
    return money(cost.total, cost.currency) + more


def cost_json(cost: Cost | None) -> Json:
    """A cost as data; ``null`` where there are no prices, and a ``total`` of ``null`` where nothing is known."""
    if cost is None:
        return None
    return {
        "currency": cost.currency,
        "total": cost.total,
        "steps": dict(cost.steps),
        "unknown": list(cost.unknown),
    }
