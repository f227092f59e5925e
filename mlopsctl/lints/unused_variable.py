"""A variable or a parameter that is defined and used nowhere: it was probably meant to do something."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """Variables and parameters that no text of the file refers to."""
    text = scene.loaded.document.sources[0].text
    for section in ("vars", "parameters"):
        for name in getattr(scene.project, section):
            path = (section, name)
            if name == "seed" or f"${{{section}.{name}" in text or not scene.written(path):
                continue
            yield Finding(
                path,
                f"nothing reads {section}.{name}",
                f"write ${{{section}.{name}}} where it is meant, or take it out",
                (scene.edit.removed(path),),
                key=True,
            )


LINT = Lint("unused-variable", Severity.WARNING, "A variable that nothing reads", ("D3",), look)
