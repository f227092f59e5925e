"""The terminal: one console for results on stdout, colours only where a person looks, user text made harmless."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_PIPED_WIDTH = 120


def console(stream: TextIO | None = None) -> Console:
    """A rich console that never interprets markup in what it prints."""
    from rich.console import Console

    target = stream if stream is not None else sys.stdout
    width = None if target.isatty() else int(os.environ.get("COLUMNS", _PIPED_WIDTH))
    return Console(file=target, markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)
