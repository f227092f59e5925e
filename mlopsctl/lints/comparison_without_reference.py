"""A skew check that has no served rows to compare with never says anything about service."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.checks import Skew
from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """Skew checks without ``serving``."""
    for name, dataset in scene.project.data.items():
        for index, check in enumerate(dataset.checks):
            if isinstance(check, Skew) and check.serving is None:
                others = [other for other in scene.project.data if other != name]
                path = ("data", name, "checks", index)
                yield Finding(
                    path,
                    f"the check {check.name!r} has nothing to compare with",
                    "keep served rows as a dataset, and name it: `serving: NAME`",
                    (scene.edit.keyed(path, "serving", others[0]),) if len(others) == 1 else (),
                )


LINT = Lint("comparison-without-reference", Severity.ERROR, "A comparison with nothing", ("D16",), look)
