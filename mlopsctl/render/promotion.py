"""The views of a promotion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from mlopsctl.delivery.promotion.promote import Promoted
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable


def promoted_text(found: Promoted, written: Sequence[str], url: str) -> str:
    """What the destination follows now and would follow, the verdicts, and what to do next."""
    return "".join(f"{line}\n" for line in _lines(found, written, url))


def promoted_json(found: Promoted, written: Sequence[str], url: str) -> str:
    """The same for programs."""
    lock: Json = None if found.lock is None else {**found.lock.release, "evidence": found.lock.evidence}
    document: dict[str, Json] = {
        "project": found.project,
        "from": found.source,
        "to": found.target,
        "lock": lock,
        "rows": [{"what": row.what, "now": row.now, "then": row.then} for row in found.rows],
        "gates": [
            {"name": gate.name, "verdict": gate.verdict, "reason": gate.reason, "overridden": gate.overridden}
            for gate in found.gates
        ],
        "measured": dict(found.measures),
        "digests": dict(found.digests),
        "signed": found.signed,
        "written": list(written),
        "pull_request": url,
        "notes": list(found.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, default=list) + "\n"


def _lines(found: Promoted, written: Sequence[str], url: str) -> Iterator[str]:
    yield f"{found.project} · {found.source} → {found.target}"
    rows = [("", f"{found.target} now", "with this lock"), *((row.what, row.now, row.then) for row in found.rows)]
    if len(rows) > 1:
        widths = [max(len(printable(row[at])) for row in rows) for at in range(2)]
        for what, now, then in rows:
            yield f"  {printable(what):<{widths[0]}}  {printable(now):<{widths[1]}}  {printable(then)}"
    for gate in found.gates:
        over = f" (broken by hand: {gate.overridden})" if gate.overridden else ""
        verdict = gate.verdict if gate.decides else "does not decide"
        yield f"  gate {gate.name}: {verdict}, {printable(gate.reason + over)}"
    for note in found.notes:
        yield f"note: {printable(note)}"
    if url:
        yield f"Pull request: {printable(url)}"
    elif written:
        yield from (f"wrote {printable(path)}" for path in written)
        yield f"Review and commit this, then: mlopsctl apply -e {found.target}"
    elif found.lock is not None:
        yield f"{found.target} follows this model already; nothing was written."
