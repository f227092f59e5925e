"""The DAG file itself: small, the same for all, and nothing in it that costs time or finds a template."""

from __future__ import annotations

import ast

from mlopsctl.ground import resources

SOURCE = (resources.template("airflow") / "dag.py").read_text(encoding="utf-8")
TREE = ast.parse(SOURCE)


def test_it_reads_one_file_and_imports_nothing_heavy_at_its_top() -> None:
    top = [node for node in ast.walk(TREE) if isinstance(node, ast.Import | ast.ImportFrom) and node.col_offset == 0]
    named = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in top}
    assert named <= {"__future__", "json", "os", "re", "datetime", "functools", "pathlib"}
    assert sum(ast.unparse(node).count("read_text") for node in TREE.body if isinstance(node, ast.Assign)) == 1


def test_no_operator_has_a_field_that_is_a_template() -> None:
    classes = [node for node in ast.walk(TREE) if isinstance(node, ast.ClassDef)]
    assert len(classes) == 3
    for made in classes:
        (field,) = [
            node for node in made.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "template_fields"
        ]  # fmt: skip
        assert [target.id for target in field.targets if isinstance(target, ast.Name)] == [
            "template_fields",
            "template_ext",
        ]
        assert ast.unparse(field.value) == "()"


def test_it_asks_for_no_variable_and_no_connection() -> None:
    names = {node.id for node in ast.walk(TREE) if isinstance(node, ast.Name)}
    assert not names & {"Variable", "Connection", "BaseHook", "eval", "exec", "compile", "__import__"}
