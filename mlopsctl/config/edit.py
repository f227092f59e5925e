"""Small changes to the text of a project file: what is not changed, comments above all, stays as it is.

A change is made at the place of a node; whoever makes some checks afterwards what the text means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mlopsctl.config.document import Document
from mlopsctl.config.project import Project
from mlopsctl.ground.errors import Span
from mlopsctl.ground.source import DocPath, SourceFile

_SECTIONS = (*Project.model_fields, "environments")
_DASH = re.compile(r"^(\s*)-(\s+)")


@dataclass(frozen=True, slots=True)
class Edit:
    """The text from ``start`` to ``end`` (code points of the file, ``end`` exclusive) becomes another."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text after edits that do not overlap; of those at one place the first comes first."""
    result, at = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        result += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*result, text[at:]])


class Editor:
    """Makes edits to the file that a document was read from; its paths are the document's."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._source: SourceFile = document.sources[0]

    def replaced(self, path: DocPath, text: str) -> Edit:
        """Another text for a value."""
        return Edit(*self._place(self._document.marks[path].value), text)

    def appended(self, path: DocPath, item: str) -> Edit:
        """One more item, written in one line, in a list; the list is made where it is missing."""
        if path not in self._document.marks:
            return self.keyed(path[:-1], str(path[-1]), f"\n- {item}")
        start, end = self._place(self._document.marks[path].value)
        items = self._below(path)
        if not items:
            return Edit(start, end, f"[{item}]")
        if self._source.text[start] == "[":
            _, last = self._place(self._document.marks[items[-1]].value)
            return Edit(last, last, f", {item}")
        dash = _DASH.match(self._source.line(self._document.marks[items[0]].value.line))
        return self._line_after(end, f"{dash[1] if dash else ''}-{dash[2] if dash else ' '}{item}")

    def keyed(self, path: DocPath, key: str, value: str) -> Edit:
        """One more key in a mapping; a value that begins with a line end is a block, written without indent."""
        if not path:
            return self._section(key, value)
        if path not in self._document.marks:
            return self.keyed(path[:-1], str(path[-1]), f"\n{_entry(key, value, 0)}")
        start, end = self._place(self._document.marks[path].value)
        entries = self._below(path)
        if self._source.text[start : start + 1] == "{":
            flow = f"{key}: {_flowing(value)}"
            if not entries:
                return Edit(start, end, f"{{{flow}}}")
            _, last = self._place(self._document.marks[entries[-1]].value)
            return Edit(last, last, f", {flow}")
        first = self._document.marks[entries[0]].key if entries else None
        indent = first.column - 1 if first is not None else 2
        return self._line_after(end, _entry(key, value, indent))

    def removed(self, path: DocPath) -> Edit:
        """A key with its value, or an item of a list, no longer there; with its line where it has one of its own."""
        mark = self._document.marks[path]
        begin, _ = self._place(mark.key or mark.value)
        _, end = self._place(mark.value)
        row = (mark.key or mark.value).line
        first, last = self._source.offset(row), self._end_of_line(end)
        alone = re.fullmatch(r"\s*(-\s+)?", self._source.text[first:begin]) is not None
        rest = self._source.text[end:last].strip()
        if alone and (not rest or rest.startswith("#")) and not self._in_flow(path[:-1]):
            return Edit(first, min(last + 1, len(self._source.text)), "")
        siblings = self._below(path[:-1])
        at = siblings.index(path)
        if at + 1 < len(siblings):
            following = self._document.marks[siblings[at + 1]]
            return Edit(begin, self._place(following.key or following.value)[0], "")
        before = self._place(self._document.marks[siblings[at - 1]].value)[1] if at else begin
        return Edit(before, end, "")

    def _section(self, key: str, value: str) -> Edit:
        """A section stands where the language has it, before the first one that comes later."""
        text = _entry(key, value, 0)
        later = _SECTIONS[_SECTIONS.index(key) + 1 :]
        for found in later:
            mark = self._document.marks.get((found,))
            if mark is not None and mark.key is not None:
                row = mark.key.line
                while row > 1 and self._source.line(row - 1).startswith("#"):
                    row -= 1
                start = self._source.offset(row)
                return Edit(start, start, f"{text}\n\n")
        end = len(self._source.text)
        gap = "\n" if self._source.text.endswith("\n") else "\n\n"
        return Edit(end, end, f"{gap}{text}\n")

    def _below(self, path: DocPath) -> list[DocPath]:
        """The entries of a mapping or a list, in the order of the text."""
        found = [one for one in self._document.marks if len(one) == len(path) + 1 and one[: len(path)] == path]
        return sorted(found, key=lambda one: self._place(self._document.marks[one].value))

    def _in_flow(self, path: DocPath) -> bool:
        mark = self._document.marks.get(path)
        return mark is not None and bool(path) and self._source.text[self._place(mark.value)[0]] in "[{"

    def _line_after(self, offset: int, line: str) -> Edit:
        end = self._end_of_line(offset)
        return Edit(end, end, f"\n{line}")

    def _end_of_line(self, offset: int) -> int:
        found = self._source.text.find("\n", offset)
        return len(self._source.text) if found < 0 else found

    def _place(self, span: Span) -> tuple[int, int]:
        start = self._source.offset(span.line) + span.column - 1
        return start, self._source.offset(span.end_line) + span.end_column - 1


def _entry(key: str, value: str, indent: int) -> str:
    """A key and its value as lines, with that indent."""
    blanks = " " * indent
    if not value.startswith("\n"):
        return f"{blanks}{key}: {value}"
    lines = value.strip("\n").split("\n")
    return "\n".join([f"{blanks}{key}:", *(f"{blanks}  {line}" if line else line for line in lines)])


def _flowing(value: str) -> str:
    """A block list of one item a line as a flow list."""
    if not value.startswith("\n"):
        return value
    lines = value.strip("\n").split("\n")
    if all(line.startswith("- ") for line in lines):
        return f"[{', '.join(line.removeprefix('- ') for line in lines)}]"
    return f"{{{', '.join(lines)}}}"
