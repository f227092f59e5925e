"""What a cross check sees: the project in one environment, and where everything stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.document import Document
from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.project import Project
from mlopsctl.config.words import shown
from mlopsctl.ground.errors import Diagnostic, Severity
from mlopsctl.ground.source import DocPath


@dataclass(frozen=True, slots=True)
class Scene:
    """The project in one environment.

    Attributes:
        document: what the project was made from, with positions.
        whole: the document as written, with every environment's overlay.
        environments: all names of environments, ``environment`` among them.
        folder: the folder of the project file.
    """

    project: Project
    document: Document
    environment: str
    environments: tuple[str, ...]
    folder: Path
    whole: Document

    def error(self, id: str, message: str, path: DocPath, hint: str = "", *, key: bool = False) -> Diagnostic:
        """An error at a node, or at its key."""
        return Diagnostic(id, message, self.document.span_of(path, key), hint)

    def warning(self, id: str, message: str, path: DocPath, hint: str = "", *, key: bool = False) -> Diagnostic:
        """A warning at a node, or at its key."""
        return Diagnostic(id, message, self.document.span_of(path, key), hint, Severity.WARNING)


def unknown(what: str, word: str, known: Iterable[str]) -> tuple[str, str]:
    """Message and hint for a word that names nothing: ``there is no dataset 'x'``."""
    words = tuple(known)
    near = did_you_mean(word, words)
    listed = f"there is: {', '.join(words)}" if words else f"there is no {what} at all"
    return f"there is no {what} {shown(word)}", f"did you mean {near!r}?" if near else listed
