"""Which files of a project a module reaches, found by reading the text of its imports; nothing is imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlopsctl.ground.errors import Diagnostic, InvalidProject


def reachable_files(project: Path, module: str) -> tuple[str, ...]:
    """The project's own Python files that a module runs, relative to the project's folder, sorted.

    Follows ``import`` and ``from … import`` wherever they stand in a file, and the packages' ``__init__`` files.
    Modules that are not in the project (the standard library, installed packages) are left out.

    Raises:
        InvalidProject: when the module is not in the project, or a file cannot be read or parsed.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for part, path in _files(project, name):
            relative = path.relative_to(project).as_posix()
            if relative not in found:
                found[relative] = path
                waiting.extend(_imports(part, path, relative))
    if module_file(project, module) is None:
        raise InvalidProject(
            Diagnostic(
                id="missing-module",
                message=f"there is no module {module} in the project",
                hint=f"expected the file {module.replace('.', '/')}.py beside mlops.yaml",
            )
        )
    return tuple(sorted(found))


def _files(project: Path, module: str) -> Iterator[tuple[str, Path]]:
    """The files that importing a module runs: each enclosing package's and its own, with their module names."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        path = module_file(project, name)
        if path is not None:
            yield name, path


def module_file(folder: Path, name: str) -> Path | None:
    """The file of a module below a folder, or ``None``."""
    base = folder.joinpath(*name.split("."))
    package = base / "__init__.py"
    if package.is_file():
        return package
    plain = base.with_name(base.name + ".py")
    return plain if plain.is_file() else None


def _imports(module: str, path: Path, shown: str) -> Iterator[str]:
    """Every module name that a file may import, absolute; a name imported from a package may be a module itself."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(_parsed(path, shown)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(package, node.level, node.module or "")
            if base:
                yield base
            for alias in node.names:
                if alias.name != "*":
                    yield f"{base}.{alias.name}" if base else alias.name


def _absolute(package: str, level: int, module: str) -> str:
    """``from ..a import b`` in package ``p.q`` is about ``p.a``."""
    if level == 0:
        return module
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (level - 1)]
    return ".".join([*kept, module] if module else kept)


def _parsed(path: Path, shown: str) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=shown)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f" line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise InvalidProject(
            Diagnostic(id="unreadable-module", message=f"{shown}{line} is not Python: {error}", hint="correct the file")
        ) from None
    except OSError as error:
        raise InvalidProject(
            Diagnostic(id="unreadable-module", message=f"{shown} cannot be read: {error.strerror}")
        ) from None


def imported_packages(project: Path, files: Iterable[str]) -> tuple[str, ...]:
    """The top-level modules from outside the project that its Python files import, sorted; not the standard library.

    Raises:
        InvalidProject: when a file cannot be read or parsed.
    """
    found: set[str] = set()
    for file in files:
        if file.endswith(".py"):
            module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            found |= {name.partition(".")[0] for name in _imports(module, project / file, file)}
    beside = {part for file in files for part in file.removesuffix(".py").split("/")}
    own = {
        name for name in found if name in beside or module_file(project, name) is not None or (project / name).is_dir()
    }
    return tuple(sorted(found - own - sys.stdlib_module_names))
