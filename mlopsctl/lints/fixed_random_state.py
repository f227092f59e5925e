"""An estimator with a random state of its own does not follow the seed that a run records."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_NAMES = ("random_state", "seed", "random_seed")


def look(scene: Scene) -> Iterator[Finding]:
    """``random_state`` among the parameters of an estimator."""
    for target in scene.project.training.targets if scene.project.training is not None else ():
        for name in _NAMES:
            path = ("training", "targets", target, "params", name)
            if scene.written(path):
                yield Finding(
                    path,
                    f"{name} of {target} is fixed here, and does not follow the seed of the run",
                    "take it out; every step that draws is given the run's seed",
                    (scene.edit.removed(path),),
                    key=True,
                )


LINT = Lint("fixed-random-state", Severity.WARNING, "A random state beside the seed", ("D15",), look)
