"""A name with a version makes each version a pipeline, a model and a history of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_VERSION = re.compile(r"[-_](v\d+([-_]\d+)*|\d{4}[-_]?\d{2}[-_]?\d{2}|\d+([-_]\d+)+)$")


def look(scene: Scene) -> Iterator[Finding]:
    """A project or a pipeline whose name ends in a version or a date."""
    if found := _VERSION.search(scene.project.name):
        shorter = scene.project.name[: found.start()]
        yield Finding(
            ("name",),
            f"{found[0][1:]!r} is a version, and the name says which project it is",
            f"write {shorter} before the first run; runs, models and releases are counted by themselves",
            (scene.edit.replaced(("name",), shorter),),
        )


LINT = Lint("version-in-name", Severity.WARNING, "A version in the name", ("D23",), look)
