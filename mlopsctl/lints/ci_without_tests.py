"""Files for a CI are generated, and the project has no tests that it could run."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """``ci`` without a folder ``tests`` beside the project file."""
    folder = scene.loaded.folder / "tests"
    if scene.project.ci and not any(folder.glob("**/test_*.py")):
        yield Finding(
            ("ci",),
            "the project has no tests that its CI could run",
            "`mlopsctl level --upgrade 2` writes the first ones into tests/",
            key=True,
        )


LINT = Lint("ci-without-tests", Severity.WARNING, "A CI without tests", ("D22",), look)
