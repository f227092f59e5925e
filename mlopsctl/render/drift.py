"""The views of drift: one table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from mlopsctl.delivery.drift.finding import Drift, Finding, Standing
from mlopsctl.ground.text import printable

SIGNS = {Standing.SAME: "=", Standing.DRIFTED: "~", Standing.UNREAD: "?"}


def drift_text(found: Drift) -> str:
    """What drifted, for a person."""
    return "".join(f"{line}\n" for line in _lines(found))


def drift_json(found: Drift) -> str:
    """The same for programs."""
    document = {
        "project": found.project,
        "environment": found.environment,
        "drifted": len(found.drifted),
        "unread": len(found.unread),
        "findings": [
            {
                "plane": one.plane.value,
                "what": one.what,
                "standing": one.standing.value,
                "wanted": one.wanted,
                "found": one.found,
            }
            for one in found.findings
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def drift_markdown(found: Drift) -> str:
    """The same as a table of Markdown."""
    rows = [("plane", "what", "git and the records say", "found"), *_rows(found.findings)]
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join([f"{found.project} · {found.environment}: {_told(found)}", "", lines[0], "|---|---|---|---|",
                      *lines[1:], ""])  # fmt: skip


def _lines(found: Drift) -> Iterator[str]:
    yield f"{found.project} · {found.environment}"
    rows = [("plane", "what", "git and the records say", "found"), *_rows(found.findings)]
    widths = [max(len(printable(row[at])) for row in rows) for at in range(3)]
    signs = [" ", *(SIGNS[one.standing] for one in found.findings)]
    for sign, row in zip(signs, rows, strict=True):
        padded = "  ".join(f"{printable(cell):<{width}}" for cell, width in zip(row, widths, strict=False))
        yield f"{sign} {padded}  {printable(row[3])}"
    yield _told(found)


def _rows(findings: Sequence[Finding]) -> Iterator[tuple[str, str, str, str]]:
    for one in findings:
        yield one.plane.value, one.what, one.wanted, one.found


def _told(found: Drift) -> str:
    drifted, unread = len(found.drifted), len(found.unread)
    if not drifted and not unread:
        return "nothing drifted"
    words = [f"{drifted} drifted"] if drifted else []
    words += [f"{unread} could not be read"] if unread else []
    return ", ".join(words)


def _cell(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("@", "@\u200b")
