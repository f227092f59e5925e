"""``mlops.yaml`` in its canonical form: sections in the order of the language, two spaces a level, comments kept.

Lines are moved and re-indented, never rewritten: the same lines stand in the result, and it means the same. Both are
checked, and where they do not hold the text stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mlopsctl.config.document import parse_document
from mlopsctl.config.layout import Layout, layout_of
from mlopsctl.config.project import Project
from mlopsctl.ground.errors import Diagnostic, InvalidProject

_ORDER = (*Project.model_fields, "environments")
_KEY = re.compile(r"""["']?([A-Za-z_][A-Za-z0-9_-]*)["']?\s*:(?:\s|$)""")
# What YAML 1.1 takes for the end of a line besides the usual ones.
_OTHER_LINE_ENDS = re.compile("[\r\x85\u2028\u2029]")
_DIRECTIVE = re.compile(r"#\s*yaml-language-server:")


def formatted(content: bytes, name: str) -> bytes:
    """The text of a project file in its canonical form.

    Raises:
        InvalidProject: when it is not YAML that a project may be written in, or cannot be formatted safely.
    """
    before = parse_document(content, name).data
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    if _OTHER_LINE_ENDS.search(text):
        raise _refusal(name)
    indented = _indented(text.split("\n"), layout_of(text))
    for lines in (_ordered(indented), indented):
        result = ("\n".join(lines).strip("\n") + "\n").encode()
        if _same(before, result, name) and _same_lines(text, lines):
            return result
    raise _refusal(name)


def _refusal(name: str) -> InvalidProject:
    return InvalidProject(
        Diagnostic(
            "cannot-format",
            f"{name} is left as it is: formatting it would change what it means",
            hint="write it with spaces only, two a level, and without explicit keys ('? key')",
        )
    )


def _indented(lines: Sequence[str], layout: Layout) -> list[str]:
    """Each line in its column; runs of blank lines become one, blanks at line ends go."""
    result: list[str] = []
    for number, line in enumerate(lines):
        if number in layout.inside:
            result.append(_moved(line, layout.shifts.get(number, 0)))
            continue
        bare = line.strip(" \t")
        if not bare:
            if result and result[-1]:
                result.append("")
        elif bare.startswith("#") and number not in layout.shifts:
            result.append(" " * _comment_column(number, lines, layout) + bare)
        else:
            result.append(_moved(line, layout.shifts.get(number, 0)).rstrip(" \t"))
    return result


def _moved(line: str, shift: int) -> str:
    if shift >= 0:
        return " " * shift + line if line else line
    blanks = len(line) - len(line.lstrip(" "))
    return line[min(blanks, -shift) :]


def _comment_column(number: int, lines: Sequence[str], layout: Layout) -> int:
    """A comment stands where the entries stand that it stood with: those after it, or those before."""
    column = len(lines[number]) - len(lines[number].lstrip(" "))
    entries = sorted(layout.levels)
    after = next((entry for entry in entries if entry > number), None)
    before = next((entry for entry in reversed(entries) if entry < number), None)
    if after is not None:
        old = len(lines[after]) - len(lines[after].lstrip(" "))
        if old == column:
            return column + layout.shifts[after]
    if before is not None and column in layout.levels[before]:
        return layout.levels[before][column]
    return max(0, column + (layout.shifts[after] if after is not None else 0))


def _ordered(lines: Sequence[str]) -> list[str]:
    """The sections in the order of the language, each with the comments right above it; unknown ones last."""
    starts = _section_starts(lines)
    if not starts:
        return list(lines)
    keys = list(starts)
    ends = [starts[key] for key in keys[1:]] + [len(lines)]
    blocks = {key: _trimmed(lines[starts[key] : end]) for key, end in zip(keys, ends, strict=True)}
    known = {key: place for place, key in enumerate(_ORDER)}
    order = sorted(keys, key=lambda key: known.get(key, len(known)))
    result = _trimmed(lines[: starts[keys[0]]])
    if result and not lines[starts[keys[0]] - 1]:
        result.append("")
    for place, key in enumerate(order):
        if place:
            apart = not lines[starts[key] - 1] if starts[key] else False
            if apart or _is_long(blocks[key]) or _is_long(blocks[order[place - 1]]):
                result.append("")
        result += blocks[key]
    return result


def _section_starts(lines: Sequence[str]) -> dict[str, int]:
    """The first line of each section, with the comments right above its key."""
    inside = layout_of("\n".join(lines)).inside
    starts: dict[str, int] = {}
    for number, line in enumerate(lines):
        found = _KEY.match(line) if number not in inside else None
        if found is None:
            continue
        first = number
        while first and lines[first - 1].startswith("#") and not _DIRECTIVE.match(lines[first - 1]):
            first -= 1
        starts[found[1]] = first
    return starts


def _is_long(block: Sequence[str]) -> bool:
    """Whether a section has more than one line, comments aside; such ones stand apart."""
    return sum(not line.startswith("#") for line in block) > 1


def _trimmed(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1]:
        kept.pop()
    while kept and not kept[0]:
        kept.pop(0)
    return kept


def _same(before: object, result: bytes, name: str) -> bool:
    """Whether the result means what the text meant; 1 and 1.0 are not the same."""
    try:
        after = parse_document(result, name).data
    except InvalidProject:
        return False
    return json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


def _same_lines(text: str, lines: Sequence[str]) -> bool:
    """Whether every line, comments above all, is still there and none is new."""
    return sorted(filter(None, map(str.strip, text.split("\n")))) == sorted(filter(None, map(str.strip, lines)))
