"""The document: a project file as plain data, with the place in the text of every node.

Stages: bytes → text (``decode``) → events (``syntax``) → nodes under the language's rules (``nodes``) → data and marks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.compose import Composer
from mlopsctl.config.decode import MAX_BYTES, decode
from mlopsctl.config.nodes import Alias, Branch, Node
from mlopsctl.config.syntax import events
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.ground.source import DocPath, Mark, SourceFile


@dataclass(frozen=True)
class Document:
    """Plain data with positions.

    Attributes:
        data: the root mapping: text keys; values are mappings, lists, text, numbers, booleans and null.
        marks: where every node stands, by its path; the root is ``()``.
        sources: the texts that the marks point into.
    """

    name: str
    data: Mapping[str, Json]
    marks: Mapping[DocPath, Mark]
    sources: tuple[SourceFile, ...]

    def span_of(self, path: DocPath, prefer_key: bool = False) -> Span:
        """Where a node's value stands, or its key; for a node that does not exist, its nearest existing ancestor.

        An ancestor found this way is shown by its key, where it has one: what is missing is missing below it.
        """
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                wants_key = prefer_key or length < len(path)
                return mark.key if wants_key and mark.key is not None else mark.value
        return Span(self.name, 1, 1, 1, 1)


def read_document(path: Path, display: str | None = None) -> Document:
    """The document in a file; ``display`` is the name shown in messages.

    Raises:
        InvalidProject: when there is no such file, it cannot be read, or it is no project file; with every problem.
    """
    name = display or str(path)
    try:
        content = _content(path, name)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _unreadable(name, f"{name} cannot be read: {reason}", "check the file and its permissions") from None
    return parse_document(content, name)


def parse_document(content: bytes, name: str) -> Document:
    """The document in the bytes of a file of that name.

    Raises:
        InvalidProject: whatever the bytes are, with every problem found and where it stands.
    """
    source, found = decode(content, name)
    root = Composer(source, found).compose(events(source))
    marks: dict[DocPath, Mark] = {(): Mark(None, root.span)}
    return Document(name, _mapping(root, (), marks), marks, (source,))


def _content(path: Path, name: str) -> bytes:
    """The first bytes of a regular file, one more than are allowed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        hint = "run the command in the project's folder, or write a first project with 'mlopsctl init'"
        raise _unreadable(name, f"there is no file {name}", hint) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise _unreadable(name, f"{name} is {what}", "name the project file itself, such as mlops.yaml")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _unreadable(name: str, message: str, hint: str) -> InvalidProject:
    place = Span(name, 1, 1, 1, 1)
    return InvalidProject(Diagnostic(id="unreadable-file", message=message, hint=hint, span=place))


def _mapping(branch: Branch, path: DocPath, marks: dict[DocPath, Mark]) -> dict[str, Json]:
    data: dict[str, Json] = {}
    for entry in branch.entries:
        if entry.key is not None:
            here = (*path, entry.key)
            marks[here] = Mark(entry.key_span, entry.node.span)
            data[entry.key] = _data(entry.node, here, marks)
    return data


def _data(node: Node, path: DocPath, marks: dict[DocPath, Mark]) -> Json:
    """The plain data of a node, marking what is below it; its depth was limited when the nodes were made."""
    if isinstance(node, Alias):
        node = node.target
    if not isinstance(node, Branch):
        return node.value
    if node.mapping:
        return _mapping(node, path, marks)
    items: list[Json] = []
    for index, entry in enumerate(node.entries):
        here = (*path, index)
        marks[here] = Mark(None, entry.node.span)
        items.append(_data(entry.node, here, marks))
    return items
