"""What an engine calls a step, its inputs, and the parameters of a run."""

from __future__ import annotations

from collections.abc import Collection

RUN_PARAMETER = "mlopsctl_run"
"""The pipeline parameter with the run's id; where it is empty, the engine's own id of the job stands in."""

PINNED_PARAMETER = "mlopsctl_pinned"
"""The pipeline parameter with the state inputs of the plan, as JSON; where it is empty, the first task pins them."""

RUN_OUTPUT, PINNED_OUTPUT = "run", "pinned"
"""What the first task gives out: the run's id, and the state inputs, made sure of."""

STATUS_PARAMETER = "status"
"""The parameter of the last task with the engine's final status of all others."""

BEGIN, END = "mlopsctl-begin", "mlopsctl-end"
"""The tasks that an orchestrator runs before and after the project's steps; no step of a project has such a name."""

_DOT, _DASH, _INPUT = "_DOT_", "_DASH_", "_INPUT"


def task_name(step: str) -> str:
    """The name of a step's task on an engine: names of Kubernetes hold no ``_``, and no two ids differ only in that."""
    return step.replace("_", "-")


def to_port(name: str, taken: Collection[str] = ()) -> str:
    """What an engine calls a step's input or a run-time parameter; :func:`from_port` undoes it.

    Engines know no dots in these names and read a double dash as a border. Names of a project are lower case, so
    words in capitals are free for both. A name in ``taken``, that an input of the step has already, gets an ending.
    """
    renamed = name.replace(".", _DOT).replace("--", "-" + _DASH)
    return renamed + _INPUT if renamed in taken else renamed


def from_port(port: str) -> str:
    """The name that :func:`to_port` changed."""
    return port.removesuffix(_INPUT).replace(_DASH, "-").replace(_DOT, ".")
