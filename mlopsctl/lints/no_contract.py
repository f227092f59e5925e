"""Without a reviewed schema file nothing says which columns, types and values are right."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """The dataset that is trained on, without ``schema``."""
    project = scene.project
    if project.training is None or project.data[project.training_data].contract is not None:
        return
    name = project.training_data
    yield Finding(
        ("data", name),
        f"nothing says which columns and values of {name} are right",
        f"`mlopsctl schema infer {name}` drafts a schema file; review it, and name it: `schema: FILE`",
        key=True,
    )


LINT = Lint("no-contract", Severity.WARNING, "Data without a contract", ("D17",), look)
