"""What a packed model needs installed to load: read from its files, without loading it."""

from __future__ import annotations

import ast
import pickletools
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

_ALWAYS = ("mlflow", "numpy", "pandas")
_TEXT = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_RECALL = frozenset({"BINGET", "LONG_BINGET", "GET"})


def requirements(model: Path) -> tuple[str, ...]:
    """``name==version`` of every distribution that the model's pickles and its ``code/`` name, sorted."""
    modules: set[str] = set()
    for pickled in sorted(model.glob("*.pkl")):
        modules |= pickled_modules(pickled.read_bytes())
    for source in sorted((model / "code").rglob("*.py")):
        modules |= set(_imported(source))
    known = _distributions()
    names = {name for module in modules for name in known.get(module, ()) if module not in sys.stdlib_module_names}
    return tuple(sorted(pinned for name in {*names, *_ALWAYS} if (pinned := _pinned(name))))


def pickled_modules(content: bytes) -> set[str]:
    """The top-level modules of the classes and functions a pickle refers to; nothing of it is run.

    Raises:
        ValueError: when the bytes are not a pickle.
    """
    found: set[str] = set()
    memo: list[str | None] = []
    texts: deque[str | None] = deque((None, None), maxlen=2)
    for operation, argument, _ in pickletools.genops(content):
        name = operation.name
        if name in _TEXT:
            texts.append(str(argument))
        elif name == "MEMOIZE":
            memo.append(texts[-1])
        elif name in _RECALL:
            texts.append(memo[argument] if isinstance(argument, int) and argument < len(memo) else None)
        elif name == "STACK_GLOBAL" and (module := texts[-2]):
            found.add(module.partition(".")[0])
            texts.append(None)
        elif name == "GLOBAL":
            found.add(str(argument).partition(".")[0].partition(" ")[0])
            texts.append(None)
        else:
            texts.append(None)
    return found


@cache
def _distributions() -> Mapping[str, list[str]]:
    """The installed distributions by top-level module; reads what every one of them holds, once."""
    return packages_distributions()


def _imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _pinned(name: str) -> str:
    try:
        return f"{name}=={version(name)}"
    except PackageNotFoundError:
        return ""
