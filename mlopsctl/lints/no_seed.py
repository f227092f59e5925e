"""The seed is 0 where nobody says so; written down, it can be seen and given to a run."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """A training without the parameter ``seed``."""
    if scene.project.training is None or "seed" in scene.project.parameters:
        return
    yield Finding(
        ("training",),
        "no seed is written down; it is 0",
        "write parameters: {seed: 0}; then `-p seed=1` gives a run another one",
        (scene.edit.keyed(("parameters",), "seed", "0"),)
        if scene.written(("parameters",))
        else (scene.edit.keyed((), "parameters", "{seed: 0}"),),
        key=True,
    )


LINT = Lint("no-seed", Severity.WARNING, "A project without a seed", ("D15",), look)
