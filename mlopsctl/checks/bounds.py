"""``min`` and ``max`` of numbers, which must leave something between them."""

from __future__ import annotations

from mlopsctl.ground.scalars import refusal


def bounds_problem(low: float | None, high: float | None) -> None:
    """Refuse bounds that say nothing or that nothing can meet.

    Raises:
        pydantic_core.PydanticCustomError: says which.
    """
    if low is None and high is None:
        raise refusal("no-bounds", "neither `min` nor `max` is given", "give at least one of them")
    if low is not None and high is not None and low > high:
        raise refusal("empty-bounds", f"`min` {low} is greater than `max` {high}", "swap them")
