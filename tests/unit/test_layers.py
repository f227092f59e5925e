"""Importing is light, and every module has its place in the layers that import-linter holds."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
HEAVY = {
    "airflow", "alembic", "cloudpickle", "duckdb", "fsspec", "github", "google", "jinja2", "jsonschema", "kfp",
    "matplotlib", "mlflow", "numpy", "optuna", "pandas", "polars", "psycopg", "pyarrow", "requests",
    "scipy", "sklearn", "sqlalchemy", "structlog", "tensorflow", "torch", "xgboost",
}  # fmt: skip


def configuration() -> dict[str, object]:
    document: dict[str, object] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]
    return document


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh process has loaded after running the code."""
    script = f"{code}\nimport sys\nprint('LOADED', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ran.stdout.partition("LOADED ")[2].split())


@pytest.mark.parametrize("project", [CHECKOUT / "examples/penguins", CHECKOUT / "templates/tabular"])
def test_validate_loads_no_heavy_library(project: Path) -> None:
    code = (
        "from mlopsctl.cli import door\nfrom mlopsctl.cli.main import app\n"
        f"assert door.run(app, ['-C', {str(project)!r}, 'validate']) == 0"
    )
    assert loaded_by(code) & HEAVY == set()


def test_importing_any_module_loads_no_heavy_library() -> None:
    modules = [
        ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((CHECKOUT / "mlopsctl").rglob("*.py"))
        if path.name != "__main__.py"
    ]
    code = "\n".join(f"import {name}" for name in modules)
    # The metadata store stands on SQLAlchemy as a whole, and the commands that read it import it when they run.
    assert loaded_by(code) & HEAVY <= {"sqlalchemy"}


def test_every_module_stands_in_a_layer() -> None:
    placed = {
        name.strip()
        for contract in configuration()["importlinter"]["contracts"]  # type: ignore[index]
        if contract["type"] == "layers"
        for layer in contract["layers"]
        for name in layer.replace("|", ":").split(":")
    }
    for path in sorted((CHECKOUT / "mlopsctl").rglob("*.py")):
        parts = path.relative_to(CHECKOUT).with_suffix("").parts
        if parts[-1] == "__init__":
            continue
        above = {".".join(parts[:length]) for length in range(2, len(parts) + 1)}
        assert above & placed, f"{'.'.join(parts)} stands in no layer of pyproject.toml"


def test_ruff_refuses_the_same_libraries_at_the_top_of_a_file() -> None:
    ruff = configuration()["ruff"]["lint"]["flake8-tidy-imports"]  # type: ignore[index]
    assert set(ruff["banned-module-level-imports"]) >= HEAVY
