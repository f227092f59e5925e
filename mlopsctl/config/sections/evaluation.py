"""The ``evaluation`` section: what is measured, on which rows, and what the model must prove."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mlopsctl.config.sections.text import Text
from mlopsctl.gates import Gate
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import ColumnName
from mlopsctl.metrics.own import OwnMetric

SplitName: TypeAlias = Literal["train", "validation", "test"]


Crossed: TypeAlias = Annotated[tuple[ColumnName, ...], Field(strict=False, min_length=1)]


class Evaluation(Spec):
    """What is measured, on which rows, and what the model must prove."""

    split: SplitName = Field(
        "test",
        title="Split",
        description="The rows to measure on; `test` by default. Gates judge rows that nothing was fitted on.",
    )
    metrics: tuple[Text | OwnMetric, ...] = Field(
        (),
        title="Metrics",
        description="What is measured, by name, or by a function of the project; by default the usual metrics of the "
        "task.",
    )
    slices: tuple[ColumnName | Crossed, ...] = Field(
        (),
        title="Slices",
        description="Columns, or lists of columns that are crossed; the metrics are measured for each of their values "
        "too.",
    )
    gates: tuple[Gate, ...] = Field(
        (), title="Gates", description="Rules on the model. Every gate must pass before a model is released."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the metrics that are declared."""
        return tuple(metric.name if isinstance(metric, OwnMetric) else metric for metric in self.metrics)

    @property
    def own(self) -> dict[str, OwnMetric]:
        """The metrics that are functions of the project, by name."""
        return {metric.name: metric for metric in self.metrics if isinstance(metric, OwnMetric)}

    @property
    def sliced(self) -> tuple[tuple[str, ...], ...]:
        """The columns of each slice."""
        return tuple((one,) if isinstance(one, str) else one for one in self.slices)
