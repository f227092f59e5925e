"""``filter``: what a glance at the text shows, before any data: one condition over one row, and nothing else.

The engine that runs it looks again, at the parsed expression; this only says it earlier, at its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlopsctl.config.semantics.scene import Scene
from mlopsctl.ground.errors import Diagnostic

_TOKEN = re.compile(
    r"""
    (?P<text>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<word>[^\W\d]\w*)
    | (?P<space>\s+)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# The first word of statements that are no condition; a column may have such a name too.
_STATEMENTS = frozenset(
    {
        "alter", "analyze", "attach", "begin", "call", "checkpoint", "commit", "copy", "create", "delete", "describe",
        "detach", "drop", "explain", "export", "from", "import", "insert", "install", "load", "pragma", "reset",
        "rollback", "set", "show", "summarize", "truncate", "update", "use", "vacuum", "values", "with",
    }
)  # fmt: skip
_OUTSIDE = re.compile(r"read_\w+|glob|getenv|query|query_table|sniff_csv|parquet_\w+|\w+_scan|duckdb_\w+|pragma_\w+")


def filters(scene: Scene) -> Iterator[Diagnostic]:
    """Filters that cannot be one condition, or that ask for more than the row."""
    for name, dataset in scene.project.data.items():
        if dataset.filter is not None and (reason := _refused(dataset.filter)):
            yield scene.error(
                "bad-filter", f"the filter cannot be used: {reason}", ("data", name, "filter"),
                "write one condition over columns, for example trip_miles > 0 AND fare IS NOT NULL",
            )  # fmt: skip


def _refused(condition: str) -> str:
    """Why a condition cannot be used; empty when nothing is seen."""
    found = [(match.lastgroup or "", match[0]) for match in _TOKEN.finditer(condition)]
    tokens = [(kind, text) for kind, text in found if kind not in ("space", "comment")]
    if not tokens:
        return "it is empty"
    following = [*tokens[1:], ("", "")]
    if tokens[0][1].casefold() in _STATEMENTS and following[0][0] in ("word", "text", "name"):
        return f"it is a statement ({tokens[0][1].upper()})"
    depth = 0
    for (kind, text), (_, after) in zip(tokens, following, strict=True):
        word = text.casefold() if kind == "word" else ""
        if text in ("'", '"') or (text == "/" and after == "*"):
            return "a quote or a comment is opened and never closed"
        if text == ";":
            return "it holds more than one statement"
        depth += (text == "(") - (text == ")")
        if depth < 0:
            return "a parenthesis is closed that was never opened"
        if word == "select":
            return "it holds a query of its own"
        if word == "over" and after == "(":
            return "it looks at other rows"
        if word and after == "(" and _OUTSIDE.fullmatch(word):
            return f"{text}() reads more than the row"
    return "a parenthesis is opened and never closed" if depth else ""
