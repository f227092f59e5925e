"""The files that ship with mlopsctl beside its code: JSON Schemas and templates.

In a checkout they stand at the top of the repository, where a person looks for them; a wheel carries them inside
the package, under ``mlopsctl/_data``.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def resource(name: str) -> Path:
    """The path of a shipped file or folder, such as ``schemas/mlops.schema.json`` or ``templates/tabular``.

    Raises:
        FileNotFoundError: when no such file is shipped, which is a fault of the installation.
    """
    for root in (_PACKAGE.parent, _PACKAGE / "_data"):
        found = root / name
        if found.exists() and (root != _PACKAGE.parent or (root / "pyproject.toml").is_file()):
            return found
    raise FileNotFoundError(f"mlopsctl was installed without its file {name}")


def schema(name: str = "mlops.schema.json") -> Path:
    """The path of a shipped JSON Schema."""
    return resource(f"schemas/{name}")


def template(name: str) -> Path:
    """The folder of a shipped template."""
    return resource(f"templates/{name}")


def templates() -> tuple[str, ...]:
    """The names of the shipped templates of projects, sorted."""
    return tuple(sorted(path.parent.name for path in resource("templates").glob("*/mlops.yaml")))
