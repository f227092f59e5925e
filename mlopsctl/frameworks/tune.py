"""``tune``: a search for better parameters of one target, scored on the validation split."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import refusal
from mlopsctl.metrics.catalogue import METRICS, suggestion


class Range(Spec):
    """A range of numbers to search."""

    low: float = Field(title="Low", description="The smallest value, inclusive.")
    high: float = Field(title="High", description="The largest value, inclusive.")
    log: bool = Field(default=False, title="Logarithmic", description="Search the exponent; for learning rates.")
    int: bool = Field(default=False, title="Whole numbers", description="Only whole numbers.")
    step: float | None = Field(default=None, gt=0, title="Step", description="The distance between two values.")
    when: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="When",
        description="Only searched where these other parameters have these values.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise refusal("empty-range", "low must be below high")
        if self.log and self.low <= 0:
            raise refusal("empty-range", "a logarithmic range starts above 0")
        return self


class Choice(Spec):
    """A list of values to search, under a condition."""

    values: Annotated[tuple[JsonValue, ...], Field(strict=False, min_length=1)] = Field(
        title="Values", description="The values to try."
    )
    when: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="When",
        description="Only searched where these other parameters have these values.",
    )


Values = Annotated[tuple[JsonValue, ...], Field(strict=False, min_length=1)]


class Tune(Spec):
    """A search over a space of parameters. The best trial is fitted once more, on the train split only."""

    not_yet: ClassVar[str] = "tuning"

    method: Literal["grid", "random", "tpe"] = Field(
        default="grid",
        title="Method",
        description="grid tries every combination, random draws, tpe learns from the trials before.",
    )
    metric: str | None = Field(
        default=None, title="Metric", description="What is compared on the validation split; default: select's metric."
    )
    parallel: int = Field(default=1, ge=1, title="Parallel", description="How many trials run side by side.")
    trials: int | None = Field(
        default=None, ge=1, title="Trials", description="How many combinations to try; grid tries all by default."
    )
    space: dict[str, Values | Range | Choice] = Field(
        min_length=1, title="Space", description="For each parameter a list of values, or {low, high, log, int}."
    )
    early_stopping: bool = Field(
        default=False, title="Early stopping", description="Give up trials that fall behind the others."
    )
    enabled: bool = Field(default=True, title="Enabled", description="false keeps the search in the file, unused.")

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str | None) -> str | None:
        if metric is not None and metric not in METRICS:
            near = suggestion(metric)
            hint = f"did you mean {near!r}?" if near else f"known metrics: {', '.join(METRICS)}"
            raise refusal("unknown-metric", f"there is no metric called {metric!r}", hint)
        return metric

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.method == "grid" and any(isinstance(dimension, Range) for dimension in self.space.values()):
            raise refusal("grid-range", "a grid needs lists of values", "list the values, or use method: random")
        if self.method != "grid" and self.trials is None:
            raise refusal("missing-trials", f"method {self.method} needs a number of trials", "add trials")
        return self
