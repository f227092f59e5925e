"""A model or a file of one certain run stays the same for ever, whatever is trained."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_RUN = re.compile(r"runs:/[0-9a-f]{32}|\.mlops/runs/[^/]+|\b\d{8}T\d{6}-[0-9a-f]{6}\b|mlruns/\d+/[0-9a-f]{32}")


def look(scene: Scene) -> Iterator[Finding]:
    """Texts that name a run by its id."""
    for path, text in scene.texts():
        if found := _RUN.search(text):
            yield Finding(
                path,
                f"{found[0]!r} is one certain run",
                "wire the step that makes it: inputs: {model: select.model}, or name the model by its alias",
            )


LINT = Lint("pinned-run", Severity.ERROR, "The id of one run, written down", ("D19",), look)
