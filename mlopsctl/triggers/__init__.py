"""Triggers: what starts a run besides a person. One file a kind."""

from typing import Annotated, TypeAlias

from pydantic import Field

from mlopsctl.triggers.data import DataTrigger
from mlopsctl.triggers.drift import DriftTrigger
from mlopsctl.triggers.metric import MetricTrigger
from mlopsctl.triggers.schedule import ScheduleTrigger

Trigger: TypeAlias = Annotated[
    ScheduleTrigger | DataTrigger | DriftTrigger | MetricTrigger, Field(discriminator="kind")
]

__all__ = ["DataTrigger", "DriftTrigger", "MetricTrigger", "ScheduleTrigger", "Trigger"]
