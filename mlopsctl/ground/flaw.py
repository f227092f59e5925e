"""Something wrong in a store, found by looking at all of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """A stable id, what is wrong in words, and what to do; ``repaired`` when it no longer is so."""

    id: str
    message: str
    hint: str = ""
    repaired: bool = False
