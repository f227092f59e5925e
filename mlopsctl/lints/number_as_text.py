"""A threshold passed as the text '0.69' is no number, and whoever compares it may compare letters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_NUMBER = re.compile(r"[+-]?([0-9]|[1-9][0-9]*)(\.[0-9]+)?")


def look(scene: Scene) -> Iterator[Finding]:
    """Quoted numbers among variables, parameters and what components and estimators are given."""
    for path, text in scene.texts():
        named = path[0] in ("vars", "parameters") or "params" in path[:-1]
        if named and _NUMBER.fullmatch(text) and scene.raw(path)[:1] in "\"'":
            yield Finding(
                path,
                f"{text!r} is a text, not a number",
                f"write {text} without quotes",
                (scene.edit.replaced(path, text),),
            )


LINT = Lint("number-as-text", Severity.WARNING, "A number that is written as text", ("D6",), look)
