"""A container or a step with a network meets failures that pass by themselves; without a retry a person has to."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """Components of kind container without ``retry``."""
    for name, component in scene.project.components.items():
        path = ("components", name)
        if component.run.kind == "container" and component.retry is None:
            yield Finding(
                path,
                f"{name} runs in a container, and one passing failure fails the run",
                "add `retry: {attempts: 2}`",
                (scene.edit.keyed(path, "retry", "{attempts: 2}"),),
                key=True,
            )


LINT = Lint("no-retry", Severity.WARNING, "A step outside without a retry", ("D24",), look)
