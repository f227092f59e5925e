"""The ``training`` section: the task, the targets and how the challenger is picked."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mlopsctl.config.sections.text import Text
from mlopsctl.frameworks import Target
from mlopsctl.ground.model import NotYet, Spec
from mlopsctl.ground.scalars import Name

Task: TypeAlias = Literal["classification", "regression"]


class Select(Spec):
    """Picks the challenger among the targets, on the validation split."""

    metric: Text = Field(
        title="Metric", description="The target that is best by this metric wins; ties go to the first in order."
    )


class Training(Spec):
    """What is learned, from which dataset, by which targets side by side."""

    task: Task = Field(title="Task", description="`classification` (the label is a class) or `regression` (a number).")
    data: Name | None = Field(
        None, title="Dataset", description="The dataset to train on, by name; the first under `data` by default."
    )
    parallel: Annotated[
        int | None,
        NotYet("a bound on targets trained side by side; `orchestrator.jobs` bounds all steps", blocking=False),
    ] = Field(
        None, ge=1, le=1024, title="Parallel", description="How many targets may train side by side; all by default."
    )
    targets: dict[Name, Target] = Field(
        min_length=1, title="Targets", description="The models to train, by name; each `kind` is a framework."
    )
    select: Select | None = Field(
        None, title="Select", description="How the challenger is picked; by the first metric by default."
    )
