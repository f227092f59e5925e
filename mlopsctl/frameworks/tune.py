"""``tune``: a search for better parameters of one target, scored on the validation split."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, JsonValue, field_validator, model_validator

from mlopsctl.ground.graph import Cycle, ordered
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
        if self.log and self.step is not None:
            raise refusal("range-step", "a logarithmic range has no step", "take `step` or `log` out", "step")
        if self.int and not all(float(one).is_integer() for one in (self.low, self.high, self.step or 1)):
            raise refusal("range-int", "a range of whole numbers has whole ends and a whole step")
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
Dimension: TypeAlias = Values | Range | Choice

MOST_COMBINATIONS = 10_000


class Tune(Spec):
    """A search over a space of parameters. The best trial is fitted once more, on the train split only."""

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
    space: dict[str, Dimension] = Field(
        min_length=1, title="Space", description="For each parameter a list of values, or {low, high, log, int}."
    )
    early_stopping: bool = Field(
        default=False,
        title="Early stopping",
        description="Give up a trial that is worse, part of the way, than half of those before it; for estimators that "
        "grow step by step.",
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
        combinations = prod(len(values_of(dimension)) for dimension in self.space.values())
        if self.method == "grid" and self.trials is None and combinations > MOST_COMBINATIONS:
            message = f"this grid has {combinations:,} combinations; {MOST_COMBINATIONS:,} are allowed"
            raise refusal("large-grid", message, "list fewer values, write trials, or use method: random")
        return self

    @model_validator(mode="after")
    def _conditions_can_hold(self) -> Self:
        try:
            conditioned = self.order
        except Cycle as cycle:
            message = "parameters wait for each other in a circle: " + " → ".join(cycle.path)
            raise refusal("condition-cycle", message, "take one `when` away", "space") from None
        for name in conditioned:
            for other, wanted in conditions(self.space[name]).items():
                if other in self.space and isinstance(self.space[other], Range):
                    continue
                known = values_of(self.space[other]) if other in self.space else ()
                if other in self.space and not any(holds(wanted, value) for value in known):
                    message = f"{name!r} is searched when {other!r} is {wanted!r}, which it never is"
                    raise refusal("condition-never", message, f"{other} has the values {list(known)}", "space")
        return self

    def packages(self) -> tuple[str, ...]:
        """The installed distributions that draw what is tried."""
        return () if self.method == "grid" else ("optuna",)

    @property
    def order(self) -> tuple[str, ...]:
        """The parameters as declared, each after those that its condition names.

        Raises:
            Cycle: when they wait for each other.
        """
        waits = {name: [one for one in conditions(dim) if one in self.space] for name, dim in self.space.items()}
        return tuple(ordered(waits))


def values_of(dimension: Dimension) -> tuple[JsonValue, ...]:
    """The listed values of a parameter; none for a range."""
    if isinstance(dimension, Range):
        return ()
    return dimension.values if isinstance(dimension, Choice) else dimension


def conditions(dimension: Dimension) -> dict[str, JsonValue]:
    """Under which values of which other parameters it is searched; always, where there are none."""
    return dimension.when if isinstance(dimension, Range | Choice) else {}


def holds(wanted: JsonValue, value: JsonValue) -> bool:
    """Whether a value is the one that a condition wants, or one of a list of them."""
    return value == wanted or (isinstance(wanted, list) and value in wanted)
