"""Which files of the project a command runs: they decide what it does, so they stand in the step's key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath

from mlopsctl.ground.errors import InvalidProject
from mlopsctl.ground.imports import reachable_files

_PYTHON = ".py"


def command_files(folder: Path, words: Sequence[str]) -> tuple[str, ...]:
    """The project's files that a command names, relative to its folder, sorted.

    A word may be a file, or end in one (``--script=train.R``). Of a Python script, and of ``-m module``, also the
    files of the project that it imports. Folders, and files that other files name, are not followed.
    """
    found: set[str] = set()
    for word in words:
        for text in (word, word.partition("=")[2]):
            file = _inside(folder, text)
            if file is not None:
                found.add(file)
                found.update(_imported(folder, file))
    for option, module in pairwise(words):
        if option == "-m":
            found.update(_reached(folder, module))
    return tuple(sorted(found))


def _inside(folder: Path, text: str) -> str | None:
    """The file of the project that a text names."""
    if not text or text.startswith("-") or "\0" in text or "{" in text:
        return None
    pure = PurePosixPath(text)
    if pure.is_absolute() or ".." in pure.parts or len(text) > 1_000:
        return None
    return pure.as_posix() if (folder / pure).is_file() else None


def _imported(folder: Path, script: str) -> Iterator[str]:
    """What a Python script imports from beside it: Python looks there first."""
    path = PurePosixPath(script)
    if path.suffix == _PYTHON and path.stem.isidentifier():
        for file in _reached(folder / path.parent, path.stem):
            yield (path.parent / file).as_posix()


def _reached(folder: Path, module: str) -> tuple[str, ...]:
    try:
        return reachable_files(folder, module)
    except InvalidProject:
        # Not a module of the project, or not Python: the command itself will say so.
        return ()
