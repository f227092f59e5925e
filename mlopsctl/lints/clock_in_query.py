"""A query that reads the clock gives other rows tomorrow, and a run of yesterday cannot be repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_CLOCK = re.compile(
    r"\b(now|today|getdate|current_(date|time|timestamp|datetime))\s*\(|\bcurrent_(date|time|timestamp)\b",
    re.IGNORECASE,
)


def look(scene: Scene) -> Iterator[Finding]:
    """Queries and filters with ``now()`` and the like."""
    for path, text in scene.texts():
        if path[0] == "data" and path[-1] in ("query", "filter") and (found := _CLOCK.search(text)):
            yield Finding(
                path,
                f"{found[0]!r} reads the clock",
                "give the moment as a parameter: parameters: {until: '2026-01-31'}, and ${parameters.until} here",
            )


LINT = Lint("clock-in-query", Severity.WARNING, "A query that reads the clock", ("D11",), look)
