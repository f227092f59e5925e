"""The six kinds of tests that a CI of level 2 runs, and how a test function says which one it is.

A function is of a kind when its file is ``test_<kind>.py``, or its own name begins with ``test_<kind>``.
"""

from __future__ import annotations

import ast

_ASSERTING = ("raises", "assert_allclose", "assert_array_equal", "assert_frame_equal")

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


def asserting(text: str) -> tuple[str, ...]:
    """The test functions of a file that assert something; none for what is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return tuple(one.name for one in functions if one.name.startswith("test_") and _asserts(one))


def _asserts(function: ast.AST) -> bool:
    """An assertion that can fail, or an expected exception."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Attribute) and node.attr in (
            "raises",
            "approx",
            "assert_allclose",
            "assert_frame_equal",
        ):
            return True
    return False
