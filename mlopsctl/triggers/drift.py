"""The drift trigger: run when a drift or skew check fails on what the model sees in service."""

from typing import Literal, Self

from pydantic import Field, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name, PositiveCount, refusal


class DriftTrigger(Spec):
    """Runs the pipeline when a named drift or skew check fails."""

    kind: Literal["drift"] = Field(title="Kind", description="Run when a drift or skew check fails.")
    dataset: Name = Field(title="Dataset", description="The name of the dataset (under `data`) that has the check.")
    check: Name | None = Field(
        None, title="Check", description="The name of one drift or skew check; every one of the dataset by default."
    )
    times: PositiveCount = Field(
        1, title="Times", description="Run when at least so many of the last looks failed; 1 by default."
    )
    of: PositiveCount = Field(
        1, title="Of", description="How many of the newest looks count, such as `times: 2` with `of: 3`; 1 by default."
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.times > self.of:
            message = f"`times` {self.times} of the last {self.of} looks can never fail"
            raise refusal("drift-times", message, f"write `of: {self.times}` or more", "of")
        return self
