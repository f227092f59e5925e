"""A folder's variable and a name that follows it at once make another name, not a file in the folder."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_GLUED = re.compile(r"(\$\{vars\.([a-z][a-z0-9_-]*)\})(?=[A-Za-z0-9_])")


def look(scene: Scene) -> Iterator[Finding]:
    """``${vars.root}rows.csv``, where the variable names a folder."""
    for path, _ in scene.texts():
        raw = scene.raw(path)
        for found in _GLUED.finditer(raw):
            value = scene.project.vars.get(found[2])
            if "\n" in raw or not isinstance(value, str) or "/" not in value or value.endswith(("/", "-", "_", ".")):
                continue
            mended = raw[: found.end(1)] + "/" + raw[found.end(1) :]
            yield Finding(
                path,
                f"{value!r} and what follows it have no slash between them",
                f"write {mended}",
                (scene.edit.replaced(path, mended),),
            )
            break


LINT = Lint("missing-slash", Severity.WARNING, "A variable and a name without a slash between", ("D10",), look)
