"""Functions of the user's own, known by their text: where one is defined and what it takes; nothing is imported.

A module is looked for below one folder, as Python would with that folder first in its path.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mlopsctl.ground.imports import module_file

_MAX_BYTES = 1 << 20
_MAX_HOPS = 8

# Decorators that leave what a function takes as it is.
_TRANSPARENT = frozenset({"cache", "lru_cache", "no_type_check", "override", "typechecked", "staticmethod"})


class Sort(StrEnum):
    """What a name of a module stands for. ``unknown``: made in a way that only running it would tell."""

    FUNCTION = "a function"
    ASYNC = "an async function"
    CLASS = "a class"
    UNKNOWN = "a value"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a definition stands; lines and columns count from 1."""

    file: Path
    line: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Argument:
    """One named parameter of a function. ``annotation`` and ``default`` are expressions as they stand in the text."""

    name: str
    positional: bool
    keyword: bool
    annotation: ast.expr | None
    default: ast.expr | None


@dataclass(frozen=True, slots=True)
class Definition:
    """What a name of a module is.

    ``arguments`` is ``None`` where only running the code would tell (a decorator, a value); ``more_positional`` and
    ``more_keywords`` say that it takes ``*args`` and ``**kwargs``.
    """

    sort: Sort
    place: Place
    arguments: tuple[Argument, ...] | None = None
    more_positional: bool = False
    more_keywords: bool = False


class Unreadable(Exception):
    """A module whose text is not Python; ``line`` is 0 where there is none to name."""

    def __init__(self, file: Path, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.file = file
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Module:
    """The text of a module, read."""

    folder: Path
    name: str
    file: Path
    tree: ast.Module

    @property
    def names(self) -> tuple[str, ...]:
        """The functions and classes that it defines, in order."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return tuple(node.name for node in _statements(self.tree.body) if isinstance(node, kinds))

    def find(self, name: str) -> Definition | None:
        """What a name is here; followed where it is imported from another module of the folder. ``None``: nothing.

        Raises:
            Unreadable: when a module on the way is not Python.
        """
        return _find(self, name, _MAX_HOPS)


def modules_near(folder: Path, name: str) -> tuple[str, ...]:
    """The modules that stand where a missing one was looked for, in order: for a message that says which there are."""
    *parents, _ = name.split(".")
    while parents and not folder.joinpath(*parents).is_dir():
        parents.pop()
    beside = folder.joinpath(*parents)
    found = [path.stem for path in beside.glob("*.py") if path.stem != "__init__"]
    found += [path.parent.name for path in beside.glob("*/__init__.py")]
    return tuple(sorted(".".join([*parents, one]) for one in found if one.isidentifier()))


def read_module(folder: Path, name: str) -> Module | None:
    """The module, or ``None`` where there is no file for it.

    Raises:
        Unreadable: when its text is not Python, or larger than a mebibyte.
    """
    file = module_file(folder, name)
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            text = stream.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise Unreadable(file, "it is larger than a mebibyte")
        return Module(folder, name, file, ast.parse(text, filename=file.name))
    except SyntaxError as error:
        raise Unreadable(file, error.msg, error.lineno or 0) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(file, str(error) or "it is nested too deeply") from None
    except OSError as error:
        raise Unreadable(file, error.strerror or "it cannot be read") from None


def _find(module: Module, name: str, hops: int) -> Definition | None:
    found: Definition | None = None
    # The last one counts, as when the module runs.
    for node in _statements(module.tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            found = _defined(node, module.file)
        elif isinstance(node, ast.ImportFrom):
            found = _imported(module, node, name, hops) or found
        elif name in _bound(node):
            found = Definition(Sort.UNKNOWN, _place(node, module.file))
    lazy = (node for node in module.tree.body if isinstance(node, ast.FunctionDef) and node.name == "__getattr__")
    if found is None and any(lazy):
        return Definition(Sort.UNKNOWN, Place(module.file, 1, 1, 1))
    return found


def _imported(module: Module, node: ast.ImportFrom, name: str, hops: int) -> Definition | None:
    """What ``from … import`` makes of a name: looked up in the folder's modules, unknown where it comes from others."""
    alias = next((one for one in node.names if (one.asname or one.name) == name or one.name == "*"), None)
    if alias is None:
        return None
    unknown = Definition(Sort.UNKNOWN, _place(node, module.file))
    source = _absolute(module, node)
    try:
        other = read_module(module.folder, source) if source and hops else None
    except Unreadable:
        return unknown
    if other is None:
        # A star from a library may bring anything, and most often does not bring this.
        return unknown
    found = _find(other, name if alias.name == "*" else alias.name, hops - 1)
    return found if found is not None or alias.name == "*" else unknown


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    package = module.name if module.file.name == "__init__.py" else module.name.rpartition(".")[0]
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, those inside ``if``, ``try`` and ``with`` included."""
    waiting = list(body)[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            for handler in getattr(node, "handlers", []):
                inner += handler.body
            waiting += inner[::-1]


def _bound(node: ast.stmt) -> set[str]:
    """The names that a plain statement gives a value."""
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign):
        names = (one for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name))
        return {one.id for one in names if isinstance(one.ctx, ast.Store)}
    if isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()


def _defined(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, file: Path) -> Definition:
    place = _place(node, file)
    if isinstance(node, ast.ClassDef):
        return Definition(Sort.CLASS, place)
    sort = Sort.ASYNC if isinstance(node, ast.AsyncFunctionDef) else Sort.FUNCTION
    if not all(_name(decorator) in _TRANSPARENT for decorator in node.decorator_list):
        return Definition(sort, place)
    return Definition(
        sort,
        place,
        tuple(_arguments(node.args)),
        more_positional=node.args.vararg is not None,
        more_keywords=node.args.kwarg is not None,
    )


def _arguments(given: ast.arguments) -> Iterator[Argument]:
    positional = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(given.defaults))
    defaults += given.defaults
    for number, (one, default) in enumerate(zip(positional, defaults, strict=True)):
        yield Argument(one.arg, True, number >= len(given.posonlyargs), one.annotation, default)
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield Argument(one.arg, False, True, one.annotation, default)


def _name(decorator: ast.expr) -> str:
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _place(node: ast.stmt, file: Path) -> Place:
    """The word ``def`` with the name, or the statement's first character."""
    column = node.col_offset + 1
    named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    width = len(getattr(node, "name", "")) if named else 1
    lead = {ast.FunctionDef: 4, ast.AsyncFunctionDef: 10, ast.ClassDef: 6}.get(type(node), 0)
    return Place(file, node.lineno, column, column + lead + width)
