"""Starts the emulator of BigQuery, by the interpreter of its own environment; arguments as its command line has them.

Without geography: DuckDB would fetch that extension from elsewhere, and end where it cannot.
"""

from __future__ import annotations

import sys

from bqemulator.cli import main
from bqemulator.storage import engine

for found in vars(engine).values():
    if isinstance(found, type) and hasattr(found, "_load_spatial"):
        found._load_spatial = lambda self: None

sys.exit(main())
