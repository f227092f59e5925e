"""The data trigger: run when a dataset's source changed."""

from typing import Literal

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration, Name, PositiveCount


class DataTrigger(Spec):
    """Runs the pipeline when a dataset has new rows."""

    kind: Literal["data"] = Field(title="Kind", description="Run when the data changed.")
    dataset: Name = Field(title="Dataset", description="The name of the dataset (under `data`) to watch.")
    min_new_rows: PositiveCount = Field(
        1, title="Fewest new rows", description="Run only when at least so many rows were added; 1 by default."
    )
    every: Duration | None = Field(
        None, title="How often to look", description="For so long after a run the source is not asked, such as `1h`."
    )
