"""The ``evaluation`` section: what is measured, on which rows, and what the model must prove."""

from typing import Literal, TypeAlias

from pydantic import Field

from mlopsctl.config.sections.text import Text
from mlopsctl.gates import Gate
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import ColumnName

SplitName: TypeAlias = Literal["train", "validation", "test"]


class Evaluation(Spec):
    """What is measured, on which rows, and what the model must prove."""

    split: SplitName = Field(
        "test",
        title="Split",
        description="The rows to measure on; `test` by default. Gates judge rows that nothing was fitted on.",
    )
    metrics: tuple[Text, ...] = Field(
        (), title="Metrics", description="What is measured, by name; by default the usual metrics of the task."
    )
    slices: tuple[ColumnName, ...] = Field(
        (), title="Slices", description="Columns; the metrics are measured for each of their values too."
    )
    gates: tuple[Gate, ...] = Field(
        (), title="Gates", description="Rules on the model. Every gate must pass before a model is released."
    )
