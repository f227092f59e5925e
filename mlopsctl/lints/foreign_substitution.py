"""A text with the placeholder of a shell, of Airflow or of Cloud Build: nobody fills it in here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_FOREIGN = re.compile(r"\{\{.*?\}\}|(?<![$\w])\$_?[A-Z][A-Z0-9_]+\b|\$\([^)]*\)|%[YmdHMS](?:[-_]?%[YmdHMS])+")
_PROGRAMS = ("args", "command", "script", "run")


def look(scene: Scene) -> Iterator[Finding]:
    """``$NAME``, ``{{ ds }}`` or ``%Y%m%d`` outside of programs."""
    for path, text in scene.texts():
        if any(part in _PROGRAMS for part in path):
            continue
        if found := _FOREIGN.search(text):
            yield Finding(
                path,
                f"nobody fills in {found[0]!r} here",
                "write ${vars.name} for a constant, or ${parameters.name} for what a run is given",
            )


LINT = Lint("foreign-substitution", Severity.WARNING, "A substitution of another tool", ("D2", "D11"), look)
