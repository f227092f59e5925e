"""Where each line of a YAML text should begin: two spaces a level, dashes one level in.

Only the beginnings of lines are moved. What stands in one line stays together, and lines that continue a text or a
flow collection move as far as the line that it begins in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

INDENT = 2

# The same that reads projects: the two of the library differ in what they take for YAML.
_SCANNER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENS_FLOW = (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)
_CLOSES_FLOW = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_VALUES = (yaml.ScalarToken, yaml.AliasToken, yaml.AnchorToken, yaml.TagToken, *_OPENS_FLOW)


@dataclass(slots=True)
class _Level:
    """A block collection that is open: the column it stands in, and the one it should."""

    old: int
    new: int
    dashes: bool
    # A sequence whose dashes stand under its key has no beginning and no end of its own.
    silent: bool = False


@dataclass(slots=True)
class Layout:
    """What is known of the lines, by number from 0.

    Attributes:
        shifts: by how many columns a line moves; of comments and blank lines only inside texts.
        levels: for a line that begins an entry, the old and new columns of all that is open there.
        inside: lines that continue a text, where blanks and ``#`` may be content.
    """

    shifts: dict[int, int] = field(default_factory=dict)
    levels: dict[int, dict[int, int]] = field(default_factory=dict)
    inside: set[int] = field(default_factory=set)


def layout_of(text: str) -> Layout:
    """The layout of a text that is known to be YAML.

    Raises:
        yaml.YAMLError: when it is none.
    """
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._open: list[_Level] = []
        self._found = Layout()

    def read(self) -> Layout:
        flow: list[int] = []
        for token in yaml.scan(self._text, Loader=_SCANNER):
            line, column = token.start_mark.line, token.start_mark.column
            if isinstance(token, _CLOSES_FLOW):
                begun = flow.pop()
                if not flow:
                    self._carry(begun, token.end_mark.line)
                continue
            if not flow:
                self._structure(token, line, column)
            if isinstance(token, _OPENS_FLOW):
                flow.append(line)
            elif isinstance(token, yaml.ScalarToken) and token.end_mark.line > line:
                last = token.end_mark.line - (1 if token.style in ("|", ">") and token.end_mark.column == 0 else 0)
                self._found.inside.update(range(line + 1, last + 1))
                if not flow:
                    self._carry(line, last)
        return self._found

    def _structure(self, token: yaml.Token, line: int, column: int) -> None:
        """Open and close levels; place the line of an entry that it begins with."""
        if isinstance(token, yaml.BlockMappingStartToken | yaml.BlockSequenceStartToken):
            dashes = isinstance(token, yaml.BlockSequenceStartToken)
            self._open.append(_Level(column, self._new_column(line, column), dashes))
        elif isinstance(token, yaml.BlockEndToken):
            self._close_silent()
            self._open.pop()
        elif isinstance(token, yaml.BlockEntryToken):
            if not self._open[-1].dashes:
                self._open.append(_Level(column, self._open[-1].new + INDENT, dashes=True, silent=True))
            self._place(line, column, self._open[-1].new)
        elif isinstance(token, yaml.KeyToken):
            self._close_silent()
            self._place(line, column, self._open[-1].new if self._open else 0)
        elif isinstance(token, yaml.ValueToken):
            self._place(line, column, self._open[-1].new if self._open else 0)
        elif isinstance(token, _VALUES) and self._open:
            self._place(line, column, self._open[-1].new + INDENT)

    def _close_silent(self) -> None:
        if self._open and self._open[-1].silent:
            self._open.pop()

    def _new_column(self, line: int, column: int) -> int:
        if not self._begins(line, column):
            return column + self._found.shifts.get(line, 0)
        return self._open[-1].new + INDENT if self._open else 0

    def _place(self, line: int, column: int, new: int) -> None:
        if self._begins(line, column) and line not in self._found.shifts:
            self._found.shifts[line] = new - column
            self._found.levels[line] = {level.old: level.new for level in self._open}

    def _begins(self, line: int, column: int) -> bool:
        return not self._lines[line][:column].strip()

    def _carry(self, first: int, last: int) -> None:
        """The lines after the first move as far as it does."""
        shift = self._found.shifts.get(first, 0)
        for line in range(first + 1, last + 1):
            self._found.shifts.setdefault(line, shift)
