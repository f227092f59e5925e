"""The drift trigger: run when a drift or skew check fails on what the model sees in service."""

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name


class DriftTrigger(Spec):
    """Runs the pipeline when a named drift or skew check fails."""

    not_yet: ClassVar[str] = "runs started by drift"
    blocking: ClassVar[bool] = False

    kind: Literal["drift"] = Field(title="Kind", description="Run when a drift or skew check fails.")
    dataset: Name = Field(title="Dataset", description="The name of the dataset (under `data`) that has the check.")
    check: Name | None = Field(
        None, title="Check", description="The name of one drift or skew check; every one of the dataset by default."
    )
