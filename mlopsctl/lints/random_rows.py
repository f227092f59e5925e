"""A query that draws rows at random, or takes the first ones of no order: no run can be repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_RANDOM = re.compile(
    r"\b(rand|random|uuid|gen_random_uuid|generate_uuid)\s*\(|\b(tablesample|using\s+sample)\b", re.IGNORECASE
)
_LIMIT = re.compile(r"\blimit\s+\d+", re.IGNORECASE)
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)


def look(scene: Scene) -> Iterator[Finding]:
    """Queries and filters with ``rand()``, a sample, or ``LIMIT`` without an order."""
    for path, text in scene.texts():
        if path[0] != "data" or path[-1] not in ("query", "filter"):
            continue
        limit = _LIMIT.search(text)
        found = _RANDOM.search(text) or (limit if limit and not _ORDER.search(text) else None)
        if found is None:
            continue
        raw = scene.raw(path)
        cut = raw.count(found[0]) == 1 and found is limit
        yield Finding(
            path,
            f"{found[0]!r} takes other rows in each run",
            "split by hash or by fingerprint; for fewer rows keep a share of the buckets",
            (scene.edit.replaced(path, re.sub(r"\s*" + re.escape(found[0]), "", raw)),) if cut else (),
        )


LINT = Lint("random-rows", Severity.ERROR, "Rows that are drawn anew in each run", ("D15",), look)
