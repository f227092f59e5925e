"""What the models cannot see alone: references, names and metrics across sections. One file a concern.

Each concern is a function from a :class:`Scene` to diagnostics; ``CONCERNS`` lists them in the order of their output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlopsctl.config.semantics.checks import checks
from mlopsctl.config.semantics.columns import columns
from mlopsctl.config.semantics.commands import commands
from mlopsctl.config.semantics.contract import contracts
from mlopsctl.config.semantics.filters import filters
from mlopsctl.config.semantics.functions import functions
from mlopsctl.config.semantics.gates import constant_answers, gates
from mlopsctl.config.semantics.metrics import metrics
from mlopsctl.config.semantics.names import names
from mlopsctl.config.semantics.packages import packages
from mlopsctl.config.semantics.references import references
from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.semantics.whole import whole
from mlopsctl.ground.errors import Diagnostic, Severity

CONCERNS: tuple[Callable[[Scene], Iterator[Diagnostic]], ...] = (
    whole,
    names,
    references,
    columns,
    filters,
    checks,
    contracts,
    metrics,
    gates,
    functions,
    commands,
    packages,
)


def cross_check(scene: Scene) -> Iterator[Diagnostic]:
    """Everything that is wrong between the sections of a project whose models are valid."""
    sound = True
    for concern in CONCERNS:
        for found in concern(scene):
            sound = sound and found.severity is not Severity.ERROR
            yield found
    if sound:
        yield from constant_answers(scene)


__all__ = ["CONCERNS", "Scene", "cross_check"]
