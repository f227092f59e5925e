"""Simple annotations of the user's functions, compared with plain values without running anything.

Whatever is not simple (``int``, ``float``, ``str``, ``bool``, ``list[…]``, ``dict[…]``, ``Literal[…]``, unions and
``Optional`` of these) allows everything.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from mlopsctl.ground.digest import Json

_PLAIN: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "str": (str,),
    "bool": (bool,),
    "list": (list, tuple),
    "List": (list, tuple),
    "Sequence": (list, tuple),
    "dict": (dict,),
    "Dict": (dict,),
    "Mapping": (dict,),
    "None": (type(None),),
}
_PATHS = frozenset({"Path", "PurePath", "PathLike"})


def fits(annotation: ast.expr | None, value: Json) -> bool:
    """Whether a value may be given where the annotation stands; true where that cannot be told from the text."""
    node = _unquoted(annotation)
    if node is None:
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return fits(node.left, value) or fits(node.right, value)
    if isinstance(node, ast.Constant):
        return node.value is not None or value is None
    if isinstance(node, ast.Subscript):
        return _fits_generic(name_of(node.value), node.slice, value)
    return _fits_name(name_of(node), value)


def is_path(annotation: ast.expr | None) -> bool | None:
    """Whether the annotation stands for a path; ``None`` where that cannot be told from the text."""
    node = _unquoted(annotation)
    name = name_of(node) if node is not None else ""
    if name in _PATHS:
        return True
    return False if name in _PLAIN else None


def name_of(node: ast.expr | None) -> str:
    """The last word of a dotted name: ``Path`` of ``pathlib.Path``; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Constant) and node.value is None:
        return "None"
    return node.id if isinstance(node, ast.Name) else ""


def literal(node: ast.expr | None) -> tuple[bool, Json]:
    """Whether an expression is a plain value, and the value."""
    try:
        return (False, None) if node is None else (True, ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False, None


def _unquoted(node: ast.expr | None) -> ast.expr | None:
    """``"int"`` in quotes means ``int``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return node


def _fits_name(name: str, value: Json) -> bool:
    kinds = _PLAIN.get(name)
    if kinds is None:
        # A path is given as text nowhere: parameters are handed over as they are written.
        return name not in _PATHS
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds)


def _fits_generic(name: str, inner: ast.expr, value: Json) -> bool:
    parts: Sequence[ast.expr] = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Optional":
        return value is None or fits(parts[0], value)
    if name == "Union":
        return any(fits(part, value) for part in parts)
    if name == "Literal":
        allowed = [literal(part) for part in parts]
        return any(not known or (type(one) is type(value) and one == value) for known, one in allowed)
    if name not in _PLAIN:
        return True
    if not isinstance(value, _PLAIN[name]):
        return False
    if isinstance(value, Mapping):
        return len(parts) != 2 or all(fits(parts[1], item) for item in value.values())
    return len(parts) != 1 or all(fits(parts[0], item) for item in _items(value))


def _items(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()
