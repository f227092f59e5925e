"""Steps of the user's own, for the cases beside this file; nothing imports them."""

from pathlib import Path
from typing import Literal


def clean(**anything):
    """Take whatever is given."""


def one(a: Path, out: Path):
    """Read and write."""


def two(a: Path, out: Path):
    """Read and write."""


def run(examples: Path, cleaned: Path, *, min_rows: int, mode: Literal["strict", "loose"] = "strict") -> None:
    """Take impossible rows out."""


async def later(cleaned: Path) -> None:
    """Not to be awaited."""
