"""A schema file that no check of kind schema reads is documentation."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """Datasets with ``schema`` and without a check of that kind."""
    for name, dataset in scene.project.data.items():
        if dataset.contract is None or any(check.kind == "schema" for check in dataset.checks):
            continue
        item = "{name: no-anomalies, kind: schema}"
        yield Finding(
            ("data", name, "schema"),
            f"no check holds {name} to its schema file",
            f"add {item} to its checks",
            (scene.edit.appended(("data", name, "checks"), item),),
        )


LINT = Lint("unchecked-contract", Severity.WARNING, "A contract that nothing checks", ("D17",), look)
