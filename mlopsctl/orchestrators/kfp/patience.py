"""How often a call is tried, and how long is waited between two tries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Pauses that double, each shortened by chance so that many callers do not come back at once; in seconds.

    Attributes:
        tries: how often a call is tried in all.
        first, longest: the first pause, and the longest that we choose.
        most: the longest pause that a server is granted that asks for one.
    """

    tries: int = 5
    first: float = 0.5
    longest: float = 8.0
    most: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def pause(self, tried: int, asked: float = 0.0) -> None:
        """Wait after the try with this number, from 1; ``asked`` is what the server asks for."""
        ours = min(self.longest, self.first * 2 ** (tried - 1)) * (0.5 + self.chance() / 2)
        self.sleep(min(max(ours, asked), max(self.most, ours)))
