"""The six kinds of tests that a CI of level 2 runs, and how a test function says which one it is.

A function is of a kind when its file is ``test_<kind>.py``, or its own name begins with ``test_<kind>``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

_ASSERTING = ("raises", "approx", "assert_allclose", "assert_array_equal", "assert_frame_equal")
_PASSED_OVER = ("skip", "xfail")
# What an assertion over constants alone has none of.
_OPEN = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Await)

KINDS = {
    "features": "features are what they should be",
    "models": "the model's methods answer what they should",
    "convergence": "training converges",
    "numbers": "no number is NaN or infinite",
    "artifacts": "each step leaves what it should",
    "integration": "the steps fit together",
}


def kind_of(file: str, function: str) -> str:
    """The kind of a test; empty for another one."""
    for kind in KINDS:
        if file == f"test_{kind}.py" or function.startswith(f"test_{kind}"):
            return kind
    return ""


def asserting(text: str) -> dict[str, int]:
    """The lines of the test functions of a file that assert something, by name; none for what is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    if any(_is_passed_over(node.value) for node in tree.body if isinstance(node, ast.Assign) and _marks(node)):
        return {}
    return {one.name: one.lineno for one in _collected(tree.body) if _asserts(one)}


def _collected(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions that pytest runs: of the module, and of its classes of tests."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if any(_is_passed_over(one) for one in node.decorator_list):
                continue
            if isinstance(node, ast.ClassDef):
                yield from _collected(node.body) if node.name.startswith("Test") else ()
            elif node.name.startswith("test_"):
                yield node


def _marks(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _is_passed_over(mark: ast.expr) -> bool:
    """Whether a mark lets a test pass whatever it asserts: ``skip`` and ``xfail``."""
    return any(isinstance(node, ast.Attribute) and node.attr in _PASSED_OVER for node in ast.walk(mark))


def _asserts(function: ast.AST) -> bool:
    """An assertion that can fail, or an expected exception."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and any(isinstance(one, _OPEN) for one in ast.walk(node.test)):
            return True
        if (isinstance(node, ast.Attribute) and node.attr in _ASSERTING) or (
            isinstance(node, ast.Name) and node.id in _ASSERTING
        ):
            return True
    return False
