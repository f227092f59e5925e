"""What a lint is: an id, what it looks for, and what it finds with the change that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlopsctl.config.edit import Edit, Editor
from mlopsctl.config.load import Loaded
from mlopsctl.config.project import Project
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Severity
from mlopsctl.ground.source import DocPath


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is probably not meant, at a node of the project.

    Attributes:
        key: shown at the node's key, not its value.
        fix: what `lint --fix` changes; empty where only a person can say what is right.
    """

    path: DocPath
    message: str
    hint: str
    fix: tuple[Edit, ...] = ()
    key: bool = False


@dataclass(frozen=True)
class Scene:
    """A project in one environment, as lints see it."""

    loaded: Loaded

    @property
    def project(self) -> Project:
        """The project."""
        return self.loaded.project

    @property
    def edit(self) -> Editor:
        """Makes changes to the project's file."""
        return Editor(self.loaded.document)

    def written(self, path: DocPath) -> bool:
        """Whether a node stands in the file, and is no default."""
        return path in self.loaded.document.marks

    def texts(self) -> Iterator[tuple[DocPath, str]]:
        """Every text of the project with its place, but for what only people read."""
        for key, value in self.loaded.document.data.items():
            if key not in ("description", "owner"):
                yield from _texts(value, (key,))

    def raw(self, path: DocPath) -> str:
        """A value as it is written in the file, quotes included."""
        mark = self.loaded.document.marks.get(path)
        if mark is None:
            return ""
        source = next(one for one in self.loaded.document.sources if one.name == mark.value.file)
        start = source.offset(mark.value.line) + mark.value.column - 1
        return source.text[start : source.offset(mark.value.end_line) + mark.value.end_column - 1]


@dataclass(frozen=True, slots=True)
class Lint:
    """A lint.

    Attributes:
        id: what it is called in outputs, in comments that ignore it, and on its page.
        title: what is wrong, as a heading.
        defects: the published defects that it keeps out (D1 to D24, see docs/lints.md).
    """

    id: str
    severity: Severity
    title: str
    defects: tuple[str, ...]
    look: Callable[[Scene], Iterator[Finding]]


def _texts(value: Json, path: DocPath) -> Iterator[tuple[DocPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
