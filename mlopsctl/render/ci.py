"""The files for a CI: what was written, and what differs, for people and programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mlopsctl.delivery.ci.scaffold import Difference, Made
from mlopsctl.ground.text import printable


def written_text(made: Made, written: Sequence[Path]) -> str:
    """What was written, and what to know of it."""
    lines = [f"wrote {path.relative_to(made.root)}" for path in written]
    if not written:
        lines.append(f"nothing to write: {_files(len(made.files))} already as the project asks")
    return "\n".join([*lines, *(f"note: {note}" for note in made.notes)])


def checked_text(made: Made, found: Sequence[Difference]) -> str:
    """What differs, with the lines, and what to do."""
    if not found:
        return f"ok: {_files(len(made.files))} as the project asks"
    lines: list[str] = []
    for one in found:
        lines += [f"{one.path} {one.what}", *(f"  {printable(line)}" for line in one.lines)]
    return "\n".join([*lines, "", "`mlopsctl ci init` writes them; remove what is left over."])


def checked_json(made: Made, found: Sequence[Difference]) -> str:
    """The same for programs."""
    differences = [{"path": one.path, "what": one.what, "diff": list(one.lines)} for one in found]
    told = {"version": 1, "files": list(made.files), "differences": differences, "notes": list(made.notes)}
    return json.dumps(told, indent=2)


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count} files are"
