"""What the models cannot see alone: references, names and metrics across sections. One file a concern.

Each concern is a function from a :class:`Scene` to diagnostics; ``CONCERNS`` lists them in the order of their output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlopsctl.config.semantics.columns import columns
from mlopsctl.config.semantics.contract import contracts
from mlopsctl.config.semantics.gates import gates
from mlopsctl.config.semantics.metrics import metrics
from mlopsctl.config.semantics.names import names
from mlopsctl.config.semantics.references import references
from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.semantics.whole import whole
from mlopsctl.ground.errors import Diagnostic

CONCERNS: tuple[Callable[[Scene], Iterator[Diagnostic]], ...] = (
    whole,
    names,
    references,
    columns,
    contracts,
    metrics,
    gates,
)


def cross_check(scene: Scene) -> Iterator[Diagnostic]:
    """Everything that is wrong between the sections of a project whose models are valid."""
    for concern in CONCERNS:
        yield from concern(scene)


__all__ = ["CONCERNS", "Scene", "cross_check"]
