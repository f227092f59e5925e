"""The metric trigger: run when the model in service got worse."""

from typing import Literal, Self

from pydantic import Field, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration


class MetricTrigger(Spec):
    """Runs the pipeline when a metric of the served model leaves its bounds."""

    kind: Literal["metric"] = Field(
        title="Kind", description="Run when a metric of the served model leaves its bounds."
    )
    metric: str = Field(min_length=1, title="Metric", description="The metric to watch, such as `accuracy`.")
    min: float | None = Field(None, title="Lower bound", description="Run when the metric falls below this.")
    max: float | None = Field(None, title="Upper bound", description="Run when the metric rises above this.")
    window: Duration | None = Field(
        None, title="Window", description="How much of the newest labelled data is judged, such as `7d`."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a metric trigger needs `min`, `max`, or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min:g} is above `max` {self.max:g}")
        return self
