"""Bounds of a change gate, in the direction in which a metric gets better."""

from __future__ import annotations

from typing import Literal

from mlopsctl.config.project import Project
from mlopsctl.metrics.catalogue import METRICS


def bound_of(project: Project, metric: str, wanted: Literal["0", "apart"]) -> str:
    """The bound that asks for a difference of nothing or better, or for one that is apart from nothing."""
    own = project.evaluation.own.get(metric)
    direction = own.info.direction if own is not None else METRICS[metric].direction if metric in METRICS else "higher"
    if direction == "zero":
        return "min: -0.05, max: 0.05"
    if wanted == "0":
        return "min: 0" if direction == "higher" else "max: 0"
    return "min: 0.01" if direction == "higher" else "max: -0.01"
